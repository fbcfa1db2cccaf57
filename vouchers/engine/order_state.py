"""The order at one moment of a calculation: what is offered is applied to it, redeemable by redeemable.

Amounts are minor units. The lines before any discount of this calculation are one `Basket`, shared by all moments until
free units change it; discounts are columns beside it, so that an order of 500 lines and 30 redeemables stays cheap. The
lines with everything on them are made when somebody shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

JsonObject = Mapping[str, Any]
Column = Sequence[int | None]
"""One value for each line; None: the line was never touched."""
ALL_PRODUCTS: Final = "pc_a11pr0dUc75"
"""The predefined collection that every line belongs to."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a line is, for rules and `applicable_to`. keys: ids and source ids by which it may be named.

    product_metadata: the catalogue's with the request's own on top, the SKU's over the product's. collections: of
    those that rules name, the ids of the ones it belongs to. known: the catalogue's rows behind it, for the service
    that fills `collections`; never read here.
    """

    product_id: str | None = None
    sku_id: str | None = None
    product_keys: frozenset[str] = frozenset()
    sku_keys: frozenset[str] = frozenset()
    metadata: JsonObject = field(default_factory=dict)
    product_metadata: JsonObject = field(default_factory=dict)
    collections: frozenset[str] = frozenset()
    known: object = field(default=None, compare=False, repr=False)


NO_ITEM: Final = Item()


@dataclass(frozen=True, slots=True)
class Line:
    """One order line. None: not known (price, amount) or never touched by a discount.

    initial_quantity, initial_amount, discount_quantity: of lines that got free units. applied_discount_quantity: units
    that a discount touched. data: what was sent or found in the catalogue and is shown again: ids, product, sku, …
    """

    quantity: int = 1
    price: int | None = None
    amount: int | None = None
    discount_amount: int | None = None
    applied_discount_amount: int | None = None
    initial_quantity: int | None = None
    initial_amount: int | None = None
    discount_quantity: int | None = None
    applied_discount_quantity: int | None = None
    data: JsonObject = field(default_factory=dict)
    item: Item = NO_ITEM

    @property
    def subtotal_amount(self) -> int | None:
        """What is left to pay for the line."""
        return None if self.amount is None else self.amount - (self.discount_amount or 0)

    @property
    def unit_price(self) -> int | None:
        """The price of one unit; where none is known, the share of the line's amount, rounded down."""
        return self.price if self.price is not None or self.amount is None else self.amount // self.quantity


class Basket:
    """The lines without the discounts of this calculation. Never changed; what is derived is kept."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        """lines: their `discount_amount` and `applied_*` are not read."""
        self.lines = tuple(lines)

    @cached_property
    def amounts(self) -> list[int | None]:
        """The lines' amounts."""
        return [line.amount for line in self.lines]

    @cached_property
    def quantities(self) -> list[int]:
        """The lines' units."""
        return [line.quantity for line in self.lines]

    @cached_property
    def prices(self) -> list[int | None]:
        """What one unit of each line costs."""
        return [line.unit_price for line in self.lines]

    @cached_property
    def everything(self) -> tuple[int, ...]:
        """All indices."""
        return tuple(range(len(self.lines)))

    @cached_property
    def by_price(self) -> tuple[int, ...]:
        """The indices of the lines whose price is known, cheapest first, ties as requested."""
        known = [index for index, price in enumerate(self.prices) if price is not None]
        return tuple(sorted(known, key=lambda index: self.prices[index] or 0))

    @cached_property
    def by_price_falling(self) -> tuple[int, ...]:
        """As `by_price`, the dearest first; ties as requested too."""
        return tuple(sorted(self.by_price, key=lambda index: (-(self.prices[index] or 0), index)))

    @cached_property
    def _by_key(self) -> dict[tuple[str, str], tuple[int, ...]]:
        found: dict[tuple[str, str], list[int]] = {}
        for index, line in enumerate(self.lines):
            item = line.item
            for kind, keys in (
                ("product", item.product_keys),
                ("sku", item.sku_keys),
                ("products_collection", item.collections),
            ):
                for key in keys:
                    found.setdefault((kind, key), []).append(index)
        return {key: tuple(indices) for key, indices in found.items()}

    def named(self, kind: str, *keys: str | None) -> tuple[int, ...]:
        """The indices of the lines that one of the keys names. kind: product, sku or products_collection."""
        if kind == "products_collection" and ALL_PRODUCTS in keys:
            return self.everything
        known = [found for key in keys if key and (found := self._by_key.get((kind, key)))]
        return known[0] if len(known) == 1 else tuple(sorted({index for found in known for index in found}))


