"""Vouchers in words: what one gives, how it stands, and the voice in which reasons are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from config.dashboard import kit
from config.project.models import Project
from segments.models import Segment
from vouchers.models import Redemption, Voucher
from vouchers.reasons import Voice, explain, title_of


def gives(voucher: Voucher, project: Project) -> str:
    """20 % off, at most €50.00 · €10.00 off · Gift card with €25.00 of €100.00 left."""
    if voucher.type == Voucher.Type.GIFT:
        left, total = (kit.money_text(a, project.currency) for a in (voucher.gift_balance, voucher.gift_amount))
        return f"Gift card, {left} left of {total}"
    return discount_in_words(voucher.discount or {}, project)


def discount_in_words(discount: Mapping[str, Any], project: Project) -> str:
    """A discount as on the wire, in words."""
    money = partial(kit.money_text, currency=project.currency)
    match discount.get("type"):
        case "PERCENT":
            limit = discount.get("amount_limit")
            return f"{kit.percent_text(discount.get('percent_off') or 0)} off" + (
                f", at most {money(limit)}" if limit else ""
            )
        case "AMOUNT":
            return f"{money(discount.get('amount_off') or 0)} off"
        case "FIXED":
            return f"Fixed price {money(discount.get('fixed_amount') or 0)}"
        case None:
            return "No discount"
        case other:
            return str(other).title()


def standing(voucher: Voucher, at: datetime) -> tuple[str, str]:
    """Tone and word of how the code stands, its own dates and uses looked at."""
    if not voucher.active:
        return "off", "Disabled"
    if voucher.expiration_date is not None and at > voucher.expiration_date:
        return "off", "Expired"
    if voucher.quantity is not None and voucher.redeemed_quantity >= voucher.quantity:
        return "off", "Used up"
    if voucher.type == Voucher.Type.GIFT and voucher.gift_balance <= 0:
        return "off", "Used up"
    if voucher.start_date is not None and at < voucher.start_date:
        return "wait", "Scheduled"
    return "ok", "Active"


def used(voucher: Voucher) -> str:
    """3 of 10; 3 where there is no limit."""
    if voucher.quantity is None:
        return kit.number(voucher.redeemed_quantity)
    return f"{voucher.redeemed_quantity:,} of {voucher.quantity:,}"


def outcome(redemption: Redemption) -> SafeString:
    """How an attempt ended."""
    if redemption.kind == Redemption.Kind.ROLLBACK:
        refused = redemption.result == Redemption.Result.FAILURE
        return kit.status("bad" if refused else "warn", "Rollback refused" if refused else "Rollback")
    if redemption.result == Redemption.Result.FAILURE:
        return kit.status("bad", "Refused")
    if redemption.status == Redemption.Status.ROLLED_BACK:
        return kit.status("off", "Rolled back")
    return kit.status("ok", "Succeeded")


def first_reason(redemption: Redemption) -> str:
    """Why it was refused, in a few words; empty for a success."""
    if redemption.result != Redemption.Result.FAILURE:
        return ""
    return explain(redemption.reasons[0], Voice()).title if redemption.reasons else title_of(redemption.failure_code)


def voice(project: Project, segment_ids: Iterable[str] = ()) -> Voice:
    """How reasons are told on this project's pages; one query where segments are named."""
    wanted = set(segment_ids)
    names = (
        dict(Segment.objects.of(project).filter(public_id__in=wanted).values_list("public_id", "name"))
        if wanted
        else {}
    )
    return Voice(money=partial(kit.money_text, currency=project.currency), moment=_moment, segments=names)


def named_segments(reasons: Iterable[Mapping[str, Any]]) -> set[str]:
    """The segments that kept reasons speak of."""
    named: set[str] = set()
    for reason in reasons:
        facts = reason.get("facts") or {}
        if facts.get("name") == "customer.segment":
            named.update(str(value) for values in (facts.get("conditions") or {}).values() for value in values)
            named.update(str(value) for value in facts.get("found") or ())
    return named


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M}"


@dataclass(frozen=True)
class OrderLine:
    """A line of an order as the page shows it. Amounts are minor units, None where not known."""

    name: str
    quantity: int
    amount: int | None
    discount: int | None


def lines_of(order: Mapping[str, Any]) -> list[OrderLine]:
    """The lines of a kept order, each under the best name it has."""
    return [
        OrderLine(
            name=_name_of(line),
            quantity=line.get("quantity") or 1,
            amount=line.get("amount"),
            discount=line.get("discount_amount") or line.get("applied_discount_amount"),
        )
        for line in order.get("items") or ()
    ]


def _name_of(line: Mapping[str, Any]) -> str:
    for part, key in (("product", "name"), ("sku", "sku")):
        thing = line.get(part)
        if isinstance(thing, Mapping) and thing.get(key):
            return str(thing[key])
    return str(next((line[key] for key in ("product_id", "sku_id", "source_id") if line.get(key)), "Item"))
