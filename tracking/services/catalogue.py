"""What order lines cost: the products and SKUs they name.

Source: products-orders.md section 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from config.kernel.amounts import GREATEST
from config.kernel.errors import InvalidPayload
from config.project import prepared, statements
from config.project.models import Project
from tracking.models import Product, Sku
from tracking.payloads import ItemData, OrderData, PricedLine, PricedOrder, priced

SHIPPING_ID: Final = "prod_5h1pp1ng"
SHIPPING_SOURCE_ID: Final = "5h1pp1ng"
"""The product every project has from the start, for the costs of shipping."""

Key = tuple[str, str]
"""("id", public id) or ("source", source id)."""


@dataclass(frozen=True, slots=True)
class _Found:
    product: Product | None = None
    sku: Sku | None = None


@dataclass(frozen=True, slots=True)
class KnownLine(PricedLine):
    """A priced line with what the catalogue knows of it."""

    product: Product | None = None
    sku: Sku | None = None


def price_order(*, project: Project, order: OrderData) -> PricedOrder:
    """Price the lines; the order's amount is the one sent, else their sum. Two queries for any number of lines."""
    return priced(order.amount, price_items(project=project, items=order.items or ()), order)


def price_items(*, project: Project, items: Sequence[ItemData]) -> list[KnownLine]:
    """Return a line for each item, in order.

    Price: the item's own, else the SKU's, else the product's, each as sent in the item before the catalogue's.
    What the catalogue does not know stays as sent, without amounts unless the item brings them.
    """
    products, skus = _look_up(project, items)
    return [_line(item, _find(item, products, skus), index) for index, item in enumerate(items)]


def ensure_shipping(project: Project, at: datetime) -> None:
    """Make the project's shipping product where it is missing."""
    shipping = Product(
        project=project, public_id=SHIPPING_ID, source_id=SHIPPING_SOURCE_ID, name="Shipping", created_at=at
    )
    Product.objects.bulk_create([shipping], ignore_conflicts=True)


def _look_up(project: Project, items: Sequence[ItemData]) -> tuple[dict[Key, Product], dict[Key, Sku]]:
    """The catalogue objects that the items name."""
    of_skus = {item.source_id for item in items if item.source_id and item.related_object != "product"}
    of_products = {item.source_id for item in items if item.source_id and item.related_object != "sku"}
    sku_ids = {item.sku_id for item in items if item.sku_id}
    product_ids = {item.product_id for item in items if item.product_id}
    skus: dict[Key, Sku] = {}
    if sku_ids or of_skus:
        for row in _rows(_SKUS, project, sku_ids, of_skus):
            sku = statements.load(Sku, row[:_SKU_WIDTH])
            sku.product = statements.load(Product, row[_SKU_WIDTH:])
            skus |= {("id", sku.public_id): sku, ("source", sku.source_id or ""): sku}
    products: dict[Key, Product] = {}
    if product_ids or of_products:
        for row in _rows(_PRODUCTS, project, product_ids, of_products):
            product = statements.load(Product, row)
            products |= {("id", product.public_id): product, ("source", product.source_id or ""): product}
    return products, skus


_PRODUCTS: Final = f"""
SELECT {statements.columns(Product, "p")} FROM tracking_product p
WHERE p.project_id = %s AND p.deleted_at IS NULL AND (p.public_id = ANY(%s::text[]) OR p.source_id = ANY(%s::text[]))
"""  # noqa: S608  our own columns; written by hand, because every order with lines asks this
_SKUS: Final = f"""
SELECT {statements.columns(Sku, "s")}, {statements.columns(Product, "p")}
FROM tracking_sku s JOIN tracking_product p ON p.id = s.product_id AND p.deleted_at IS NULL
WHERE s.project_id = %s AND s.deleted_at IS NULL AND (s.public_id = ANY(%s::text[]) OR s.source_id = ANY(%s::text[]))
"""  # noqa: S608
_SKU_WIDTH: Final = len(statements.names(Sku))


def _rows(sql: str, project: Project, ids: set[str], source_ids: set[str]) -> list[tuple[Any, ...]]:
    return prepared.fetch(sql, [project.pk, prepared.text_array(ids), prepared.text_array(source_ids)])


def _find(item: ItemData, products: Mapping[Key, Product], skus: Mapping[Key, Sku]) -> _Found:
    """A SKU brings its product; a source id of which nothing says what it is may be a SKU's, then a product's."""
    sku = skus.get(("id", item.sku_id or ""))
    if sku is None and item.source_id and item.related_object != "product":
        sku = skus.get(("source", item.source_id))
    if sku is not None:
        return _Found(sku.product, sku)
    product = products.get(("id", item.product_id or ""))
    if product is None and item.source_id and item.related_object != "sku":
        product = products.get(("source", item.source_id))
    return _Found(product)


def _line(item: ItemData, found: _Found, index: int) -> KnownLine:
    price = _first(
        item.price,
        _sent_price(item.sku),
        found.sku.price if found.sku else None,
        _sent_price(item.product),
        found.product.price if found.product else None,
    )
    amount = item.amount if item.amount is not None else (None if price is None else price * item.quantity)
    if amount is not None and amount > GREATEST:
        raise InvalidPayload(f"Property .order.items[{index}].amount cannot be higher than {GREATEST}")
    return KnownLine(item.quantity, price, amount, _data(item, found), product=found.product, sku=found.sku)


def _data(item: ItemData, found: _Found) -> dict[str, Any]:
    """What the wire shows of the line beside quantity and amounts; only keys that have something to say."""
    product_id = found.product.public_id if found.product else item.product_id
    sku_id = found.sku.public_id if found.sku else item.sku_id
    shown = {
        "object": "order_item",
        "source_id": item.source_id,
        "related_object": item.related_object,
        "product_id": product_id,
        "sku_id": sku_id,
        "product": _product(item.product, found.product),
        "sku": _sku(item.sku, found.sku),
        "metadata": item.metadata,
    }
    return {key: value for key, value in shown.items() if value is not None}


def _product(sent: Mapping[str, Any] | None, known: Product | None) -> dict[str, Any] | None:
    if known is None:
        return None if sent is None else dict(sent)
    return {"id": known.public_id, "source_id": known.source_id, "name": known.name, **_without_override(sent)}


def _sku(sent: Mapping[str, Any] | None, known: Sku | None) -> dict[str, Any] | None:
    if known is None:
        return None if sent is None else dict(sent)
    shown = {"id": known.public_id, "source_id": known.source_id, "sku": known.sku, "metadata": known.metadata}
    return {**shown, **({} if known.price is None else {"price": known.price}), **_without_override(sent)}


def _without_override(sent: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (sent or {}).items() if key not in ("id", "source_id", "override")}


def _sent_price(sent: Mapping[str, Any] | None) -> int | None:
    price = None if sent is None else sent.get("price")
    return int(price) if price is not None else None


def _first(*prices: int | None) -> int | None:
    return next((price for price in prices if price is not None), None)
