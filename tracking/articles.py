"""Pure: products, SKUs and order lines as collections look at them, and whether one belongs to a collection.

Source: products-orders.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from config.filters.ast import Node
from config.filters.days import Moment
from config.filters.evaluator import dig, holds
from config.filters.fields import FieldTable

ALL_PRODUCTS: Final = "pc_a11pr0dUc75"
"""The predefined collection: every product that is stored, and every line of a request."""
METADATA: Final = "metadata."


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A product or a SKU, stored or only named by an order line. price: minor units, of a SKU its own or its product's.

    attributes: names of attributes. skus: a product's, by public id. None: not known.
    """

    object: str = "product"
    id: str | None = None
    product_id: str | None = None
    source_id: str | None = None
    name: str | None = None
    price: int | None = None
    attributes: Sequence[str] = ()
    image_url: str | None = None
    skus: Sequence[str] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def read(self, key: str) -> Any:
        """What a filter's key means here."""
        if key.startswith(METADATA):
            return dig(dict(self.metadata), key.removeprefix(METADATA))
        if key in ("attributes", "skus"):
            return list(self.attributes if key == "attributes" else self.skus)
        return getattr(self, key, None)


@dataclass(frozen=True, slots=True)
class Collection:
    """A stored collection, read. members: of a static one, (object, id). node: the filter of one that has one."""

    public_id: str
    members: frozenset[tuple[str, str]] = frozenset()
    node: Node | None = None

    def holds(self, article: Article, fields: FieldTable, moment: Moment) -> bool:
        """Whether the article belongs to it. A product that is listed brings its SKUs; a filter looks at each alone."""
        if self.public_id == ALL_PRODUCTS:
            return True
        if self.node is not None:
            return holds(self.node, article.read, fields, moment)
        return (article.object, article.id) in self.members or ("product", article.product_id) in self.members


def of_line(line: Mapping[str, Any]) -> Article:
    """What an order line that the catalogue does not know says of itself. line: as the wire shows it."""
    product, sku = _object(line, "product"), _object(line, "sku")
    is_sku = bool(line.get("sku_id") or sku) or line.get("related_object") == "sku"
    said = sku if is_sku else product
    product_id = _text(line.get("product_id")) or _text(product.get("id"))
    own_id = _text(line.get("sku_id")) or _text(sku.get("id")) if is_sku else product_id
    prices = (line.get("price"), said.get("price"), product.get("price"))
    return Article(
        object="sku" if is_sku else "product",
        id=own_id,
        product_id=product_id,
        source_id=_text(said.get("source_id")) or _text(line.get("source_id")),
        name=_text(said.get("sku" if is_sku else "name")),
        price=next((price for price in prices if isinstance(price, int) and not isinstance(price, bool)), None),
        image_url=_text(said.get("image_url")),
        metadata=_object(said, "metadata"),
    )


def _object(owner: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = owner.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
