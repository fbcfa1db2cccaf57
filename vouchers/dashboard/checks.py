"""Check a code: would it be redeemed, and if not, why not. Asking keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import DateTimeField
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from config.dashboard import kit
from config.dashboard.base import Crumb, Page, sentence_of
from config.kernel.errors import DomainError, NotFound
from config.project.permissions import Permission
from customers import lookups
from customers.models import Customer
from customers.payloads import email_key
from vouchers import reports
from vouchers.dashboard import words
from vouchers.dashboard.words import OrderLine
from vouchers.engine.stacking import PRECEDING_FAILED, Outcome
from vouchers.models import Redemption, Voucher
from vouchers.payloads import parse_stackable
from vouchers.reasons import Words, explain, title_of
from vouchers.rendering.orders import render_order_state
from vouchers.services import redemptions, validations
from vouchers.services.channels import Channel
from vouchers.services.validations import Validation

BLANK_ROWS: Final = 2
MOST_ROWS: Final = 50
LONGEST: Final = 500
MOST_ALONE: Final = 6


@dataclass(frozen=True)
class Row:
    """A line of the cart as it was typed."""

    item: str = ""
    quantity: str = ""
    price: str = ""


@dataclass
class Asked:
    """What the form holds, as it was typed, and what is wrong with it."""

    code: str = ""
    customer: str = ""
    amount: str = ""
    when: str = ""
    rows: list[Row] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def codes(self) -> list[str]:
        """The codes, each once; commas and line ends stand between them."""
        return list(dict.fromkeys(part.strip() for part in self.code.replace("\n", ",").split(",") if part.strip()))

    @property
    def shown_rows(self) -> list[Row]:
        """The rows of the form: what was typed, and empty ones to type into."""
        return [*self.rows, *[Row()] * BLANK_ROWS]


def read(query: QueryDict) -> Asked:
    """The form out of the address or the body."""

    def text(key: str) -> str:
        return query.get(key, "").replace("\x00", "").strip()[:LONGEST]

    columns = [query.getlist(key) for key in ("item", "quantity", "price")]
    most = min(MOST_ROWS, max((len(column) for column in columns), default=0))
    cells = [
        [(column[i] if i < len(column) else "").replace("\x00", "").strip()[:200] for column in columns]
        for i in range(most)
    ]
    return Asked(
        code=query.get("code", "").replace("\x00", "").strip()[:5000],
        customer=text("customer"),
        amount=text("amount"),
        when=text("when"),
        rows=[Row(*row) for row in cells if any(row)],
    )


@dataclass(frozen=True)
class Finding:
    """What became of one code. tone: of its status."""

    code: str
    tone: str
    verdict: str
    voucher: Voucher | None
    gives: str
    reasons: list[Words]
    taken_off: str


class CheckCode(Page):
    """The form and its answer; the same address is the same question."""

    permission = Permission.CHECK_CODES
    section = "check"
    template_name = "dashboard/checks/check.html"
    title = "Check a code"
    crumbs = (Crumb("Promotions"),)

    def get(self, request: HttpRequest) -> HttpResponse:
        attempt = self.attempt(request.GET.get("from", ""))
        asked = read(request.GET) if attempt is None or "code" in request.GET else asked_of(attempt)
        context: dict[str, Any] = {"asked": asked, "attempt": attempt}
        return self.render(context | (self.answer(asked) if asked.codes else {}))

    def attempt(self, public_id: str) -> Redemption | None:
        """The attempt that fills the form. Raises NotFound."""
        if not public_id:
            return None
        rows = Redemption.objects.of(self.project).select_related("voucher", "customer")
        if "\x00" in public_id or (row := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("redemption", public_id)
        return row

    def answer(self, asked: Asked) -> dict[str, Any]:
        """The verdict with every reason; problems of the form where it cannot be asked."""
        customer = self.customer(asked)
        body = self.body(asked, customer)
        at = self.moment(asked)
        if asked.problems:
            return {}
        try:
            found = validations.examine(project=self.project, request=parse_stackable(body), at=at)
        except DomainError as error:
            asked.problems["code"] = sentence_of(error)
            return {}
        return self.told(asked, found, customer)

    def customer(self, asked: Asked) -> Customer | None:
        """Whom the question is about; somebody unknown is a problem of the form."""
        if not asked.customer:
            return None
        found = find_customer(self, asked.customer)
        if found is None:
            asked.problems["customer"] = f"Nobody here has the id, source id or e-mail “{asked.customer}”."
        return found

    def body(self, asked: Asked, customer: Customer | None) -> dict[str, Any]:
        """The question as the API takes it."""
        body: dict[str, Any] = {"redeemables": [{"object": "voucher", "id": code} for code in asked.codes]}
        if customer is not None:
            body["customer"] = {"id": customer.public_id}
        order: dict[str, Any] = {}
        if asked.amount:
            order["amount"] = _amount(asked, "amount", asked.amount)
        if asked.rows:
            order["items"] = [_item(asked, row) for row in asked.rows]
        return body | ({"order": order} if order else {})

    def moment(self, asked: Asked) -> datetime:
        """As of when; now by default."""
        if not asked.when:
            return self.at
        try:
            found = DateTimeField(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]).clean(asked.when)
        except (ValidationError, OverflowError, ValueError):
            asked.problems["when"] = "This is not a date and time."
            return self.at
        return timezone.make_aware(found) if timezone.is_naive(found) else found

    def told(self, asked: Asked, found: Validation, customer: Customer | None) -> dict[str, Any]:
        """The answer in words."""
        voice = words.voice_of(self.project, [refusal.facts for o in found.stack.outcomes for refusal in o.refusals])
        findings = [self.finding(outcome, found, voice) for outcome in found.stack.outcomes]
        self.look_behind(asked, found, findings)
        order = None if found.stack.order is None else render_order_state(found.stack.order)
        applied = sum(one.tone == "ok" for one in findings)
        verdict = _verdict(len(findings), applied, valid=found.valid)
        unknown = [one.code for one in findings if one.voucher is None and self.may(Permission.SEE_VOUCHERS)]
        lines: list[OrderLine] = words.lines_of(order or {})
        return {
            "verdict": verdict,
            "valid": found.valid,
            "findings": findings,
            "customer": customer,
            "lines": lines,
            "sums": words.sums_of(order) if order and applied else None,
            "near": reports.nearest_codes(project=self.project, code=unknown[0]) if unknown else [],
            "checked_at": found.at,
            "answer_text": _as_text(verdict, findings, order, self.project.currency),
            "token": self.request.META.get("REQUEST_ID", ""),
            "is_now": not asked.when,
        }

    def look_behind(self, asked: Asked, found: Validation, findings: list[Finding]) -> None:
        """A code that was left out because another one failed is asked alone, too: what else would stand in its way."""
        for place, outcome in enumerate(found.stack.outcomes[:MOST_ALONE]):
            if outcome.skip is None or outcome.skip.key != PRECEDING_FAILED.key:
                continue
            request = replace(found.request, redeemables=(found.request.redeemables[place],))
            alone = validations.examine(project=self.project, request=request, at=found.at)
            own = alone.stack.outcomes[0]
            voice = words.voice_of(self.project, [refusal.facts for refusal in own.refusals])
            told = self.finding(own, alone, voice)
            findings[place] = replace(findings[place], reasons=[*findings[place].reasons, *told.reasons])

    def finding(self, outcome: Outcome, found: Validation, voice: Any) -> Finding:
        """One code's part of the answer."""
        voucher = found.voucher_of(outcome)
        reasons = [
            explain({"key": r.key, "facts": r.facts, "custom_message": r.custom_message}, voice)
            for r in outcome.refusals
        ]
        if outcome.skip is not None:
            reasons.append(Words(outcome.skip.key, title_of(outcome.skip.key)))
        taken = None if outcome.effect is None else kit.money_text(outcome.effect.applied, self.project.currency)
        tones = {"APPLICABLE": ("ok", "Applies"), "INAPPLICABLE": ("bad", "Refused"), "SKIPPED": ("warn", "Left out")}
        tone, verdict = tones[outcome.status]
        gives = words.gives(voucher, self.project) if voucher else ""
        return Finding(outcome.candidate.id, tone, verdict, voucher, gives, reasons, taken or "")


