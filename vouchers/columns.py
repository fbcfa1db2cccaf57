"""Pure: the columns of a voucher file, and the codes they describe. Source: vouchers.md §10.2.

Money is in major units there: 10 is 10.00.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from config.imports import records
from config.imports.plan import Problem
from config.imports.records import Record, Table, Target

TYPES: Final = ("DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD")
VALUES: Final[Mapping[str, str]] = {
    "AMOUNT": "amount_off",
    "PERCENT": "percent_off",
    "FIXED": "fixed_amount",
    "UNIT": "unit_off",
}
"""Where a discount of a type keeps its value."""
MONEY: Final = frozenset({"AMOUNT", "FIXED"})
LONGEST_CODE: Final = 200
MOST_REDEMPTIONS: Final = 2**31 - 1


def _limit(cell: str) -> int:
    quantity = records.whole(cell)
    if quantity > MOST_REDEMPTIONS:
        raise ValueError(f"{cell[:40]} is more than can be counted")
    return quantity


TABLE: Final = Table(
    Target("code", "Code", records.key(LONGEST_CODE)),
    Target("voucher_type", "Voucher Type", records.one_of(*TYPES)),
    Target("value", "Value", records.number),
    Target("discount_type", "Discount Type", records.one_of(*VALUES)),
    Target("category", "Category", records.text(500)),
    Target("start_date", "Start Date", records.instant),
    Target("expiration_date", "Expiration Date", records.instant),
    Target("redemption_limit", "Redemption Limit", _limit, ("redemption_quantity",)),
    Target("redeemed_quantity", "Redeemed Quantity", _limit, ("redemption_count",)),
    Target("redeemed_amount", "Redeemed Amount", records.money),
    Target("active", "Active", records.flag),
    Target("additional_info", "Additional Info", records.text(16_000)),
    Target("discount_effect", "Discount effect", records.text(64)),
    Target("discount_unit_type", "Discount Unit Type", records.key(64)),
    Target("validation_rule_id", "Validation rule ID", records.key(64), ("validation_rules_id",)),
    Target("formula", "Formula", records.text(1_000)),
)
REQUIRED: Final = ("code", "voucher_type", "value")


def describe(record: Record) -> tuple[dict[str, Any], list[Problem]]:
    """What the row says of its voucher, as a body of the wire would; and what is wrong with it."""
    fields, problems = record.fields, list[Problem]()
    kind = fields["voucher_type"]
    body: dict[str, Any] = {"type": kind}
    try:
        if kind == "DISCOUNT_VOUCHER":
            body["discount"] = _discount(fields)
        elif kind == "GIFT_VOUCHER":
            body["gift"] = _gift(fields)
        else:
            problems.append(Problem("", "", "Loyalty cards can only be created in a campaign"))
    except ValueError as error:
        problems.append(Problem("", "", str(error)))
    for name in ("category", "start_date", "expiration_date", "active", "additional_info"):
        if name in fields:
            body[name] = fields[name]
    if "redemption_limit" in fields:
        body["redemption"] = {"quantity": fields["redemption_limit"]}
    if record.metadata:
        body["metadata"] = dict(record.metadata)
    return body, problems


def _discount(fields: Mapping[str, Any]) -> dict[str, Any]:
    kind = fields.get("discount_type")
    if kind is None:
        raise ValueError("Discount Type is required")
    name, value = VALUES[kind], fields["value"]
    discount: dict[str, Any] = {"type": kind, name: _minor(value) if kind in MONEY else _plain(value)}
    for target, key in (
        ("discount_effect", "effect"),
        ("discount_unit_type", "unit_type"),
        ("formula", f"{name}_formula"),
    ):
        if target in fields:
            discount[key] = fields[target]
    return discount


def _gift(fields: Mapping[str, Any]) -> dict[str, Any]:
    gift: dict[str, Any] = {"amount": _minor(fields["value"])}
    if "discount_effect" in fields:
        gift["effect"] = fields["discount_effect"]
    return gift


def _minor(value: Decimal) -> int:
    try:
        return records.minor(value)
    except ValueError as error:
        raise ValueError(f"Value: {error}") from None


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
