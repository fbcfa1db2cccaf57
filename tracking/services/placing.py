"""Orders that the shop stores by themselves, without redeeming anything. Source: products-orders.md sections 5 to 9."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from config.jobs.bulk import Done, refused
from config.kernel.amounts import GREATEST
from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import DomainError, InvalidPayload, NotFound
from config.project import schemas
from config.project.models import Project
from customers import lookups
from customers import services as customers
from customers.models import Customer
from customers.payloads import CustomerData, Unset
from tracking.models import Order
from tracking.payloads import ItemData, PlacedOrder, PricedLine, parse_placed
from tracking.services import catalogue, order_events, orders, overrides

CALCULATED: Final = ("initial_quantity", "discount_quantity", "initial_amount", "discount_amount")
"""Keys of a line that the shop may know from elsewhere."""


def place(
    *,
    project: Project,
    order: PlacedOrder,
    at: datetime,
    identifier: str | None = None,
    cause: Cause | None = INTERNAL,
) -> Order:
    """Store an order, or change the one that it names, with its customer, its products and the customer's counters.

    identifier: of the order that must exist; without one it is found by `id`, else by `source_id`, else created.
    cause: None records no events (imports). Raises NotFound (order, customer, referrer), InvalidPayload,
    MetadataValidationFailed, DuplicateFound.
    """
    known = None if identifier is None else orders.find(project=project, identifier=identifier)
    public_id = order.data.id if known is None else known.public_id
    with transaction.atomic():
        stored = orders.locked(project, public_id, order.data.source_id)
        if stored is None and public_id is not None:
            raise NotFound.of("order", public_id)
        before = None if stored is None else stored.status
        customer = _written(project, order.customer, at, cause)
        values = {"id": public_id, **_values(project, order, stored, at)}
        if (referrer := _referrer(project, order, at, cause)) is not None:
            values["referrer"] = referrer
        saved = orders.save_order(project=project, order=values, customer=customer, at=at, status=order.data.status)
        if cause is not None:
            order_events.record(project=project, order=saved, before=before, at=at, cause=cause)
    return saved


def place_each(*, project: Project, bodies: Sequence[Any], at: datetime) -> list[Done]:
    """Store historical orders one after the other in the caller's transaction, without events; `at` is when each came.

    Source: products-orders.md section 7, import.
    """
    outcomes = []
    for body in bodies:
        key = str(body.get("source_id") or body.get("id") or "")
        try:
            with transaction.atomic():
                placed = parse_placed({**body, "created_at": None})
                found = place(project=project, order=placed, at=at, cause=None).updated_at is not None
        except DomainError as error:
            outcomes.append(refused(key, False, error))
        else:
            outcomes.append(Done(key, found, True))
    return outcomes


def _values(project: Project, order: PlacedOrder, stored: Order | None, at: datetime) -> dict[str, Any]:
    """The columns that change."""
    sent = order.data
    values: dict[str, Any] = {}
    if sent.source_id is not None:
        values["source_id"] = sent.source_id
    if sent.initial_amount is not None:
        values["initial_amount"] = sent.initial_amount
    if order.created_at is not None:
        values["created_at"] = order.created_at
    if sent.metadata is not None or stored is None:
        merged = {**((stored.metadata if stored else None) or {}), **(sent.metadata or {})}
        schemas.require(project, "order", merged, whole=True)
    if sent.metadata is not None:
        values["metadata"] = dict(sent.metadata)
    if sent.items is not None:
        schemas.require_each(project, "order_item", (item.metadata for item in sent.items))
        overrides.store(project=project, items=sent.items, at=at)
        lines = catalogue.price_items(project=project, items=sent.items)
        values["items"] = [_line(line, item) for line, item in zip(lines, sent.items, strict=True)]
    return values | _amounts(order, stored, values.get("items"))


def _line(line: PricedLine, item: ItemData) -> dict[str, Any]:
    """A line as it is stored and shown: what was sent, what the catalogue knows, its amounts where they are known."""
    wire: dict[str, Any] = {"object": "order_item", **line.data, "quantity": line.quantity}
    known = {"amount": line.amount, "price": line.price, **{name: getattr(item, name) for name in CALCULATED}}
    if line.amount is not None:
        known["subtotal_amount"] = max(0, line.amount - (item.discount_amount or 0))
    return wire | {name: value for name, value in known.items() if value is not None}


def _amounts(order: PlacedOrder, stored: Order | None, items: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The order's own amounts after this call; only those that are known. Raises InvalidPayload above 2^53 - 1."""
    amount = order.data.amount
    if amount is None and items is not None:
        known = [line["amount"] for line in items if "amount" in line]
        amount = sum(known) if known else None
    if amount is None and stored is not None and items is None:
        amount = stored.amount
    discount = order.discount_amount
    if discount is None and stored is not None:
        discount = stored.discount_amount
    lines = stored.items if items is None and stored is not None else items or ()
    taken = [line["discount_amount"] for line in lines if line.get("discount_amount") is not None]
    of_items = sum(taken) if taken else None
    total = None if discount is None and of_items is None else (discount or 0) + (of_items or 0)
    for name, value in (("amount", amount), ("discount_amount", total)):
        if value is not None and value > GREATEST:
            raise InvalidPayload(f"Property .{name} cannot be higher than {GREATEST}")
    return {
        "amount": amount,
        "discount_amount": discount,
        "items_discount_amount": of_items,
        "total_discount_amount": total,
        "total_amount": None if amount is None else max(0, amount - (total or 0)),
    }


def _referrer(project: Project, order: PlacedOrder, at: datetime, cause: Cause | None) -> Customer | None:
    if order.referrer is not None:
        return _written(project, order.referrer, at, cause)
    return None if order.referrer_id is None else lookups.find(project=project, identifier=order.referrer_id)


def _written(project: Project, data: CustomerData | None, at: datetime, cause: Cause | None) -> Customer | None:
    """The customer after what the order says of it; None where it says nothing."""
    if data is None or (isinstance(data.id, Unset) and isinstance(data.source_id, Unset) and not data.has_profile):
        return None
    meant = lookups.with_resolved_source(project=project, data=data)
    return customers.upsert(project=project, data=meant, at=at, cause=cause or INTERNAL)