class CheckRedeem(CheckCode):
    """Redeem what was checked, as the person who is signed in."""

    permission = Permission.REDEEM

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(f"{reverse('dashboard:check')}?{request.GET.urlencode()}")

    def post(self, request: HttpRequest) -> HttpResponse:
        asked = read(request.POST)
        asked.when = ""
        body = self.body(asked, self.customer(asked))
        if not asked.codes:
            asked.problems["code"] = "Type a code."
        if asked.problems:
            return self.render({"asked": asked}, status=400)
        try:
            done = redemptions.redeem(
                project=self.project, request=parse_stackable(body), at=self.at, channel=channel_of(self)
            )
        except DomainError as error:
            messages.error(request, f"Not redeemed: {sentence_of(error)}")
            return self.render({"asked": asked} | self.answer(asked), status=400)
        messages.success(request, "Redeemed.")
        return redirect("dashboard:redemption", (done.parent or done.redemptions[0]).public_id)


def channel_of(page: Page) -> Channel:
    """What events and redemptions keep of who did it here."""
    user = {"id": page.user.public_id, "name": page.user.get_full_name()}
    return Channel(
        type="USER",
        id=page.user.public_id,
        login=page.user.email,
        request_id=page.request.META.get("REQUEST_ID", ""),
        source={"channel": "INTERNAL", "user": user},
    )


