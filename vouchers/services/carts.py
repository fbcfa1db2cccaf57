"""The order of a request as the engine calculates with it: priced lines, or a stored order as the starting point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Q

from config.kernel.errors import NotFound
from config.project.models import Project
from tracking.models import Order
from tracking.payloads import OrderData
from tracking.services import catalogue
from vouchers.engine.order_state import Line, OrderState
from vouchers.payloads import RedeemRequest
from vouchers.services import transactions

AMOUNTS: Final = ("quantity", "price", "amount", "discount_amount", "subtotal_amount")
"""Keys of a stored line that the engine computes with; the rest is only shown."""


def find_order(project: Project, order: OrderData | None, *, lock: bool = False) -> Order | None:
    """The stored order that the request continues, by id (NotFound if unknown), else by source id.

    lock: keep it for the transaction; MultipleRequests where another request has it.
    """
    if order is None or (order.id is None and order.source_id is None):
        return None
    rows = Order.objects.of(project).filter(Q(public_id=order.id) if order.id else Q(source_id=order.source_id))
    if lock:
        rows = rows.select_for_update(no_key=True, nowait=True)
    with transactions.one_at_a_time():
        found = rows.first()
    if found is None and order.id:
        raise NotFound.of("order", order.id)
    return found


def state_of(project: Project, request: RedeemRequest, stored: Order | None) -> OrderState | None:
    """The order before the first redeemable; None where none was sent.

    A stored order found by its id is overwritten by what was sent; found by its source id it is used as it is.
    """
    if request.order is None:
        return None
    if stored is None:
        return _fresh(project, request, request.order)
    if request.order.id is None:
        return _stored(request, stored)
    base, sent = _stored(request, stored), request.order
    if sent.amount is None and sent.items is None:
        return base
    fresh = _fresh(project, request, sent)
    return OrderState(
        amount=fresh.amount if fresh.amount is not None else base.amount,
        initial_amount=fresh.initial_amount or base.initial_amount,
        discount_amount=base.discount_amount,
        lines=fresh.lines if sent.items is not None else base.lines,
        data=base.data,
    )


def _fresh(project: Project, request: RedeemRequest, sent: OrderData) -> OrderState:
    priced = catalogue.price_order(project=project, order=sent)
    lines = tuple(Line(line.quantity, line.price, line.amount, data=line.data) for line in priced.lines)
    amount = priced.amount
    amounts = [line.amount for line in lines]
    if request.items_decide and amounts and None not in amounts:
        amount = sum(part for part in amounts if part is not None)
    return OrderState(
        amount=amount,
        initial_amount=priced.initial_amount,
        discount_amount=0 if request.echo_discount else None,
        lines=lines,
        data=_data(request, {"source_id": sent.source_id, "status": sent.status}, sent.metadata),
    )


def _stored(request: RedeemRequest, order: Order) -> OrderState:
    sent = request.order
    merged = {**(order.metadata or {}), **((sent.metadata if sent and sent.id else None) or {})}
    return OrderState(
        amount=order.amount,
        initial_amount=order.initial_amount,
        discount_amount=order.discount_amount,
        lines=tuple(_line(line) for line in order.items),
        data=_data(request, {"id": order.public_id, "source_id": order.source_id, "status": order.status}, merged),
    )


def _line(line: Mapping[str, Any]) -> Line:
    return Line(
        quantity=line.get("quantity", 1),
        price=line.get("price"),
        amount=line.get("amount"),
        discount_amount=line.get("discount_amount"),
        data={key: value for key, value in line.items() if key not in AMOUNTS},
    )


def _data(request: RedeemRequest, fields: Mapping[str, Any], metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    data = {name: value for name, value in fields.items() if value is not None}
    data["metadata"] = dict(metadata or {})
    if request.order_customer_id is not None:
        data["customer"] = {"id": request.order_customer_id, "object": "customer"}
    return data
