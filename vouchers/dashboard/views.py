"""Vouchers for marketers: the list, a new one, and everything about one code."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page, put_on_form, sentence_of
from config.kernel.errors import DomainError, NotFound
from config.project.permissions import Permission
from segments.models import Segment
from vouchers import audited, pictures
from vouchers.dashboard import trends, words
from vouchers.dashboard.forms import MOST_SEGMENTS_OFFERED, BalanceForm, VoucherForm, minor
from vouchers.dashboard.lists import redemption_list, redemptions_of, voucher_list, vouchers_of
from vouchers.engine import rules
from vouchers.engine.terms import Facts
from vouchers.models import RuleAssignment, Voucher, VoucherTransaction
from vouchers.reasons import Words, explain, rule_in_words
from vouchers.services import balances, candidates, offers
from vouchers.services import vouchers as voucher_services

PROMOTIONS = Crumb("Promotions")
MOST_LINES: Final = 50
LEDGER: Final = {
    VoucherTransaction.Type.REDEMPTION.value: "Spent",
    VoucherTransaction.Type.REFUND.value: "Given back",
    VoucherTransaction.Type.ADDITION.value: "Added",
    VoucherTransaction.Type.REMOVAL.value: "Taken away",
}


class VoucherList(Page):
    """All codes."""

    permission = Permission.SEE_VOUCHERS
    section = "vouchers"
    template_name = "dashboard/vouchers/list.html"
    title = "Vouchers"
    crumbs = (PROMOTIONS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        spec = voucher_list(self.project, self.at, ticks=self.may(Permission.EDIT_VOUCHERS))
        listing = lists.read(spec, vouchers_of(self.project), request.GET.dict())
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
        is_gift = voucher.type == Voucher.Type.GIFT
        ledger = voucher.transactions.select_related("redemption").order_by("-pk")[: MOST_LINES + 1] if is_gift else []
        return self.render(
            {
                "title": voucher.code,
                "crumbs": (PROMOTIONS, Crumb("Vouchers", reverse("dashboard:vouchers"))),
                "voucher": voucher,
                "is_gift": is_gift,
                "gives": words.gives(voucher, self.project),
                "standing": words.standing(voucher, self.at),
                "used": words.used(voucher),
                "conditions": self.conditions(assignments),
                "assignments": assignments,
                "reasons": self.reasons(voucher),
                "ledger": [(row, LEDGER.get(row.type, row.type)) for row in ledger],
                "changes": trends.changes(self.project, "voucher", voucher.public_id),
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
        empty = voucher.type == Voucher.Type.GIFT and voucher.gift_balance <= 0
        spent = [Words("gift_amount_exceeded", "Nothing is left on the card")] if empty else []
        return spent + [
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
            voucher = voucher_services.switch(
                project=self.project, voucher=stored, active=active, at=self.at, cause=self.cause
            )
            action = "voucher.enabled" if active else "voucher.disabled"
            self.note(action, "voucher", public_id, name=voucher.code, before=before, after={"active": voucher.active})
        said = "enabled" if active else "disabled: nobody can redeem it until it is enabled again"
        messages.success(request, f"Voucher {voucher.code} is {said}.")
        return redirect("dashboard:voucher", public_id)


class VoucherPicture(VoucherPage):
    """The code as a QR code."""

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        voucher = self.found(public_id)
        response = HttpResponse(pictures.qr(voucher.code, size=6, svg=True), content_type="image/svg+xml")
        response["Cache-Control"] = "private, max-age=86400"
        return response


class VoucherBalance(VoucherPage):
    """Add credits to a gift card, or take some away."""

    permission = Permission.EDIT_VOUCHERS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:voucher", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        voucher, form = self.found(public_id), BalanceForm(request.POST)
        if not form.is_valid():
            messages.error(request, f"Not changed: {next(iter(form.errors.values()))[0]}")
            return redirect("dashboard:voucher", public_id)
        amount = minor(form.cleaned_data["amount"]) or 0
        try:
            with transaction.atomic():
                row = balances.adjust(
                    project=self.project,
                    voucher=voucher,
                    amount=amount,
                    at=self.at,
                    source="dashboard",
                    reason=form.cleaned_data["reason"],
                    cause=self.cause,
                )
                self.note(
                    "voucher.balance_changed", "voucher", public_id, name=voucher.code,
                    before={"balance": row.balance - amount}, after={"balance": row.balance},
                )  # fmt: skip
        except DomainError as error:
            messages.error(request, f"Not changed: {sentence_of(error)}")
        else:
            messages.success(request, f"The card has {kit.money_text(row.balance, self.project.currency)} now.")
        return redirect("dashboard:voucher", public_id)


class VoucherDelete(VoucherPage):
    """Put a code into the bin; it stays reserved."""

    permission = Permission.EDIT_VOUCHERS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:voucher", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        voucher = self.found(public_id)
        with transaction.atomic():
            before = audited.of_voucher(voucher)
            voucher_services.delete(project=self.project, voucher=voucher, force=False, at=self.at, cause=self.cause)
            self.note("voucher.deleted", "voucher", public_id, name=voucher.code, before=before)
        messages.success(request, f"Voucher {voucher.code} is deleted.")
        return redirect("dashboard:vouchers")
