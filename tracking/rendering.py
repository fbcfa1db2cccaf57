"""Products, SKUs, collections and stored orders as the wire shows them. Source: products-orders.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from config.kernel.instants import to_wire, to_wire_or_none
from tracking.models import Order, Product, ProductCollection, Sku

AMOUNTS: Final = ("amount", "initial_amount", "discount_amount", "items_discount_amount", "total_discount_amount")


def render_product(product: Product, skus: Sequence[Sku] | None = None, *, listed: bool = False) -> dict[str, Any]:
    """A product; create and update show no SKUs (None). listed: in a list, where their envelope is shorter."""
    wire: dict[str, Any] = {
        "id": product.public_id,
        "source_id": product.source_id,
        "name": product.name,
        "price": product.price,
        "attributes": product.attributes,
        "metadata": product.metadata,
        "image_url": product.image_url,
        "created_at": to_wire(product.created_at),
        "updated_at": to_wire_or_none(product.updated_at),
        "object": "product",
    }
    if skus is not None:
        data = [render_sku(sku, product_id=product.public_id) for sku in skus]
        head = {} if listed else {"object": "list", "data_ref": "data"}
        wire["skus"] = {**head, "data": data, "total": len(data)}
    return wire


def render_sku(sku: Sku, *, product_id: str) -> dict[str, Any]:
    """A SKU. product_id: the public id of its product."""
    return {
        "id": sku.public_id,
        "source_id": sku.source_id,
        "product_id": product_id,
        "sku": sku.sku,
        "price": sku.price,
        "currency": sku.currency,
        "attributes": sku.attributes,
        "image_url": sku.image_url,
        "metadata": sku.metadata,
        "created_at": to_wire(sku.created_at),
        "updated_at": to_wire_or_none(sku.updated_at),
        "object": "sku",
    }


def render_sku_with_product(sku: Sku) -> dict[str, Any]:
    """A SKU with its product inside, which has no SKUs then."""
    return {**render_sku(sku, product_id=sku.product.public_id), "product": render_product(sku.product)}


def render_collection(collection: ProductCollection) -> dict[str, Any]:
    """A collection: its members where they are listed, its filter where they are described."""
    static = collection.type == ProductCollection.Type.STATIC
    return {
        "id": collection.public_id,
        "name": collection.name,
        "type": collection.type,
        **({"products": collection.products} if static else {"filter": collection.filter}),
        "created_at": to_wire(collection.created_at),
        "object": "products_collection",
    }


def render_stored_order(order: Order) -> dict[str, Any]:
    """An order as it is stored, without what belongs to one request; kinds of discounts not used have no fields."""
    wire: dict[str, Any] = {
        "id": order.public_id,
        "source_id": order.source_id,
        "created_at": to_wire(order.created_at),
        "updated_at": to_wire_or_none(order.updated_at),
        "status": order.status,
    }
    for name in (*AMOUNTS, "total_amount"):
        if (value := getattr(order, name)) is not None:
            wire[name] = value
    if order.items:
        wire["items"] = order.items
    if order.metadata is not None:
        wire["metadata"] = order.metadata
    if order.customer is not None:
        wire["customer"] = {"id": order.customer.public_id, "object": "customer"}
    if order.referrer is not None:
        wire["referrer"] = {"id": order.referrer.public_id, "object": "customer"}
    wire |= {
        "customer_id": order.customer.public_id if order.customer else None,
        "referrer_id": order.referrer.public_id if order.referrer else None,
        "object": "order",
    }
    if order.redemptions:
        wire["redemptions"] = order.redemptions
    return wire
