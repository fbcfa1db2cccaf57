"""What order lines cost: the products and SKUs they name.

Source: products-orders.md section 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from config.kernel.amounts import GREATEST
from config.kernel.errors import InvalidPayload
from config.project.models import Project
from tracking.models import Product, Sku
from tracking.payloads import ItemData, OrderData, PricedLine, PricedOrder, priced

SHIPPING: Final = "prod_5h1pp1ng"
"""The product every project has from the start, for the costs of shipping."""


@dataclass(frozen=True, slots=True)
class _Found:
    product: Product | None = None
    sku: Sku | None = None


def price_order(*, project: Project, order: OrderData) -> PricedOrder:
    """Price the lines; the order's amount is the one sent, else their sum. Two queries for any number of lines."""
    return priced(order.amount, price_items(project=project, items=order.items or ()), order)


def price_items(*, project: Project, items: Sequence[ItemData]) -> list[PricedLine]:
    """Return a line for each item, in order.

    Price: the item's own, else the SKU's, else the product's, each as sent in the item before the catalogue's.
    What the catalogue does not know stays as sent, without amounts unless the item brings them.
    """
    products, skus = _look_up(project, items)
    return [_line(item, _find(item, products, skus), index) for index, item in enumerate(items)]


def ensure_shipping(*, project: Project, at: datetime) -> Product:
    """The project's shipping product, made where it is missing."""
    product, _ = Product.objects.get_or_create(
        project=project, public_id=SHIPPING, defaults={"name": "Shipping", "source_id": SHIPPING, "created_at": at}
    )
    return product


def _look_up(project: Project, items: Sequence[ItemData]) -> tuple[dict[str, Product], dict[str, Sku]]:
    """The catalogue objects that the items name, by public id and by source id."""
    product_ids = {item.product_id for item in items if item.product_id}
    sku_ids = {item.sku_id for item in items if item.sku_id}
    sources = {item.source_id for item in items if item.source_id}
    of_products = sources - {item.source_id for item in items if item.related_object == "sku"} | {
        item.source_id for item in items if item.source_id and item.related_object == "product"
    }
    skus: dict[str, Sku] = {}
    if sku_ids or sources:
        named = Q(public_id__in=sku_ids) | Q(source_id__in=sources)
        rows = Sku.objects.of(project).filter(named, deleted_at=None, product__deleted_at=None)
        for sku in rows.select_related("product"):
            skus[sku.public_id] = sku
            if sku.source_id:
                skus.setdefault(sku.source_id, sku)
    products: dict[str, Product] = {}
    if product_ids or of_products:
        named = Q(public_id__in=product_ids) | Q(source_id__in=of_products)
        for product in Product.objects.of(project).filter(named, deleted_at=None):
            products[product.public_id] = product
            if product.source_id:
                products.setdefault(product.source_id, product)
    return products, skus


def _find(item: ItemData, products: Mapping[str, Product], skus: Mapping[str, Sku]) -> _Found:
    """A SKU brings its product. Ids are looked up as ids only, source ids as source ids only."""
    sku = _by_id(skus, item.sku_id)
    if sku is None and item.source_id and item.related_object != "product":
        sku = _by_source(skus, item.source_id)
    if sku is not None:
        return _Found(sku.product, sku)
    product = _by_id(products, item.product_id)
    if product is None and item.source_id and item.related_object != "sku":
        product = _by_source(products, item.source_id)
    return _Found(product)


def _by_id[Row: (Product, Sku)](rows: Mapping[str, Row], public_id: str | None) -> Row | None: ...


def _line(item: ItemData, found: _Found, index: int) -> PricedLine:
    price = _first(
        item.price, _sent_price(item.sku), found.sku and found.sku.price, _sent_price(item.product),
        found.product and found.product.price,
    )  # fmt: skip
    amount = item.amount if item.amount is not None else (None if price is None else price * item.quantity)
    if amount is not None and amount > GREATEST:
        raise InvalidPayload(f"Property .order.items[{index}].amount cannot be higher than {GREATEST}")
    return PricedLine(item.quantity, price, amount, _data(item, found))


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
    return {"id": known.public_id, "source_id": known.source_id, "sku": known.sku, **_without_override(sent)}


def _without_override(sent: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (sent or {}).items() if key not in ("id", "source_id", "override")}


def _sent_price(sent: Mapping[str, Any] | None) -> int | None:
    price = None if sent is None else sent.get("price")
    return int(price) if price is not None else None


def _first(*prices: int | None) -> int | None:
    return next((price for price in prices if price is not None), None)
