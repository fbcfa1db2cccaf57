"""What the audit log keeps of products, SKUs and collections."""

from __future__ import annotations

from typing import Any

from config.project import audit
from tracking.models import Product, ProductCollection, Sku


def of_product(product: Product) -> dict[str, Any]:
    """A product as `before` or `after`."""
    return audit.facts(product, ("source_id", "name", "price", "attributes", "metadata", "image_url"))


def of_sku(sku: Sku) -> dict[str, Any]:
    """A SKU as `before` or `after`."""
    return audit.facts(sku, ("source_id", "sku", "price", "currency", "attributes", "metadata", "image_url"))


def of_collection(collection: ProductCollection) -> dict[str, Any]:
    """A collection as `before` or `after`."""
    return audit.facts(collection, ("name", "type", "products", "filter"))
