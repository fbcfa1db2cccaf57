"""The order of a request as the engine calculates with it: priced lines, or a stored order as the starting point."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from config.kernel.errors import NotFound
from config.project.models import Project
from tracking.models import Order
from tracking.payloads import ItemData, OrderData, PricedLine
from tracking.services import catalogue
from tracking.services import collections as product_collections
from tracking.services.catalogue import KnownLine
from vouchers.engine.order_state import Item, Line, OrderState
from vouchers.engine.terms import CatalogueItem
from vouchers.payloads import RedeemRequest
from vouchers.services import transactions

OF_LINE: Final = (*("price", "amount", "discount_amount", "initial_quantity", "initial_amount", "discount_quantity"),)
AMOUNTS: Final = (
    *OF_LINE,
    *("quantity", "subtotal_amount", "applied_discount_amount", "applied_discount_quantity"),
)
"""Keys of a stored line that the engine computes with or that belong to one request; the rest is only shown."""


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
        return _stored(project, request, stored)
    base, sent = _stored(project, request, stored), request.order
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
    lines = tuple(_fresh_line(line, item) for line, item in zip(priced.lines, sent.items or (), strict=True))
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


def _stored(project: Project, request: RedeemRequest, order: Order) -> OrderState:
    sent = request.order
    merged = {**(order.metadata or {}), **((sent.metadata if sent and sent.id else None) or {})}
    return OrderState(
        amount=order.amount,
        initial_amount=order.initial_amount,
        discount_amount=order.discount_amount,
        lines=_stored_lines(project, order.items),
        data=_data(request, {"id": order.public_id, "source_id": order.source_id, "status": order.status}, merged),
    )


def _fresh_line(line: PricedLine, item: ItemData) -> Line:
    """A line as sent. A calculated number that is no amount comes back."""
    data = line.data
    if item.discount_quantity is not None:
        data = {**data, "discount_quantity": item.discount_quantity}
    return Line(line.quantity, line.price, line.amount, data=data, item=_item(line))


def _stored_lines(project: Project, items: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """The lines of a stored order with what the catalogue knows of them now; their amounts stay."""
    named = [
        ItemData(
            product_id=line.get("product_id"),
            sku_id=line.get("sku_id"),
            source_id=line.get("source_id"),
            related_object=line.get("related_object"),
            product=line.get("product"),
            sku=line.get("sku"),
            metadata=line.get("metadata"),
        )
        for line in items
    ]
    known = catalogue.price_items(project=project, items=named) if named else []
    return tuple(_stored_line(line, _item(one)) for line, one in zip(items, known, strict=True))


def _stored_line(line: Mapping[str, Any], item: Item) -> Line:
    return Line(
        quantity=line.get("quantity", 1),
        **{name: line.get(name) for name in OF_LINE},
        data={key: value for key, value in line.items() if key not in AMOUNTS},
        item=item,
    )


def _item(line: PricedLine) -> Item:
    """What a line is, for rules: by the ids it was sent with, and those of the catalogue."""
    data = line.data
    product, sku = (line.product, line.sku) if isinstance(line, KnownLine) else (None, None)
    sent_product, sent_sku = data.get("product") or {}, data.get("sku") or {}
    product_id, sku_id, source_id = data.get("product_id"), data.get("sku_id"), data.get("source_id")
    is_sku = sku is not None or sku_id is not None or bool(sent_sku) or data.get("related_object") == "sku"
    product_keys = [product_id, sent_product.get("id"), sent_product.get("source_id")]
    sku_keys = [sku_id, sent_sku.get("id"), sent_sku.get("source_id")]
    (sku_keys if is_sku else product_keys).append(source_id)
    metadata = _object(sent_product.get("metadata"))
    if product is not None:
        product_keys += [product.public_id, product.source_id]
        metadata = {**product.metadata, **metadata}
    if sku is not None:
        sku_keys += [sku.public_id, sku.source_id]
        metadata = {**metadata, **sku.metadata}
    return Item(
        product_id=product_id,
        sku_id=sku_id,
        product_keys=_texts(product_keys),
        sku_keys=_texts(sku_keys),
        metadata=_object(data.get("metadata")),
        product_metadata={**metadata, **_object(sent_sku.get("metadata"))} if sent_sku else metadata,
        known=line,
    )


def _object(value: object) -> Mapping[str, Any]:
    """What a line says of its product is shown as it came, whatever it is; only an object is read."""
    return value if isinstance(value, Mapping) else {}


def _texts(keys: Sequence[object]) -> frozenset[str]:
    return frozenset(key for key in keys if isinstance(key, str) and key)


def with_collections(
    project: Project,
    order: OrderState | None,
    *,
    collections: Collection[str],
    unit_types: Collection[str],
    at: datetime,
) -> tuple[OrderState | None, dict[str, CatalogueItem]]:
    """The order whose lines say in which of the collections they are, and the products that free units name.

    Asks the catalogue for the units (two statements) and for the collections (one), where there are any.
    """
    wanted = [unit_type for unit_type in unit_types if not unit_type.startswith("pc_")]
    named = [ItemData(sku_id=one) if one.startswith("sku_") else ItemData(product_id=one) for one in wanted]
    lines = catalogue.price_items(project=project, items=named) if named else []
    items = [_item(line) for line in lines]
    if collections:
        known = product_collections.read_many(project=project, public_ids=list(collections))
        moment = product_collections.moment_of(project, at)

        def placed(item: Item) -> Item:
            line = item.known
            if not isinstance(line, KnownLine):
                return item
            found = product_collections.of_line(known, line.data, moment, product=line.product, sku=line.sku)
            return replace(item, collections=found)

        items = [placed(item) for item in items]
        if order is not None and order.basket.lines:
            order = order.with_items([placed(line.item) for line in order.basket.lines])
    found = {
        unit_type: CatalogueItem(line.price, item, {"object": "order_item", **line.data})
        for unit_type, line, item in zip(wanted, lines, items, strict=True)
    }
    return order, found


def _data(request: RedeemRequest, fields: Mapping[str, Any], metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    data = {name: value for name, value in fields.items() if value is not None}
    data["metadata"] = dict(metadata or {})
    if request.order_customer_id is not None:
        data["customer"] = {"id": request.order_customer_id, "object": "customer"}
    return data
