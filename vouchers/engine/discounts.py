"""What a voucher takes off an order: terms × order → order after it.

Each calculation is a row of `EFFECTS`, keyed by type and effect; what has no row is refused where it is created.
Source: validation and redemption, discount arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from config.kernel.amounts import percent_of
from vouchers.engine.order_state import Column, OrderState, sum_known
from vouchers.engine.terms import CalculationMode, DiscountTerms, VoucherTerms

APPLY_TO_ORDER: Final = "APPLY_TO_ORDER"
GIFT: Final = "GIFT"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one redeemable did. order: after it, None where no order was sent; credits: spent from a gift card."""

    type: str
    effect: str
    order: OrderState | None
    applied: int = 0
    credits: int | None = None


Calculation = Callable[[DiscountTerms, OrderState, CalculationMode], OrderState]


def _amount_off_order(discount: DiscountTerms, order: OrderState, mode: CalculationMode) -> OrderState:
    return order.with_order_discount(_capped(discount.amount_off, discount.aggregated_amount_limit, order.total_amount))


def _percent_off_order(discount: DiscountTerms, order: OrderState, mode: CalculationMode) -> OrderState:
    if mode == "INITIAL_AMOUNT":
        base = order.initial_amount if order.initial_amount is not None else order.amount or 0
    else:
        base = order.total_amount
    limits = (discount.amount_limit, discount.aggregated_amount_limit, order.total_amount)
    return order.with_order_discount(_capped(percent_of(base, discount.percent_off), *limits))


def _fixed_order(discount: DiscountTerms, order: OrderState, mode: CalculationMode) -> OrderState:
    return order.with_order_discount(max(0, order.total_amount - (discount.fixed_amount or 0)))


EFFECTS: Final[dict[tuple[str, str], Calculation]] = {
    ("AMOUNT", APPLY_TO_ORDER): _amount_off_order,
    ("PERCENT", APPLY_TO_ORDER): _percent_off_order,
    ("FIXED", APPLY_TO_ORDER): _fixed_order,
}
"""Discounts that can be calculated. Item-level effects and free units join as rows of their own."""

GIFT_EFFECTS: Final = (APPLY_TO_ORDER,)

NAMED_BY_THE_CONTRACT: Final = frozenset(
    {
        *(("AMOUNT", f"APPLY_TO_{target}") for target in ("ORDER", "ITEMS", "ITEMS_PROPORTIONALLY")),
        *(("AMOUNT", f"APPLY_TO_ITEMS_{way}") for way in ("PROPORTIONALLY_BY_QUANTITY", "BY_QUANTITY")),
        *((kind, f"APPLY_TO_{target}") for kind in ("PERCENT", "FIXED") for target in ("ORDER", "ITEMS")),
        *(("UNIT", f"ADD_{what}_ITEMS") for what in ("MISSING", "NEW", "MANY", "SAME")),
    }
)
"""Every pair that the wire knows: one that is not here is a mistake, one without a row in EFFECTS not supported."""


def read_discount(stored: Mapping[str, Any]) -> DiscountTerms:
    """Return the terms of a stored discount; it was checked when it was stored. Percents become Decimal."""
    return DiscountTerms(
        type=stored["type"],
        effect=stored.get("effect"),
        amount_off=int(stored.get("amount_off") or 0),
        percent_off=Decimal(str(stored.get("percent_off") or 0)),
        fixed_amount=int(stored.get("fixed_amount") or 0),
        amount_limit=stored.get("amount_limit"),
        aggregated_amount_limit=stored.get("aggregated_amount_limit"),
        stored=stored,
    )


def effect_of(terms: VoucherTerms) -> str:
    """The effect that is applied: the stored one, else the default of the type."""
    stored = terms.discount.effect if terms.discount else terms.gift.effect if terms.gift else None
    return stored or APPLY_TO_ORDER


def apply(
    terms: VoucherTerms,
    order: OrderState | None,
    *,
    credits: int | None = None,
    mode: CalculationMode = "DISCOUNTED_AMOUNT",
) -> Effect:
    """Apply one voucher to the order as earlier ones left it; `applied_*` of the answer are this voucher's alone.

    credits: what was asked of a gift card; None is as much as possible.
    KeyError: an effect without calculation, which creation refuses.
    """
    effect = effect_of(terms)
    if terms.gift is not None:
        return _apply_gift(terms.gift.balance, order, credits, effect)
    if terms.discount is None:
        raise KeyError(terms.type)
    calculate = EFFECTS[terms.discount.type, effect]
    if order is None:
        return Effect(terms.discount.type, effect, None)
    after = calculate(terms.discount, order.fresh(), mode)
    return Effect(terms.discount.type, effect, after, applied=after.total_applied_discount_amount or 0)


def final_order(start: OrderState, steps: Iterable[OrderState]) -> OrderState:
    """The order after all steps, its `applied_*` summed over this request; `start` where there was no step."""
    states = list(steps)
    if not states:
        return start
    return states[-1].with_applied(
        sum_known(state.applied_discount_amount for state in states),
        sum_known(state.items_applied_discount_amount for state in states),
        (_columns_added([s.applied for s in states]), _columns_added([s.units for s in states])),
    )


def _apply_gift(balance: int, order: OrderState | None, credits: int | None, effect: str) -> Effect:
    if order is None:
        return Effect(GIFT, effect, None, credits=0)
    before = order.fresh()
    used = max(0, _capped(balance if credits is None else credits, balance, before.total_amount))
    return Effect(GIFT, effect, before.with_order_discount(used), applied=used, credits=used)


def _capped(amount: int, *limits: int | None) -> int:
    return min(amount, *(limit for limit in limits if limit is not None))


def _columns_added(columns: list[Column | None]) -> Column | None:
    """Line by line; lines are only ever appended, so an index means the same line in every state."""
    known = [column for column in columns if column is not None]
    if not known:
        return None
    return [sum_known(values) for values in zip_longest(*known)]
