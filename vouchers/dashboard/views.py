"""Vouchers and redemptions for marketers."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import lists
from config.dashboard.base import Crumb, Page, put_on_form
from config.kernel.errors import DomainError, NotFound
from config.project.permissions import Permission
from segments.models import Segment
from vouchers import audited
from vouchers.dashboard import words
from vouchers.dashboard.forms import MOST_SEGMENTS_OFFERED, VoucherForm
from vouchers.dashboard.lists import redemption_list, redemptions_of, voucher_list, vouchers_of
from vouchers.engine import rules
from vouchers.engine.terms import Facts
from vouchers.models import Redemption, RuleAssignment, Voucher
from vouchers.reasons import Words, explain, rule_in_words
from vouchers.services import candidates, offers
from vouchers.services import vouchers as voucher_services

PROMOTIONS = Crumb("Promotions")


class VoucherList(Page):
    """All codes."""

    permission = Permission.SEE_VOUCHERS
    section = "vouchers"
    template_name = "dashboard/vouchers/list.html"
    title = "Vouchers"
    crumbs = (PROMOTIONS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        listing = lists.read(voucher_list(self.project, self.at), vouchers_of(self.project), request.GET.dict())
        empty = {
            "icon": "ticket",
            "title": "No vouchers yet",
            "text": "A voucher is a code that takes something off an order, or a gift card with credits on it.",
            "actions": [{"url": reverse("dashboard:voucher-new"), "label": "New voucher"}]
            if self.may(Permission.EDIT_VOUCHERS)
            else [],
        }
        return self.render({"listing": listing, "empty": empty})


class VoucherNew(Page):
    """A code of its own, without a campaign."""

    permission = Permission.EDIT_VOUCHERS
    section = "vouchers"
    template_name = "dashboard/vouchers/new.html"
    title = "New voucher"

    def shell(self) -> dict[str, Any]:
        return super().shell() | {"crumbs": (PROMOTIONS, Crumb("Vouchers", reverse("dashboard:vouchers")))}

    def segments(self) -> list[Segment]:
        return list(Segment.objects.of(self.project).only("public_id", "name").order_by("-id")[:MOST_SEGMENTS_OFFERED])

    def get(self, request: HttpRequest) -> HttpResponse:
        form = VoucherForm(initial={"segment": request.GET.get("segment", "")}, segments=self.segments())
        return self.render({"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = VoucherForm(request.POST, segments=self.segments())
        if form.is_valid():
            try:
                with transaction.atomic():
                    voucher = offers.offer(
                        project=self.project, voucher=form.voucher(), rule=form.rule(self.project.currency), at=self.at
                    )
                    after = audited.of_voucher(voucher)
                    self.note("voucher.created", "voucher", voucher.public_id, after=after)
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, f"Voucher {voucher.code} can be redeemed.")
                return redirect("dashboard:voucher", voucher.public_id)
        return self.render({"form": form}, status=400)


class VoucherPage(Page):
    """One code: what it gives, how it stands, who tried it."""

    permission = Permission.SEE_VOUCHERS
    section = "vouchers"
    template_name = "dashboard/vouchers/detail.html"

    def found(self, public_id: str) -> Voucher:
        voucher = (
            Voucher.objects.of(self.project).alive().select_related("campaign", "holder").filter(public_id=public_id)
        )
        if (row := voucher.first()) is None:
            raise NotFound.of("voucher", public_id)
        return row

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        voucher = self.found(public_id)
        assignments = list(RuleAssignment.objects.filter(project=self.project).applying_to(voucher))
        attempts = redemptions_of(self.project).filter(voucher=voucher)
        listing = lists.read(redemption_list(self.project, self.at, of_voucher=True), attempts, request.GET.dict())
        return self.render(
            {
                "title": voucher.code,
                "crumbs": (PROMOTIONS, Crumb("Vouchers", reverse("dashboard:vouchers"))),
                "voucher": voucher,
                "gives": words.gives(voucher, self.project),
                "standing": words.standing(voucher, self.at),
                "used": words.used(voucher),
                "conditions": self.conditions(assignments),
                "reasons": self.reasons(voucher),
                "listing": listing,
                "empty": {
                    "icon": "receipt",
                    "title": "No attempts yet",
                    "text": "Redemptions of this code, and attempts that were refused, appear here.",
                },
            }
        )

    def reasons(self, voucher: Voucher) -> list[Words]:
        """Every reason it would be refused now, whoever comes with whatever order."""
        terms = candidates.terms_of(voucher)
        facts = Facts(at=self.at, zone=ZoneInfo(self.project.timezone))
        voice = words.voice(self.project)
        return [
            explain({"key": refusal.key, "facts": refusal.facts}, voice)
            for refusal in rules.refusals(terms, facts)
            if refusal.key != "missing_amount"
        ]

    def conditions(self, assignments: list[RuleAssignment]) -> list[str]:
        """Who may redeem it, as sentences."""
        voice = words.voice(self.project, {name for row in assignments for name in row.rule.segment_ids})
        return [sentence for row in assignments for sentence in rule_in_words(row.rule.rules, voice)]


class VoucherSwitch(VoucherPage):
    """Enable or disable."""

    permission = Permission.EDIT_VOUCHERS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:voucher", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        active = request.POST.get("active") == "on"
        stored = self.found(public_id)
        before = {"active": stored.active}
        with transaction.atomic():
            voucher = voucher_services.switch(project=self.project, voucher=stored, active=active, at=self.at)
            action = "voucher.enabled" if active else "voucher.disabled"
            self.note(action, "voucher", public_id, name=voucher.code, before=before, after={"active": voucher.active})
        said = "enabled" if active else "disabled: nobody can redeem it until it is enabled again"
        messages.success(request, f"Voucher {voucher.code} is {said}.")
        return redirect("dashboard:voucher", public_id)


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

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        rows = Redemption.objects.of(self.project).select_related(
            "voucher", "customer", "campaign", "rolls_back", "parent"
        )
        if (row := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("redemption", public_id)
        kept: list[dict[str, Any]] = row.reasons or ([{"key": row.failure_code}] if row.failure_code else [])
        voice = words.voice(self.project, words.named_segments(kept))
        order = row.order_snapshot or {}
        return self.render(
            {
                "title": row.code or row.public_id,
                "crumbs": (Crumb("Tracking"), Crumb("Redemptions", reverse("dashboard:redemptions"))),
                "redemption": row,
                "outcome": words.outcome(row),
                "reasons": [explain(reason, voice) for reason in kept],
                "order": order,
                "lines": words.lines_of(order),
                "sums": {
                    "before": order.get("initial_amount", order.get("amount")),
                    "discount": order.get("total_discount_amount", row.discount_amount),
                    "total": order.get("total_amount", order.get("amount")),
                },
            }
        )
