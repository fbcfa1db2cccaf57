"""Redemptions for marketers: the list, one attempt, and taking one back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page, sentence_of
from config.kernel.errors import DomainError, NotFound
from config.project.permissions import Permission
from vouchers.dashboard import words
from vouchers.dashboard.checks import channel_of
from vouchers.dashboard.lists import redemption_list, redemptions_of
from vouchers.models import Redemption
from vouchers.reasons import explain
from vouchers.services import rollbacks

LONGEST_REASON = 500


class RedemptionList(Page):
    """All attempts to redeem."""

    permission = Permission.SEE_REDEMPTIONS
    section = "redemptions"
    template_name = "dashboard/redemptions/list.html"
    title = "Redemptions"
    crumbs = (Crumb("Tracking"),)

    def get(self, request: HttpRequest) -> HttpResponse:
        listing = lists.read(redemption_list(self.project, self.at), redemptions_of(self.project), request.GET.dict())
        empty = {
            "icon": "receipt",
            "title": "No redemptions yet",
            "text": "Each time somebody redeems a code, or tries to and is refused, it appears here with the reason.",
            "actions": [{"url": reverse("dashboard:vouchers"), "label": "Go to vouchers"}]
            if self.may(Permission.SEE_VOUCHERS)
            else [],
        }
        return self.render({"listing": listing, "empty": empty})


class RedemptionPage(Page):
    """One attempt: what was asked, what came of it, and why."""

    permission = Permission.SEE_REDEMPTIONS
    section = "redemptions"
    template_name = "dashboard/redemptions/detail.html"

    def found(self, public_id: str) -> Redemption:
        """Raises NotFound."""
        rows = Redemption.objects.of(self.project).select_related(
            *("voucher", "customer", "campaign", "rolls_back", "parent", "promotion_tier", "order")
        )
        if "\x00" in public_id or (row := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("redemption", public_id)
        return row

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return self.show(self.found(public_id))

    def show(self, row: Redemption, problem: str = "", status: int = 200) -> HttpResponse:
        kept: list[dict[str, Any]] = row.reasons or ([{"key": row.failure_code}] if row.failure_code else [])
        voice = words.voice_of(self.project, [reason.get("facts") or {} for reason in kept])
        order = row.order_snapshot or {}
        related = Redemption.objects.of(self.project).select_related("voucher")
        rollback_rows = list(related.filter(rolls_back=row).order_by("pk")[:20])
        children = list(related.filter(parent=row).order_by("pk")[:30])
        return self.render(
            {
                "title": row.code or (row.promotion_tier.name if row.promotion_tier else row.public_id),
                "crumbs": (Crumb("Tracking"), Crumb("Redemptions", reverse("dashboard:redemptions"))),
                "redemption": row,
                "outcome": words.outcome(row),
                "reasons": [explain(reason, voice) for reason in kept],
                "refused": row.kind == Redemption.Kind.REDEMPTION and row.result == Redemption.Result.FAILURE,
                "order": order,
                "lines": words.lines_of(order),
                "sums": words.sums_of(order) | _discount_of(row, order),
                "children": children,
                "rollbacks": rollback_rows,
                "gives_back": self.gives_back(row, children) if self.can_roll_back(row) else [],
                "problem": problem,
            },
            status=status,
        )

    def can_roll_back(self, row: Redemption) -> bool:
        """Whether the button makes sense here; the service decides."""
        return (
            self.may(Permission.REDEEM)
            and row.kind == Redemption.Kind.REDEMPTION
            and row.status == Redemption.Status.SUCCEEDED
            and row.parent_id is None
        )

    def gives_back(self, row: Redemption, children: list[Redemption]) -> list[str]:
        """What taking it back returns, in words."""
        told = []
        for one in children or [row]:
            name = one.code or (one.voucher.code if one.voucher else "the code")
            credits = f" and {kit.money_text(one.amount, self.project.currency)} of credits" if one.amount else ""
            told.append(f"{name} gets one use back{credits}.")
        keeps = self.project.stacking_rules.get("redeemables_rollback_order_mode") == "WITHOUT_ORDER"
        if row.order is not None:
            name = row.order.source_id or row.order.public_id
            told.append(f"Order {name} stays as it is." if keeps else f"Order {name} loses the discount.")
        if row.customer is not None:
            told.append(f"The counters of {row.customer} follow.")
        return told


class RedemptionRollback(RedemptionPage):
    """Take a redemption back."""

    permission = Permission.REDEEM

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:redemption", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        row = self.found(public_id)
        reason = request.POST.get("reason", "").replace("\x00", "").strip()[:LONGEST_REASON]
        if not reason:
            return self.show(row, "Say why it is rolled back.", status=400)
        try:
            done = rollbacks.roll_back(
                project=self.project, redemption=row, reason=reason, at=self.at, channel=channel_of(self)
            )
        except DomainError as error:
            return self.show(self.found(public_id), f"Not rolled back: {sentence_of(error)}", status=400)
        messages.success(request, "Rolled back.")
        return redirect("dashboard:redemption", (done.parent or done.rollbacks[0]).public_id)


def _discount_of(row: Redemption, order: Mapping[str, Any]) -> dict[str, Any]:
    """The discount given, or of a rollback the one that was taken back."""
    discount = order.get("total_discount_amount", row.discount_amount)
    return {"taken_back": -discount} if discount and discount < 0 else {"discount": discount}
