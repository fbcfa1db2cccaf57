"""Counters of a customer, moved by the apps that cause them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest

from config.project import statements
from customers.models import Customer

COUNTERS: Final = frozenset(
    {
        *("orders_total_amount", "orders_total_count"),
        *("redemptions_succeeded", "redemptions_failed", "rollbacks_succeeded", "rollbacks_failed"),
        *("gift_redeemed_amount", "gift_redemptions", "gift_amount_to_go", "gift_cards_held"),
        *("loyalty_points", "loyalty_redeemed_points", "loyalty_points_to_go", "loyalty_cards_held"),
        "referred_customers",
    }
)


def move_counters(*, customer_id: int, at: datetime, **deltas: int) -> None:
    """Add to counters by name, in the caller's transaction and as its last statement: the row is hot.

    customer_id: the primary key. Touches no indexed column, so the update stays HOT. ValueError: no such counter.
    """
    if strange := deltas.keys() - COUNTERS:
        raise ValueError(f"not a counter: {', '.join(sorted(strange))}")
    moved = {name: F(name) + delta for name, delta in deltas.items() if delta}
    if moved:
        Customer.objects.filter(pk=customer_id).update(counted_at=at, **moved)


def moved(
    *, customer_id: int, at: datetime, order: tuple[int, datetime] | None = None, **deltas: int
) -> statements.Part:
    """`move_counters` and `add_order` as a part of one larger statement. order: (amount, instant) of one order more."""
    if strange := deltas.keys() - COUNTERS:
        raise ValueError(f"not a counter: {', '.join(sorted(strange))}")
    if order is not None:
        deltas = {**deltas, "orders_total_amount": order[0], "orders_total_count": 1}
    changed = {name: delta for name, delta in deltas.items() if delta}
    sets = ["counted_at = %s", *(f"{name} = {name} + %s" for name in changed)]
    params: list[object] = [at, *changed.values()]
    if order is not None:
        sets.append("orders_last_amount = CASE WHEN orders_last_at > %s THEN orders_last_amount ELSE %s END")
        sets.append("orders_last_at = greatest(orders_last_at, %s)")
        params += [order[1], order[0], order[1]]
    sql = f"UPDATE customers_customer SET {', '.join(sets)} WHERE id = %s RETURNING id"  # noqa: S608  our own names
    return statements.Part(sql, (*params, customer_id))


def add_order(*, customer_id: int, at: datetime, amount: int, ordered_at: datetime) -> None:
    """Count one more order, in one statement that needs no look at the others: the latest wins, ties the newcomer."""
    is_latest = Case(
        When(orders_last_at__gt=ordered_at, then=F("orders_last_amount")),
        default=Value(amount),
    )
    Customer.objects.filter(pk=customer_id).update(
        counted_at=at,
        orders_total_amount=F("orders_total_amount") + amount,
        orders_total_count=F("orders_total_count") + 1,
        orders_last_amount=is_latest,
        orders_last_at=Greatest(F("orders_last_at"), Value(ordered_at)),
    )


def set_last_order(*, customer_id: int, at: datetime, amount: int, ordered_at: datetime | None) -> None:
    """Say which counted order is the latest now; None when there is none left."""
    Customer.objects.filter(pk=customer_id).update(counted_at=at, orders_last_amount=amount, orders_last_at=ordered_at)
