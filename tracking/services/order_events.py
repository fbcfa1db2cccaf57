"""What happens to orders, for the customer's timeline and for webhooks. Source: customers.md §14, webhooks §4."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from config.kernel.causes import Cause
from config.project.models import Project
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from customers.models import Customer
from customers.rendering import render_simple
from tracking.models import Order
from tracking.rendering import render_stored_order
from tracking.services import events
from tracking.services.events import NewEvent

REACHED: Final = {
    Order.Status.PAID: "paid",
    Order.Status.FULFILLED: "fulfilled",
    Order.Status.CANCELED: "canceled",
}
"""The event of a status that an order came to."""


def names_of(before: str | None, after: str) -> list[str]:
    """What happened, in order. before: the status until now; None where the order is new."""
    names = ["created" if before is None else "updated"]
    if after != before and (reached := REACHED.get(Order.Status(after))):
        names.append(reached)
    return names


def record(
    *, project: Project, order: Order, before: str | None, at: datetime, cause: Cause, redemption: Any = None
) -> None:
    """Record what happened to an order in the caller's transaction: for its customer, and for webhooks.

    before: its former status, None for a new order. redemption: the wire's, where one caused it.
    """
    new, happenings = of(project=project, order=order, before=before, at=at, cause=cause, redemption=redemption)
    if new:
        events.record_many(project=project, events=new)
    outbox.record_many(project, happenings)


def of(
    *, project: Project, order: Order, before: str | None, at: datetime, cause: Cause, redemption: Any = None
) -> tuple[list[NewEvent], list[Happening]]:
    """What `record` writes, for a caller who writes it with other things; nothing is rendered that nobody keeps."""
    names = names_of(before, order.status)
    wanted = [name for name in names if outbox.is_wanted(project, f"order.{name}")]
    if order.customer_id is None and not wanted:
        return [], []
    data, new = data_of(order, redemption), list[NewEvent]()
    if order.customer_id is not None:
        new = [
            NewEvent(
                type=f"customer.order.{name}",
                at=at,
                data=data,
                customer_id=order.customer_id,
                group_id=cause.group_id,
                source=cause.source,
            )
            for name in names
        ]
    happenings = [
        Happening(
            type=f"order.{name}",
            at=at,
            data=data,
            entity_id=order.public_id,
            group_id=cause.group_id,
            source=cause.source,
            customer_id=order.customer_id,
        )
        for name in wanted
    ]
    return new, happenings


def data_of(order: Order, redemption: Any = None) -> dict[str, Any]:
    """The `data` of an order's events, rendered now."""
    return {
        "customer": _simple(order.customer),
        "referrer": _simple(order.referrer),
        "order": render_stored_order(order),
        "redemption": redemption,
    }


def _simple(customer: Customer | None) -> dict[str, Any] | None:
    return None if customer is None else render_simple(customer)
