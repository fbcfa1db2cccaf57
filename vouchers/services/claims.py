"""What a visitor redeemed and held while nobody was known behind the token, moved to whoever turned out to be it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from config.project import prepared
from config.project.models import Project
from customers import services as customers
from customers.models import Customer
from tracking.services import orders
from vouchers.models import Redemption

_WAITING: Final = "project_id = %s AND token = %s AND token <> '' AND customer_id IS NULL"
REDEMPTIONS_WAIT: Final = f"EXISTS (SELECT FROM vouchers_redemption WHERE {_WAITING})"
SESSIONS_WAIT: Final = f"EXISTS (SELECT FROM vouchers_sessionlock WHERE {_WAITING})"


def move_redemptions(project: Project, token: str, customer: Customer, since: datetime) -> int:
    """Give the token's redemptions and their orders to the customer, counters too; returns how many redemptions moved.

    since: when the token was issued. Idempotent: what has a customer stays. One of `moving.movers`.
    """
    with transaction.atomic(savepoint=False):
        pks = _unclaimed(project, token, since)
        if not pks:
            return 0
        rows = list(Redemption.objects.filter(pk__in=pks).select_related("order").order_by("pk"))
        Redemption.objects.filter(pk__in=pks).update(customer=customer)
        latest = rows[-1].created_at
        for order in {row.order_id: row.order for row in rows if row.order is not None}.values():
            if order.customer_id is None:
                orders.save_order(project=project, order={"id": order.public_id}, customer=customer, at=latest)
        customers.move_counters(customer_id=customer.pk, at=latest, **_counted(rows))
        return len(rows)


def move_sessions(project: Project, token: str, customer: Customer, since: datetime) -> int:
    """What the token's sessions hold, the customer holds from now on, whatever token is shown next.

    Returns how many locks moved. One of `moving.movers`.
    """
    moved = prepared.fetch(
        f"UPDATE vouchers_sessionlock SET customer_id = %s WHERE {_WAITING} RETURNING id",  # noqa: S608
        [customer.pk, project.pk, token],
    )
    return len(moved)


def _unclaimed(project: Project, token: str, since: datetime) -> list[int]:
    """The keys, locked. Written by hand: every first write of a customer asks this, mostly for nothing."""
    rows = prepared.fetch(
        f"SELECT id FROM vouchers_redemption WHERE {_WAITING} AND created_at >= %s"  # noqa: S608
        " ORDER BY id FOR NO KEY UPDATE",
        [project.pk, token, since],
    )
    return [pk for (pk,) in rows]


def facts_of(customer: Customer) -> dict[str, int]:
    """What the redemption counters of a customer should be, from the rows."""
    return _counted(list(Redemption.objects.filter(customer=customer)))


def _counted(rows: list[Redemption]) -> dict[str, int]:
    """What redemptions and rollbacks contribute to their customer's counters; a parent counts through its children."""
    single = [row for row in rows if not _is_parent(row)]
    tried = [row for row in single if row.kind == Redemption.Kind.REDEMPTION]
    undone = [row for row in single if row.kind == Redemption.Kind.ROLLBACK]
    succeeded = [row for row in tried if row.result == Redemption.Result.SUCCESS]
    given_back = [row for row in undone if row.result == Redemption.Result.SUCCESS]
    gifts = [row.amount for row in succeeded if row.amount is not None]
    return {
        "redemptions_succeeded": len(succeeded),
        "redemptions_failed": len(tried) - len(succeeded),
        "rollbacks_succeeded": len(given_back),
        "rollbacks_failed": len(undone) - len(given_back),
        "gift_redemptions": len(gifts),
        "gift_redeemed_amount": sum(gifts) + sum(row.amount or 0 for row in given_back),
    }


def _is_parent(row: Redemption) -> bool:
    return row.result == Redemption.Result.SUCCESS and row.related_object_type == "redemption"
