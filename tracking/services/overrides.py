"""`override: true` inside an order line: what it says of its product and SKU is stored before the line is priced.

Source: products-orders.md section 6. Only calls that store an order do this; validations never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from config.kernel.errors import InvalidPayload
from config.project.models import Project
from tracking.models import Product, Sku
from tracking.payloads import ItemData
from tracking.services import products

LONGEST_NAME = 500


def store(*, project: Project, items: Iterable[ItemData], at: datetime) -> None:
    """Create or change the products and SKUs that the lines tell of, in the caller's transaction.

    Rows are taken in the order of their names, so that two orders never wait for each other in a circle; what would
    change nothing is not touched. A line that names nothing to store it under is passed over.
    Raises InvalidPayload: a name or metadata of the wrong type; DuplicateFound, MetadataValidationFailed.
    """
    telling = [item for item in items if item.overrides]
    if not telling:
        return
    of_products, of_skus = _products(telling), _skus(telling)
    parents = (product_name(item) or "" for item in of_skus.values())
    known = products.find_many(Product, project=project, identifiers=[*of_products, *parents])
    skus = products.find_many(Sku, project=project, identifiers=of_skus)
    for name, item in sorted(of_products.items()):
        known[name] = _stored_product(project, known.get(name), name, item, at)
    for name, item in sorted(of_skus.items()):
        _store_sku(project, skus.get(name), known.get(product_name(item) or ""), name, item, at)


def _products(items: Iterable[ItemData]) -> dict[str, ItemData]:
    """By what each product goes by; of what two lines say of the same one the later counts, key by key."""
    found: dict[str, ItemData] = {}
    for item in items:
        if _overrides(item.product) and (name := product_name(item)):
            said = found[name].product if name in found else None
            found[name] = replace(item, product=_together(said, item.product))
    return found


def _skus(items: Iterable[ItemData]) -> dict[str, ItemData]:
    found: dict[str, ItemData] = {}
    for item in items:
        if _overrides(item.sku) and (name := sku_name(item)):
            said = found[name].sku if name in found else None
            found[name] = replace(item, sku=_together(said, item.sku))
    return found


def _together(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(before or {}), **{key: value for key, value in (now or {}).items() if value is not None}}


def product_name(item: ItemData) -> str | None:
    """The id or source id under which the line's product is stored."""
    own = _text(item.product, "source_id") or item.product_id or _text(item.product, "id")
    return own or (item.source_id if item.related_object != "sku" and item.sku is None else None)


def sku_name(item: ItemData) -> str | None:
    """The id or source id under which the line's SKU is stored."""
    own = _text(item.sku, "source_id") or item.sku_id or _text(item.sku, "id")
    return own or (item.source_id if item.related_object != "product" else None)


def _stored_product(project: Project, found: Product | None, name: str, item: ItemData, at: datetime) -> Product:
    told = _told(item.product or {}, "name", "product")
    if found is None:
        return products.upsert(project=project, data={**told, "source_id": name}, at=at)
    if all(getattr(found, key) == value for key, value in told.items()):
        return found
    return products.replace(project=project, row=found, data=told, at=at)


def _store_sku(
    project: Project, found: Sku | None, product: Product | None, name: str, item: ItemData, at: datetime
) -> None:
    told = _told(item.sku or {}, "sku", "sku")
    if found is not None:
        if any(getattr(found, key) != value for key, value in told.items()):
            products.replace(project=project, row=found, data=told, at=at)
    elif product is not None:
        products.upsert_sku(project=project, product=product, data={**told, "source_id": name}, at=at)


def _told(sent: Mapping[str, Any], label: str, path: str) -> dict[str, Any]:
    """The label, price and metadata that were sent, checked."""
    told = {key: sent[key] for key in (label, "price", "metadata") if sent.get(key) is not None}
    if not isinstance(told.get(label, ""), str) or len(told.get(label, "")) > LONGEST_NAME:
        raise InvalidPayload(f"Property .{path}.{label} should be string of at most {LONGEST_NAME} characters")
    if not isinstance(told.get("metadata", {}), dict):
        raise InvalidPayload(f"Property .{path}.metadata should be object")
    return {key: int(value) if key == "price" else value for key, value in told.items()}


def _overrides(sent: Mapping[str, Any] | None) -> bool:
    return sent is not None and sent.get("override") is True


def _text(sent: Mapping[str, Any] | None, key: str) -> str | None:
    value = None if sent is None else sent.get(key)
    return value if isinstance(value, str) and value else None
