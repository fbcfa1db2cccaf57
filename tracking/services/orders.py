"""Orders, and the counters of the customers who placed them.

Source: products-orders.md sections 7 to 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce

from config.kernel.errors import NotFound
from config.project.models import Project
from customers import services as customers
from customers.models import Customer
from tracking.models import Order

COLUMNS: Final = frozenset(
    {
        *("source_id", "amount", "initial_amount", "discount_amount", "items_discount_amount"),
        *("total_discount_amount", "total_amount", "items", "metadata", "redemptions", "referrer", "created_at"),
    }
)
"""What `save_order` takes from its mapping, beside `id`."""

APPLIED: Final = ("applied_discount_amount", "applied_quantity", "applied_quantity_amount", "applied_discount_quantity")
"""Keys of a line that belong to one request and are not stored."""


def save_order(
    *,
    project: Project,
    order: Mapping[str, Any],
    customer: Customer | None,
    at: datetime,
    status: str | None = None,
) -> Order:
    """Create or change an order in one transaction, and move its customer's counters with it.

    order: values by column name (COLUMNS), and `id` (ord_…). Found by `id`, else by `source_id`; what the mapping does
    not name stays as it is, `metadata` and `redemptions` are merged key by key. customer: None keeps the stored one.
    status: None keeps the stored one, CREATED for a new order; a redemption says PAID.
    Raises NotFound: the id is unknown.
    """
    values = {name: value for name, value in order.items() if name in COLUMNS}
    if values.get("items") is not None:
        values["items"] = [stored_line(line) for line in values["items"]]
    public_id, source_id = order.get("id"), order.get("source_id")
    with transaction.atomic():
        stored = locked(project, public_id, source_id)
        if stored is None and public_id is not None:
            raise NotFound.of("order", str(public_id))
        if stored is None:
            try:
                with transaction.atomic():
                    return _create(project, values, customer, at, status or Order.Status.CREATED)
            except IntegrityError:  # the same source id was created at the same moment: it is an update now
                stored = locked(project, None, source_id)
                if stored is None:
                    raise
        return _change(stored, values, customer, at, status)


def draft(*, project: Project, order: Mapping[str, Any], customer: Customer | None, at: datetime, status: str) -> Order:
    """A new order that is not stored yet, for who joins its insertion with other writes. order: as `save_order`'s."""
    values = {name: value for name, value in order.items() if name in COLUMNS}
    if values.get("items") is not None:
        values["items"] = [stored_line(line) for line in values["items"]]
    return Order(project=project, customer=customer, status=status, created_at=at, **values)


def counted(order: Order) -> tuple[int, datetime] | None:
    """What a new order adds to its customer's counters, as `customers.moved` takes it; None where it does not count."""
    facts = _Counted.of(order)
    return None if facts.ordered_at is None else (facts.amount, facts.ordered_at)


def set_status(*, order: Order, status: str, at: datetime) -> Order:
    """Change the status, e.g. CANCELED, and the customer's counters with it."""
    with transaction.atomic():
        stored = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
        return _change(stored, {}, None, at, status)


def find(*, project: Project, identifier: str) -> Order:
    """The order whose id or else whose source id this is. Raises NotFound naming the identifier."""
    orders = Order.objects.of(project).select_related("customer", "referrer")
    found = None if "\0" in identifier else orders.filter(public_id=identifier).first()
    if found is None and "\0" not in identifier:
        found = orders.filter(source_id=identifier).first()
    if found is None:
        raise NotFound.of("order", identifier)
    return found


def stored_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """The line without what belongs to one request only."""
    return {key: value for key, value in line.items() if key not in APPLIED}


def facts_of(customer: Customer) -> dict[str, Any]:
    """What the order counters of a customer should be, from its orders."""
    counted = _counted_orders(customer.pk)
    sums = counted.aggregate(count=Count("pk"), total=Sum(Coalesce("total_amount", "amount", 0)))
    last = _last(customer.pk)
    return {
        "orders_total_count": sums["count"],
        "orders_total_amount": sums["total"] or 0,
        "orders_last_amount": _value(last) if last else 0,
        "orders_last_at": last.created_at if last else None,
    }


@dataclass(frozen=True, slots=True)
class _Counted:
    """What an order contributes to a customer's counters; nothing without a customer or in another status."""

    customer_id: int | None = None
    amount: int = 0
    ordered_at: datetime | None = None

    @classmethod
    def of(cls, order: Order) -> _Counted:
        if order.customer_id is None or order.status not in Order.COUNTED:
            return cls()
        return cls(order.customer_id, _value(order), order.created_at)


def locked(project: Project, public_id: object, source_id: object) -> Order | None:
    """The stored order of this id, or where none is given of this source id, kept to the transaction's end."""
    orders = Order.objects.of(project).select_for_update(no_key=True)
    if public_id is not None:
        return orders.filter(public_id=public_id).first()
    return None if source_id is None else orders.filter(source_id=source_id).first()


def _create(project: Project, values: Mapping[str, Any], customer: Customer | None, at: datetime, status: str) -> Order:
    order = Order(project=project, customer=customer, status=status, **{"created_at": at, **values})
    order.save(force_insert=True)
    _move_counters(_Counted(), _Counted.of(order), at)
    return order


def _change(
    order: Order, values: Mapping[str, Any], customer: Customer | None, at: datetime, status: str | None
) -> Order:
    """order: locked."""
    before = _Counted.of(order)
    for name, value in values.items():
        if name == "source_id" and order.source_id is not None:
            continue
        merged = {**(getattr(order, name) or {}), **value} if name in ("metadata", "redemptions") and value else value
        setattr(order, name, merged)
    if customer is not None:
        order.customer = customer
    order.status = status or order.status
    order.updated_at = at
    order.save(update_fields=[*values, "customer", "status", "updated_at"])
    _move_counters(before, _Counted.of(order), at)
    return order


def _move_counters(before: _Counted, after: _Counted, at: datetime) -> None:
    """The hot rows come last, the lower key first."""
    if before == after:
        return
    for customer_id in sorted({pk for pk in (before.customer_id, after.customer_id) if pk is not None}):
        gone, come = before.customer_id == customer_id, after.customer_id == customer_id
        amount = (after.amount if come else 0) - (before.amount if gone else 0)
        count = int(come) - int(gone)
        if come and not gone and after.ordered_at is not None:
            customers.add_order(customer_id=customer_id, at=at, amount=amount, ordered_at=after.ordered_at)
            continue
        # The latest order may have gone or changed: look again, under the customer's lock.
        Customer.objects.select_for_update(no_key=True).only("pk").get(pk=customer_id)
        customers.move_counters(customer_id=customer_id, at=at, orders_total_amount=amount, orders_total_count=count)
        last = _last(customer_id)
        customers.set_last_order(
            customer_id=customer_id,
            at=at,
            amount=_value(last) if last else 0,
            ordered_at=last.created_at if last else None,
        )


def _counted_orders(customer_id: int) -> QuerySet[Order]:
    return Order.objects.filter(customer_id=customer_id, status__in=Order.COUNTED)


def _last(customer_id: int) -> Order | None:
    return _counted_orders(customer_id).order_by("-created_at", "-pk").first()


def _value(order: Order) -> int:
    """What the customer spent: the discounted total where there is one."""
    return order.total_amount if order.total_amount is not None else order.amount or 0