class OrderState:
    """An order at one moment. None: no such discount so far, hence no such field on the wire. Never changed.

    `applied_*` belong to one redeemable, or in the final state to the whole request; the others are cumulative.
    `initial_amount_is_news` is false where an earlier redeemable of the request added the units: it is not shown again.
    """

    __slots__ = (
        "_lines",
        "_subtotals",
        "amount",
        "applied",
        "applied_discount_amount",
        "basket",
        "data",
        "discount_amount",
        "discounts",
        "initial_amount",
        "initial_amount_is_news",
        "items_applied_discount_amount",
        "items_discount_amount",
        "units",
    )

    def __init__(
        self,
        amount: int | None = None,
        initial_amount: int | None = None,
        discount_amount: int | None = None,
        applied_discount_amount: int | None = None,
        items_applied_discount_amount: int | None = None,
        lines: Iterable[Line] = (),
        data: JsonObject | None = None,
    ) -> None:
        """lines: with the discounts they already have."""
        self.amount = amount
        self.initial_amount = initial_amount
        self.discount_amount = discount_amount
        self.applied_discount_amount = applied_discount_amount
        self.items_applied_discount_amount = items_applied_discount_amount
        self.data: JsonObject = {} if data is None else data
        self.basket = Basket(lines)
        self.discounts: Column = [line.discount_amount for line in self.basket.lines]
        self.applied: Column | None = None
        if any(line.applied_discount_amount is not None for line in self.basket.lines):
            self.applied = [line.applied_discount_amount for line in self.basket.lines]
        self.units: Column | None = None
        self.items_discount_amount = sum_known(self.discounts)
        self.initial_amount_is_news = True
        self._lines: tuple[Line, ...] | None = self.basket.lines
        self._subtotals: list[int | None] | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines with their discounts, for those who show or keep them."""
        if self._lines is None:
            self._lines = self._made()
        return self._lines

    @property
    def total_discount_amount(self) -> int | None:
        """All discounts together, not clamped to the amount; None where there is none."""
        return added(self.discount_amount, self.items_discount_amount)

    @property
    def total_applied_discount_amount(self) -> int | None:
        """What this redeemable, or in the final state this request, took off."""
        return added(self.applied_discount_amount, self.items_applied_discount_amount)

    @property
    def total_amount(self) -> int:
        """What is left to pay, never below 0."""
        return max(0, (self.amount or 0) - (self.discount_amount or 0) - (self.items_discount_amount or 0))

    @property
    def subtotals(self) -> list[int | None]:
        """What is left to pay for each line; None where its amount is not known."""
        if self.items_discount_amount is None:
            return self.basket.amounts
        if self._subtotals is None:
            self._subtotals = [
                amount - discount if discount and amount is not None else amount
                for amount, discount in zip(self.basket.amounts, self.discounts, strict=True)
            ]
        return self._subtotals

    def fresh(self) -> OrderState:
        """The same order before the next redeemable: nothing applied yet, no units added by it."""
        if self.applied_discount_amount is None and self.items_applied_discount_amount is None:
            return self
        after = self._copy()
        after.applied_discount_amount = after.items_applied_discount_amount = None
        after.applied = after.units = None
        after.initial_amount_is_news = False
        return after

    def with_order_discount(self, applied: int) -> OrderState:
        """The order with `applied` more taken off its total."""
        after = self._copy()
        after.discount_amount = (self.discount_amount or 0) + applied
        after.applied_discount_amount = (self.applied_discount_amount or 0) + applied
        return after

    def with_nothing(self) -> OrderState:
        """The order after a discount that found nothing to reduce: applied is 0, and it has no more discounts."""
        after = self._copy()
        after.applied_discount_amount = self.applied_discount_amount or 0
        return after

    def with_item_discounts(
        self, indices: Sequence[int], amounts: Sequence[int], units: Sequence[int] | None = None
    ) -> OrderState:
        """The order with discounts of lines: parallel columns, an amount may be 0. units: how many were touched.

        Asked once of a fresh order: nothing is applied yet.
        """
        after = self._copy()
        total = sum(amounts)
        if indices is self.basket.everything:
            after.discounts = [
                (before or 0) + amount if amount else before
                for before, amount in zip(self.discounts, amounts, strict=True)
            ]
            after.applied = amounts
            if units is not None:
                after.units = [count if amount else None for count, amount in zip(units, amounts, strict=True)]
        else:
            size = len(self.basket.lines)
            discounts, applied, touched = list(self.discounts), [None] * size, [None] * size
            columns: tuple[list[Any], list[Any], list[Any]] = (discounts, applied, touched)
            _spread(columns, indices, amounts, units or amounts)
            after.discounts, after.applied = discounts, applied
            after.units = touched if units is not None else None
        after.items_applied_discount_amount = (self.items_applied_discount_amount or 0) + total
        if total:
            after.items_discount_amount = (self.items_discount_amount or 0) + total
        return after

    def with_lines(self, lines: Sequence[Line], amount: int | None, initial_amount: int | None) -> OrderState:
        """The order with other lines: the same ones, some with more units, and new ones at the end."""
        after = self._copy()
        after.basket, after.amount, after.initial_amount = Basket(lines), amount, initial_amount
        after.initial_amount_is_news = True
        more: list[int | None] = [None] * (len(after.basket.lines) - len(self.basket.lines))
        after.discounts = [*self.discounts, *more]
        after.applied = None if self.applied is None else [*self.applied, *more]
        after.units = None if self.units is None else [*self.units, *more]
        return after

    def with_applied(
        self, order: int | None, items: int | None, columns: tuple[Column | None, Column | None]
    ) -> OrderState:
        """The order with other `applied_*`: those of a whole request. columns: of the lines, amounts and units."""
        after = self._copy()
        after.applied_discount_amount, after.items_applied_discount_amount = order, items
        after.applied, after.units = columns
        return after

    def with_items(self, items: Sequence[Item]) -> OrderState:
        """The order with other facts about what its lines are, one for each line."""
        after = self._copy()
        lines = self.basket.lines
        after.basket = Basket(replace(line, item=item) for line, item in zip(lines, items, strict=True))
        return after

    def _copy(self) -> OrderState:
        after = object.__new__(OrderState)
        after.amount, after.initial_amount, after.discount_amount = (
            self.amount,
            self.initial_amount,
            self.discount_amount,
        )
        after.applied_discount_amount = self.applied_discount_amount
        after.items_applied_discount_amount = self.items_applied_discount_amount
        after.data, after.basket = self.data, self.basket
        after.discounts, after.applied, after.units = self.discounts, self.applied, self.units
        after.items_discount_amount = self.items_discount_amount
        after.initial_amount_is_news = self.initial_amount_is_news
        after._lines = after._subtotals = None
        return after

    def _made(self) -> tuple[Line, ...]:
        nothing: Column = [None] * len(self.basket.lines)
        columns = (self.discounts, self.applied or nothing, self.units or nothing)
        return tuple(
            replace(line, discount_amount=discount, applied_discount_amount=applied, applied_discount_quantity=units)
            for line, discount, applied, units in zip(self.basket.lines, *columns, strict=True)
        )

    def _values(self) -> tuple[Any, ...]:
        return (
            *(self.amount, self.initial_amount, self.discount_amount, self.applied_discount_amount),
            *(self.items_applied_discount_amount, self.lines, self.data),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OrderState) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]  # it holds JSON

    def __repr__(self) -> str:
        return f"OrderState{self._values()}"


def _spread(
    columns: tuple[list[Any], list[Any], list[Any]],
    indices: Sequence[int],
    amounts: Sequence[int],
    units: Sequence[int],
) -> None:
    """Put amounts and units of some lines into the columns of all."""
    discounts, applied, touched = columns
    for index, amount, count in zip(indices, amounts, units, strict=True):
        applied[index] = amount
        if amount:
            discounts[index] = (discounts[index] or 0) + amount
            touched[index] = count


def added(first: int | None, second: int | None) -> int | None:
    """The sum of what is known; None where neither is."""
    return None if first is None and second is None else (first or 0) + (second or 0)


def sum_known(amounts: Iterable[int | None]) -> int | None:
    """The sum of the known ones; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
