"""Discounts of lines: one row for each type and effect; then limits of money, and never below nothing.

Source: validation and redemption, item level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from config.kernel.amounts import share_of, split
from vouchers.engine.order_state import OrderState
from vouchers.engine.rule_terms import ApplicableEntry
from vouchers.engine.situations import Situation

ItemDiscount = Callable[[Situation], list[int]]
"""The wanted discount of every selected line, in candidate order, before the limits."""


def _worth(situation: Situation) -> list[int]:
    """The value of the discountable units of each selected line: S × n / quantity."""
    subtotals, quantities, found = situation.order.subtotals, situation.order.basket.quantities, situation.selection
    return [
        max(0, subtotals[index] or 0)
        if units == quantities[index]
        else share_of(max(0, subtotals[index] or 0), units, quantities[index])
        for index, units in zip(found.indices, found.units, strict=True)
    ]


def _values(situation: Situation) -> list[int]:
    """The amount for each selected line; the same for all unless its formula reads the line."""
    indices = situation.selection.indices
    if situation.differs_by_line:
        return [int(situation.value(index)) * situation.times for index in indices]
    return [int(situation.value()) * situation.times] * len(indices)


def _amount_once_a_line(situation: Situation) -> list[int]:
    return [min(off, worth) for off, worth in zip(_values(situation), _worth(situation), strict=True)]


def _amount_by_quantity(situation: Situation) -> list[int]:
    columns = zip(_values(situation), situation.selection.units, _worth(situation), strict=True)
    return [min(off * units, worth) for off, units, worth in columns]


def _left(situation: Situation) -> list[int]:
    """What is left to pay of each selected line."""
    subtotals, found = situation.order.subtotals, situation.selection
    column = subtotals if found.whole else _at(subtotals, found.indices)
    return [left if left is not None and left > 0 else 0 for left in column]


def _proportionally(situation: Situation) -> list[int]:
    values = _left(situation)
    return split(min(int(situation.value()) * situation.times, sum(values)), values)


def _proportionally_by_quantity(situation: Situation) -> list[int]:
    """A share above what the line costs is cut, not given to others."""
    values = _left(situation)
    shares = split(min(int(situation.value()) * situation.times, sum(values)), situation.selection.units)
    return [min(share, value) for share, value in zip(shares, values, strict=True)]


def _percent(situation: Situation) -> list[int]:
    bases, quantities, found = situation.bases, situation.order.basket.quantities, situation.selection
    if situation.differs_by_line:
        return [
            _percent_of_line(max(0, bases[index] or 0) * units, quantities[index], *situation.ratio(index))
            for index, units in zip(found.indices, found.units, strict=True)
        ]
    numerator, denominator = situation.ratio()
    half, whole = denominator, 2 * denominator
    if found.whole:
        return [(2 * base * numerator + half) // whole if base is not None and base > 0 else 0 for base in bases]
    amounts = []
    for index, units in zip(found.indices, found.units, strict=True):
        base, quantity = bases[index] or 0, quantities[index]
        if base <= 0:
            amounts.append(0)
        elif units == quantity:
            # The rounding of `share_of`, without the call: an order may have 500 lines and 30 discounts.
            amounts.append((2 * base * numerator + half) // whole)
        else:
            amounts.append(share_of(base * units, numerator, denominator * quantity))
    return amounts


def _percent_of_line(worth: int, quantity: int, numerator: int, denominator: int) -> int:
    return share_of(worth, numerator, denominator * quantity)


def _fixed_price(situation: Situation) -> list[int]:
    found = situation.selection
    return [
        max(0, worth - situation.price_of(entry, index) * units)
        for index, units, entry, worth in zip(found.indices, found.units, found.entries, _worth(situation), strict=True)
    ]


ITEM_DISCOUNTS: Final[Mapping[tuple[str, str], ItemDiscount]] = {
    ("AMOUNT", "APPLY_TO_ITEMS"): _amount_once_a_line,
    ("AMOUNT", "APPLY_TO_ITEMS_BY_QUANTITY"): _amount_by_quantity,
    ("AMOUNT", "APPLY_TO_ITEMS_PROPORTIONALLY"): _proportionally,
    ("AMOUNT", "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"): _proportionally_by_quantity,
    ("PERCENT", "APPLY_TO_ITEMS"): _percent,
    ("FIXED", "APPLY_TO_ITEMS"): _fixed_price,
}


def apply(situation: Situation, wanted: list[int]) -> OrderState:
    """The order with the wanted discounts, cut to the limits. Nothing selected: a discount of nothing, not of lines."""
    found = situation.selection
    if not found.indices:
        return situation.order.with_nothing()
    limited, subtotals = _limited(situation, wanted), situation.order.subtotals
    # An order may have 500 lines and 30 discounts: comparisons in place of calls of min and max.
    amounts = [
        0 if left is None or left <= 0 else amount if amount <= left else left
        for amount, left in zip(limited, subtotals if found.whole else _at(subtotals, found.indices), strict=True)
    ]
    return situation.order.with_item_discounts(found.indices, amounts, found.units)


def _at(column: Sequence[int | None], indices: Sequence[int]) -> list[int | None]:
    return [column[index] for index in indices]


def _limited(situation: Situation, wanted: list[int]) -> list[int]:
    """Per line and over lines, of the entry and of the discount: the lowest wins; spent in candidate order."""
    found, discount, times = situation.selection, situation.discount, situation.times
    per_line = None if discount.amount_limit is None else discount.amount_limit * times
    together = None if discount.aggregated_amount_limit is None else discount.aggregated_amount_limit * times
    if per_line is None and together is None and not any(_limits_money(entry) for entry in found.distinct):
        return wanted
    spent: dict[int, int] = {}
    limited = []
    for entry, amount in zip(found.entries, wanted, strict=True):
        limits = [per_line, together]
        limits.append(None if entry.amount_limit is None else entry.amount_limit * times)
        if entry.aggregated_amount_limit is not None:
            limits.append(entry.aggregated_amount_limit * times - spent.get(id(entry), 0))
        part = min(amount, *(limit for limit in limits if limit is not None), amount)
        if together is not None:
            together -= part
        spent[id(entry)] = spent.get(id(entry), 0) + part
        limited.append(part)
    return limited


def _limits_money(entry: ApplicableEntry) -> bool:
    return entry.amount_limit is not None or entry.aggregated_amount_limit is not None
