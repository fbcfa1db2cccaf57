"""Bundles: what must be together in the cart, and how often it is.

Units are given to SKUs first, then to products, then to collections; a unit is used once.
Source: validation rules, bundle rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vouchers.engine.order_state import Basket, OrderState
from vouchers.engine.rule_terms import BundleTerms, ProductRef

MOST_BUNDLES: Final = 100
_RANK: Final = {"sku": 0, "product": 1, "products_collection": 2}


@dataclass(frozen=True, slots=True)
class BundleFound:
    """What of a bundle is in the cart. quantity: how many whole ones, at most the limit."""

    quantity: int
    limit: int
    identified: tuple[Mapping[str, Any], ...] = ()
    missing: tuple[Mapping[str, Any], ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """The wire's `bundle`."""
        return {
            "quantity": self.quantity,
            "limit": self.limit,
            "identified": [dict(one) for one in self.identified],
            "missing": [dict(one) for one in self.missing],
        }


def find(bundle: BundleTerms, order: OrderState | None) -> BundleFound:
    """Count the bundles in the cart; of none, say what is there and what is not."""
    basket = Basket() if order is None else order.basket
    found = 0
    used: list[tuple[ProductRef, int, int]] = []
    for wanted in range(1, bundle.limit + 1):
        filled, missing = _fill(bundle, basket, wanted)
        if missing:
            break
        found, used = wanted, filled
    if found:
        return BundleFound(found, bundle.limit, tuple(_identified(ref, index, n) for ref, index, n in used))
    filled, missing = _fill(bundle, basket, 1)
    return BundleFound(
        0,
        bundle.limit,
        tuple(_identified(ref, index, n) for ref, index, n in filled),
        tuple({"id": ref.id, "object": ref.object, "item_quantity": n} for ref, n in missing),
    )


def _fill(
    bundle: BundleTerms, basket: Basket, times: int
) -> tuple[list[tuple[ProductRef, int, int]], list[tuple[ProductRef, int]]]:
    """Give units to every part `times` over; returns what was given (line, units) and what was not there."""
    left = list(basket.quantities)
    given, missing = [], []
    for ref, quantity in sorted(bundle.parts, key=lambda part: _RANK.get(part[0].object, 3)):
        needed = quantity * times
        for index in basket.named(ref.object, ref.id, ref.source_id):
            units = min(needed, left[index])
            if units:
                left[index] -= units
                needed -= units
                given.append((ref, index, units))
        if needed:
            missing.append((ref, needed))
    return given, missing


def _identified(ref: ProductRef, index: int, units: int) -> dict[str, Any]:
    return {"id": ref.id, "object": ref.object, "item_index": index, "item_quantity": units}
