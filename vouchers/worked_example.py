"""What an offer does to an order of 100.00, calculated by the engine itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vouchers.engine import definitions, discounts, offers
from vouchers.engine.order_state import Line, OrderState
from vouchers.engine.terms import GiftTerms, VoucherTerms

LINES: Final = (("a lamp", 1, 6000), ("two mugs", 2, 2000))
EVERYTHING: Final = {"included": [], "excluded": [], "included_all": True}


@dataclass(frozen=True)
class Example:
    """Amounts in minor units. lines: name, amount, discount."""

    before: int
    discount: int
    after: int
    lines: tuple[tuple[str, int, int], ...]


def of_discount(discount: Mapping[str, Any]) -> Example | None:
    """The example of a discount as on the wire; None where it cannot be calculated without the shop's products."""
    if discount.get("type") == "UNIT":
        return None
    try:
        stored = offers.check_discount(discount)
        scope = definitions.read_rule_set(public_id="val_example", rules={}, error=None, applicable_to=EVERYTHING)
        terms = VoucherTerms(
            "EXAMPLE", "v_example", "DISCOUNT_VOUCHER", discount=discounts.read_discount(stored), rule_sets=(scope,)
        )
        return _example(terms)
    except (ValueError, KeyError):
        return None


def of_gift(amount: int) -> Example | None:
    """The example of a gift card with that much on it."""
    return _example(VoucherTerms("EXAMPLE", "v_example", "GIFT_VOUCHER", gift=GiftTerms(amount)))


def _example(terms: VoucherTerms) -> Example | None:
    lines = tuple(
        Line(quantity, price, quantity * price, data={"source_id": name, "related_object": "product"})
        for name, quantity, price in LINES
    )
    order = OrderState(amount=10_000, initial_amount=10_000, lines=lines)
    after = discounts.apply(terms, order).order
    if after is None:
        return None
    told = tuple(
        (name, line.amount or 0, line.discount_amount or 0)
        for (name, _, _), line in zip(LINES, after.lines, strict=False)
    )
    return Example(10_000, after.total_discount_amount or 0, after.total_amount, told)
