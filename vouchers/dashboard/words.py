"""Vouchers in words: what one gives, how it stands, and the voice in which reasons are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from config.dashboard import kit
from config.project.models import Project
from segments.models import Segment
from tracking.models import Product, ProductCollection, Sku
from vouchers.models import Redemption, Voucher
from vouchers.reasons import Voice, explain, title_of
from vouchers.rule_words import words_of


def gives(voucher: Voucher, project: Project) -> str:
    """20 % off, at most €50.00 · €10.00 off · Gift card with €25.00 of €100.00 left."""
    if voucher.type == Voucher.Type.GIFT:
        left, total = (kit.money_text(a, project.currency) for a in (voucher.gift_balance, voucher.gift_amount))
        return f"Gift card, {left} left of {total}"
    return discount_in_words(voucher.discount or {}, project)


def discount_in_words(discount: Mapping[str, Any], project: Project) -> str:
    """A discount as on the wire, in words."""
    money = partial(kit.money_text, currency=project.currency)
    where = EFFECTS.get(str(discount.get("effect")), "")
    limits = [money(discount[name]) for name in ("amount_limit", "aggregated_amount_limit") if discount.get(name)]
    most = f", at most {limits[0]}" if limits else ""
    match discount.get("type"):
        case "PERCENT":
            return f"{kit.percent_text(discount.get('percent_off') or 0)} off{where}{most}"
        case "AMOUNT":
            return f"{money(discount.get('amount_off') or 0)} off{where}{most}"
        case "FIXED":
            return f"Fixed price {money(discount.get('fixed_amount') or 0)}{where}"
        case "UNIT":
            units = discount.get("units") or [discount]
            return ", ".join(f"{unit.get('unit_off') or 1} × {_unit_name(unit)} free" for unit in units)
        case None:
            return "No discount"
        case other:
            return str(other).title()


EFFECTS = {
    "APPLY_TO_ITEMS": " the matching items",
    "APPLY_TO_ITEMS_BY_QUANTITY": " each unit of the matching items",
    "APPLY_TO_ITEMS_PROPORTIONALLY": " the matching items together",
    "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY": " the matching items together",
}


def _unit_name(unit: Mapping[str, Any]) -> str:
    for part, key in (("sku", "sku"), ("product", "name")):
        thing = unit.get(part)
        if isinstance(thing, Mapping) and thing.get(key):
            return str(thing[key])
    return "shipping" if unit.get("unit_type") == "prod_5h1pp1ng" else str(unit.get("unit_type") or "item")


def standing(voucher: Voucher, at: datetime) -> tuple[str, str]:
    """Tone and word of how the code stands, its dates (else its campaign's) and uses looked at."""
    campaign = voucher.campaign
    if not voucher.active or (campaign is not None and not campaign.active):
        return "off", "Disabled"
    start, end = voucher.start_date, voucher.expiration_date
    if campaign is not None:
        start, end = start or campaign.start_date, end or campaign.expiration_date
    if end is not None and at > end:
        return "off", "Expired"
    if voucher.quantity is not None and voucher.redeemed_quantity >= voucher.quantity:
        return "off", "Used up"
    if voucher.type == Voucher.Type.GIFT and voucher.gift_balance <= 0:
        return "off", "Used up"
    if start is not None and at < start:
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


def voice_of(project: Project, facts: Iterable[Mapping[str, Any]]) -> Voice:
    """The voice for reasons with these facts: at most two queries, for segments and products that are named."""
    found = list(facts)
    told = voice(project, named_segments({"facts": one} for one in found))
    return replace(told, products=product_names(project, found))


def conditions_of(rules: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every condition of a stored rule set, nested ones too, in the shape of facts."""
    found: list[dict[str, Any]] = []
    for key, rule in rules.items():
        if key != "logic" and isinstance(rule, Mapping):
            found.append({"name": rule.get("name"), "conditions": rule.get("conditions") or {}})
            found += conditions_of(rule.get("rules") or {})
    return found


def product_names(project: Project, facts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names of the products, SKUs and collections that conditions speak of."""
    wanted = set()
    for one in facts:
        if words_of(str(one.get("name") or "")).kind != "product":
            continue
        for values in (one.get("conditions") or {}).values():
            wanted |= {
                value["id"] for value in values if isinstance(value, Mapping) and isinstance(value.get("id"), str)
            }
            wanted |= {value for value in values if isinstance(value, str)}
    return catalogue_names(project, wanted)


def catalogue_names(project: Project, wanted: set[str]) -> dict[str, str]:
    """Public id → name."""
    names: dict[str, str] = {}
    for prefix, rows in (
        ("prod_", Product.objects.of(project).filter(deleted_at=None).values_list("public_id", "name")),
        ("sku_", Sku.objects.of(project).filter(deleted_at=None).values_list("public_id", "sku")),
        ("pc_", ProductCollection.objects.of(project).values_list("public_id", "name")),
    ):
        if mine := [one for one in wanted if one.startswith(prefix)]:
            names |= {public_id: name for public_id, name in rows.filter(public_id__in=mine) if name}
    return names


def sums_of(order: Mapping[str, Any]) -> dict[str, Any]:
    """Before, discount and to pay, of an order as on the wire."""
    return {
        "before": order.get("initial_amount", order.get("amount")),
        "discount": order.get("total_discount_amount"),
        "total": order.get("total_amount", order.get("amount")),
    }


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

    @property
    def after(self) -> int | None:
        """What is left to pay for the line."""
        return None if self.amount is None else self.amount - (self.discount or 0)


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