def find_customer(page: Page, text: str) -> Customer | None:
    """By id, source id, tracking id, or whole e-mail where exactly one has it."""
    try:
        return lookups.find(project=page.project, identifier=text)
    except NotFound:
        rows = Customer.objects.of(page.project).alive().filter(email_key=email_key(text) or "")[:2]
        return rows[0] if "@" in text and len(rows) == 1 else None


def asked_of(attempt: Redemption) -> Asked:
    """The question that an attempt was."""
    order: Mapping[str, Any] = attempt.order_snapshot or {}
    amount = attempt.order_amount if attempt.order_amount is not None else order.get("initial_amount")
    code = attempt.code or (attempt.voucher.code if attempt.voucher else "")
    return Asked(
        code=code,
        customer=attempt.customer.public_id if attempt.customer else "",
        amount="" if amount is None else f"{amount // 100}.{amount % 100:02d}",
        when=f"{timezone.localtime(attempt.created_at):%Y-%m-%dT%H:%M:%S}",
        rows=[_typed(line) for line in order.get("items") or ()],
    )


def _typed(line: Mapping[str, Any]) -> Row:
    name = next((str(line[key]) for key in ("product_id", "sku_id", "source_id") if line.get(key)), "")
    price = line.get("price")
    return Row(name, str(line.get("quantity") or 1), "" if price is None else f"{price / 100:.2f}")


def _amount(asked: Asked, name: str, text: str) -> int:
    try:
        minor = Decimal(text.replace(",", ".")) * 100
        if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor < 2**53:
            raise InvalidOperation
    except InvalidOperation:
        asked.problems[name] = f"“{text}” is not an amount; write it like 80.00."
        return 0
    return int(minor)


def _item(asked: Asked, row: Row) -> dict[str, Any]:
    item: dict[str, Any] = {"quantity": 1}
    if row.item.startswith(("prod_", "sku_")):
        item["sku_id" if row.item.startswith("sku_") else "product_id"] = row.item
    elif row.item:
        item |= {"source_id": row.item, "related_object": "product"}
    if row.quantity:
        if not (row.quantity.isascii() and row.quantity.isdigit() and 1 <= len(row.quantity) <= 9):
            asked.problems["items"] = f"“{row.quantity}” is not a quantity."
        else:
            item["quantity"] = int(row.quantity)
    if row.price:
        item["price"] = _amount(asked, "items", row.price)
    return item


def _verdict(codes: int, applied: int, *, valid: bool) -> str:
    if codes == 1:
        return "It can be redeemed" if valid else "It would be refused"
    if valid:
        return "All of them apply" if applied == codes else f"{applied} of {codes} would apply"
    return "The attempt would be refused"


def _as_text(verdict: str, findings: list[Finding], order: Mapping[str, Any] | None, currency: str) -> str:
    """The answer for a mail to the customer who asked."""
    lines = [f"{verdict}."]
    for one in findings:
        why = " ".join(f"{reason.title}. {reason.fact}".strip() for reason in one.reasons)
        given = f"{one.taken_off} off." if one.taken_off else ""
        lines.append(f"{one.code}: {one.verdict.lower()}. {why}{given}".strip())
    if order and order.get("total_amount") is not None and any(one.taken_off for one in findings):
        lines.append(f"To pay: {kit.money_text(order['total_amount'], currency)}.")
    return "\n".join(lines)
