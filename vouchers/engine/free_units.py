"""Free units: added to the cart and taken off again as discounts of their lines.

Source: validation and redemption, UNIT.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from config.kernel.amounts import GREATEST
from vouchers.engine import formulas
from vouchers.engine.order_state import Line, OrderState
from vouchers.engine.situations import Situation
from vouchers.engine.terms import CatalogueItem, UnitTerms

NEW: Final = "ADD_NEW_ITEMS"
MISSING: Final = "ADD_MISSING_ITEMS"
MANY: Final = "ADD_MANY_ITEMS"
SAME: Final = "ADD_SAME_ITEMS"
MOST_UNITS: Final = 1_000_000
"""More of one product is a mistake in a formula; keeps amounts in bounds."""


@dataclass(slots=True)
class _Cart:
    """The lines while units are added to them. taken: index → discount; value: of the units that were added."""

    lines: list[Line]
    taken: dict[int, int]
    touched: dict[int, int]
    value: int = 0


def apply(situation: Situation) -> OrderState:
    """The order with the units of every entry added and discounted."""
    order = situation.order
    cart = _Cart(list(order.basket.lines), {}, {})
    added = False
    for unit in situation.discount.units:
        known = situation.facts.catalogue.get(unit.unit_type)
        count = _affordable(number_of(unit, situation), known, (order.amount or 0) + cart.value)
        if count:
            _add(cart, order, unit, count, known)
            added = True
    if not added:
        return order.with_nothing()
    amount, initial = order.amount, order.initial_amount
    if cart.value or cart.taken:
        initial = order.amount if order.initial_amount is None else order.initial_amount
        amount = (order.amount or 0) + cart.value
    after = order.with_lines(cart.lines, amount, initial)
    if not cart.taken:
        return after
    subtotals = after.subtotals
    indices = sorted(cart.taken)
    amounts = [max(0, min(cart.taken[index], subtotals[index] or 0)) for index in indices]
    return after.with_item_discounts(indices, amounts, [cart.touched[index] for index in indices])


def number_of(unit: UnitTerms, situation: Situation) -> int:
    """How many units are free: by the formula, else as stored; once for each bundle."""
    found = formulas.units(unit.formula, situation.scope) if unit.formula else None
    return min((unit.unit_off if found is None else found) * situation.times, MOST_UNITS)


def _affordable(count: int, known: CatalogueItem | None, amount: int) -> int:
    """As many units as keep the order's amount one that the wire can count."""
    price = known.price if known is not None else None
    return min(count, max(0, GREATEST - amount) // price) if price else count


def _add(cart: _Cart, order: OrderState, unit: UnitTerms, count: int, known: CatalogueItem | None) -> None:
    lines = _named(cart, order, unit.unit_type)
    if unit.effect == SAME:
        for index in lines:
            _extend(cart, index, count, count, known)
        return
    if not lines:
        _append(cart, unit, count, known)
        return
    if unit.effect == NEW:
        _extend(cart, lines[0], count, count, known)
        return
    there = sum(cart.lines[index].quantity for index in lines)
    missing = max(0, count - there)
    left = count
    for position, index in enumerate(lines):
        extra = missing if position == 0 else 0
        free = min(left, cart.lines[index].quantity + extra)
        if free:
            _extend(cart, index, extra, free, known)
        left -= free


def _named(cart: _Cart, order: OrderState, unit_type: str) -> Sequence[int]:
    """The lines of the product, SKU or collection; also one that this discount added."""
    basket = order.basket
    for kind in ("sku", "product", "products_collection"):
        if found := basket.named(kind, unit_type):
            return found
    added: Iterable[int] = range(len(basket.lines), len(cart.lines))
    return [
        index
        for index in added
        if unit_type in cart.lines[index].item.sku_keys or unit_type in cart.lines[index].item.product_keys
    ]


def _extend(cart: _Cart, index: int, extra: int, free: int, known: CatalogueItem | None) -> None:
    """Add `extra` units to a line, and make `free` of its units free."""
    line = cart.lines[index]
    price = line.price if line.price is not None else (known.price if known else None)
    price = line.unit_price if price is None else price
    quantity = line.quantity + extra
    changed = replace(
        line,
        quantity=quantity,
        initial_quantity=line.quantity if line.initial_quantity is None else line.initial_quantity,
        discount_quantity=(line.discount_quantity or 0) + free,
    )
    if price is not None:
        before = line.amount if line.amount is not None else price * line.quantity
        changed = replace(
            changed,
            price=price,
            amount=before + price * extra,
            initial_amount=before if line.initial_amount is None else line.initial_amount,
        )
        cart.value += price * extra
        cart.taken[index] = cart.taken.get(index, 0) + price * free
        cart.touched[index] = cart.touched.get(index, 0) + free
    cart.lines[index] = changed


def _append(cart: _Cart, unit: UnitTerms, count: int, known: CatalogueItem | None) -> None:
    """A line of free units at the end; without a price it has no amounts."""
    kind = "sku_id" if unit.unit_type.startswith("sku_") else "product_id"
    price = known.price if known else None
    line = Line(
        quantity=count,
        initial_quantity=0,
        discount_quantity=count,
        data=known.data if known and known.data else {kind: unit.unit_type},
    )
    if known is not None:
        line = replace(line, item=known.item)
    index = len(cart.lines)
    if price is not None:
        line = replace(line, price=price, amount=price * count, initial_amount=0)
        cart.value += price * count
        cart.taken[index] = price * count
        cart.touched[index] = count
    cart.lines.append(line)
