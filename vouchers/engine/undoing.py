"""An order after what discounted it was rolled back. Pure: stored columns in, stored columns out.

Lines are the wire's, as they are stored. Amounts are minor units. Source: validation and redemption, rollback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Line = Mapping[str, Any]
Columns = dict[str, Any]

MONTHS: Final = 3
"""How old a redemption may be to be rolled back."""
_OF_DISCOUNTS: Final = ("discount_amount", "discount_quantity", "initial_quantity", "initial_amount")
_KEYS: Final = ("product_id", "sku_id", "source_id", "related_object")


def too_old(redeemed_at: datetime, at: datetime) -> bool:
    """Whether the redemption lies more than three calendar months back; the same day of the month still counts."""
    redeemed, now = redeemed_at.astimezone(UTC), at.astimezone(UTC)
    months = (now.year - redeemed.year) * 12 + now.month - redeemed.month
    return (months, now.day, now.time()) > (MONTHS, redeemed.day, redeemed.time())


def without_discounts(amount: int | None, initial_amount: int | None, lines: Sequence[Line]) -> Columns:
    """The order as it was before any discount: free units given back, every line at its full amount."""
    kept = [_restored(line) for line in lines if line.get("initial_quantity") != 0]
    given = initial_amount is not None and any(line.get("initial_quantity") is not None for line in lines)
    return _columns(initial_amount if given else amount, None, None, kept)


def without(
    *,
    amount: int | None,
    initial_amount: int | None,
    discount_amount: int | None,
    lines: Sequence[Line],
    applied: Mapping[str, Any],
) -> Columns:
    """The order without what one redemption took off, others staying in force.

    applied: the order right after that redemption, as on the wire, its `applied_*` of that redemption only.
    """
    left = (discount_amount or 0) - (applied.get("applied_discount_amount") or 0)
    found = [dict(line) for line in lines]
    taken_back = 0
    for line in applied.get("items") or ():
        target = _same(found, line)
        if target is not None and line.get("applied_discount_amount") is not None:
            taken_back += _take_off(target, line)
    kept = [line for line in found if line.get("quantity") != 0]
    if amount is not None:
        amount -= taken_back
    still_given = any(line.get("initial_quantity") is not None for line in kept)
    return _columns(amount, initial_amount if still_given else None, left if left > 0 else None, kept)


def _take_off(target: Columns, line: Line) -> int:
    """Undo one line's share in place; returns the worth of the units that are given back."""
    rest = (target.get("discount_amount") or 0) - line["applied_discount_amount"]
    target.pop("discount_amount", None)
    if rest > 0:
        target["discount_amount"] = rest
    worth = 0
    if line.get("initial_quantity") is not None and target.get("initial_quantity") is not None:
        before = target.get("amount")
        target |= {"quantity": line["initial_quantity"]}
        for name in ("discount_quantity", "initial_quantity", "initial_amount"):
            target.pop(name, None)
        if before is not None:
            price = target.get("price")
            target["amount"] = line.get("initial_amount", (price or 0) * target["quantity"])
            worth = before - target["amount"]
    if target.get("amount") is not None:
        target["subtotal_amount"] = target["amount"] - max(rest, 0)
    return worth


def _same(lines: Sequence[Columns], line: Line) -> Columns | None:
    """The stored line that means the same thing; of several the first that has a discount left."""
    wanted = [line.get(name) for name in _KEYS]
    same = [one for one in lines if [one.get(name) for name in _KEYS] == wanted]
    return next((one for one in same if one.get("discount_amount") is not None), same[0] if same else None)


def _restored(line: Line) -> Columns:
    plain = {name: value for name, value in line.items() if name not in _OF_DISCOUNTS}
    if line.get("initial_quantity") is not None:
        plain["quantity"] = line["initial_quantity"]
        if line.get("amount") is not None:
            plain["amount"] = line.get("initial_amount", (line.get("price") or 0) * line["initial_quantity"])
    if plain.get("amount") is not None:
        plain["subtotal_amount"] = plain["amount"]
    return plain


def _columns(amount: int | None, initial: int | None, discount: int | None, lines: Sequence[Line]) -> Columns:
    of_lines = [line["discount_amount"] for line in lines if line.get("discount_amount") is not None]
    items_discount = sum(of_lines) if of_lines else None
    total = None if discount is None and items_discount is None else (discount or 0) + (items_discount or 0)
    return {
        "amount": amount,
        "initial_amount": initial,
        "discount_amount": discount,
        "items_discount_amount": items_discount,
        "total_discount_amount": total,
        "total_amount": None if amount is None else max(0, amount - (total or 0)),
        "items": list(lines),
    }
