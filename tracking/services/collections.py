"""Collections of products: kept, found, and which lines and articles belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import CharField, F, Q, QuerySet, Value

from config.filters.ast import Node
from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.fields import FieldTable, Scope
from config.filters.parser import parse
from config.kernel.errors import InvalidPayload, LimitExceeded, NotFound
from config.project.models import Project
from tracking import articles, uses
from tracking.articles import ALL_PRODUCTS, Article, Collection
from tracking.catalogue_fields import PRODUCTS, SKUS
from tracking.errors import ResourceProtected
from tracking.models import Product, ProductCollection, Sku

STATIC: Final = ProductCollection.Type.STATIC


def find(*, project: Project, public_id: str) -> ProductCollection:
    """The collection of this id; the predefined one too, which is not a row. Raises NotFound."""
    if public_id == ALL_PRODUCTS:
        return everything(project)
    rows = ProductCollection.objects.of(project).filter(public_id=public_id)
    found = None if "\0" in public_id else rows.first()
    if found is None:
        raise NotFound.of("products_collection", public_id)
    return found


def everything(project: Project) -> ProductCollection:
    """The predefined collection of all products."""
    return ProductCollection(
        project=project,
        public_id=ALL_PRODUCTS,
        name="All products",
        type=ProductCollection.Type.AUTO_UPDATE,
        filter={"junction": "and"},
        created_at=project.created_at,
    )


def create(*, project: Project, data: Mapping[str, Any], at: datetime) -> ProductCollection:
    """Keep a collection. data: the wire's properties, of checked shape; `name` and `type` are required.

    Raises InvalidPayload naming the property, NotFound (a product or SKU that is listed), LimitExceeded.
    """
    cap = project.vendor_caps.get("product_collections")
    if isinstance(cap, int) and ProductCollection.objects.of(project).count() >= cap:
        raise LimitExceeded(f"A project cannot have more than {cap} product collections")
    collection = ProductCollection(project=project, name=data["name"], type=data["type"], created_at=at)
    if collection.type == STATIC:
        collection.products = _checked_products(project, data.get("products"))
    else:
        collection.filter = _checked_filter(data.get("filter"))
    collection.save(force_insert=True)
    return collection


def update(
    *, project: Project, collection: ProductCollection, data: Mapping[str, Any], at: datetime
) -> ProductCollection:
    """Change the name, and the filter of one that updates itself. Raises InvalidPayload, ResourceProtected."""
    _require_own(collection)
    changed = ["updated_at"]
    if data.get("name") is not None:
        collection.name = data["name"]
        changed.append("name")
    if "filter" in data and collection.type != STATIC:
        collection.filter = _checked_filter(data["filter"])
        changed.append("filter")
    collection.updated_at = at
    collection.save(update_fields=changed)
    return collection


def delete(*, project: Project, collection: ProductCollection) -> None:
    """Remove it. Raises ResourceInUse naming the rules that need it, ResourceProtected."""
    _require_own(collection)
    uses.require_unused(project=project, resource_type="products_collection", public_id=collection.public_id)
    collection.delete()


def members(
    *, project: Project, collection: ProductCollection, at: datetime, created: Mapping[str, datetime] | None = None
) -> QuerySet[Any]:
    """Products and SKUs in it as rows of `object`, `key` (row id), `created_at`, `updated_at`.

    created: more conditions on when they were made, e.g. {"created_at__lt": …}.
    """
    moment = moment_of(project, at)
    living = {"deleted_at": None, **(created or {})}
    products = Product.objects.of(project).filter(_product_q(project, collection, moment), **living)
    skus = Sku.objects.of(project).filter(_sku_q(project, collection, moment), product__deleted_at=None, **living)
    shown = ("object", "key", "created_at", "updated_at")

    def rows(found: QuerySet[Any], kind: str) -> Any:
        named = found.annotate(object=Value(kind, output_field=CharField()), key=F("pk"))
        return named.order_by().values(*shown)

    found: QuerySet[Any] = rows(products, "product").union(rows(skus, "sku"), all=True)
    return found


def read_many(*, project: Project, public_ids: Sequence[str]) -> list[Collection]:
    """The collections of these ids, ready to be asked; unknown ids are left out. One query."""
    wanted = [public_id for public_id in public_ids if public_id != ALL_PRODUCTS]
    rows = ProductCollection.objects.of(project).filter(public_id__in=wanted) if wanted else ()
    found = [read(row) for row in rows]
    return [*found, Collection(ALL_PRODUCTS)] if ALL_PRODUCTS in public_ids else found


def read(row: ProductCollection) -> Collection:
    """A stored collection as rules ask it."""
    if row.public_id == ALL_PRODUCTS:
        return Collection(ALL_PRODUCTS)
    if row.type == STATIC:
        return Collection(row.public_id, frozenset((item["object"], item["id"]) for item in row.products))
    return Collection(row.public_id, node=_node(row.filter))


def of_article(collections: Sequence[Collection], article: Article, moment: Moment) -> frozenset[str]:
    """The ids of the collections that the article belongs to."""
    return frozenset(known.public_id for known in collections if known.holds(article, PRODUCTS, moment))


def of_line(
    collections: Sequence[Collection],
    line: Mapping[str, Any],
    moment: Moment,
    *,
    product: Product | None = None,
    sku: Sku | None = None,
) -> frozenset[str]:
    """The ids of the collections that an order line belongs to: by the catalogue where it knows it, else as sent.

    line: as the wire shows it. product, sku: what the catalogue knows of it; `product.skus` is not read.
    """
    if sku is not None:
        return of_article(collections, article_of_sku(sku), moment)
    if product is not None:
        return of_article(collections, article_of_product(product), moment)
    return of_article(collections, articles.of_line(line), moment)


def article_of_product(product: Product, skus: Sequence[str] = ()) -> Article:
    """A stored product. skus: public ids of its SKUs."""
    return Article(
        id=product.public_id,
        product_id=product.public_id,
        source_id=product.source_id,
        name=product.name,
        price=product.price,
        attributes=product.attributes,
        image_url=product.image_url,
        skus=skus,
        created_at=product.created_at,
        updated_at=product.updated_at,
        metadata=product.metadata,
    )


def article_of_sku(sku: Sku) -> Article:
    """A stored SKU, its product loaded."""
    return Article(
        object="sku",
        id=sku.public_id,
        product_id=sku.product.public_id,
        source_id=sku.source_id,
        name=sku.sku,
        price=sku.product.price if sku.price is None else sku.price,
        attributes=list(sku.attributes),
        image_url=sku.image_url,
        created_at=sku.created_at,
        updated_at=sku.updated_at,
        metadata=sku.metadata,
    )


def moment_of(project: Project, at: datetime) -> Moment:
    """The instant in the project's zone, for filters relative to now."""
    return Moment(at, ZoneInfo(project.timezone))


def _node(filter: Mapping[str, Any] | None) -> Node:
    return parse(filter, PRODUCTS, default_junction="and")


def _product_q(project: Project, collection: ProductCollection, moment: Moment) -> Q:
    if collection.type == STATIC:
        return Q(public_id__in=[item["id"] for item in collection.products if item["object"] == "product"])
    return _compiled(project, collection, PRODUCTS, moment)


def _sku_q(project: Project, collection: ProductCollection, moment: Moment) -> Q:
    if collection.type == STATIC:
        return Q(public_id__in=[item["id"] for item in collection.products if item["object"] == "sku"])
    return _compiled(project, collection, SKUS, moment)


def _compiled(project: Project, collection: ProductCollection, fields: FieldTable, moment: Moment) -> Q:
    if collection.public_id == ALL_PRODUCTS:
        return Q()
    return to_q(_node(collection.filter), Scope(project.pk, moment, fields))


def _checked_filter(filter: object) -> dict[str, Any]:
    """The filter as sent. Raises InvalidPayload: none, empty, a wrong junction, field or operator."""
    if filter is None:
        raise InvalidPayload("Payload should have required property 'filter'")
    if not isinstance(filter, dict) or not any(key != "junction" for key in filter):
        raise InvalidPayload("Property .filter should have at least one condition")
    if "junction" not in filter:
        raise InvalidPayload("Property .filter should have required property 'junction'")
    parse(filter, PRODUCTS)
    return filter


def _checked_products(project: Project, sent: Sequence[Any] | None) -> list[dict[str, Any]]:
    """The members in order, each once. Raises InvalidPayload naming the place, NotFound."""
    if sent is None:
        raise InvalidPayload("Payload should have required property 'products'")
    cap = project.vendor_caps.get("static_collection_products")
    if isinstance(cap, int) and len(sent) > cap:
        raise LimitExceeded(f"Property .products must NOT have more than {cap} items")
    named: dict[tuple[str, str], None] = {}
    for index, item in enumerate(sent):
        named[_named(item, f".products[{index}]")] = None
    ids = [public_id for _, public_id in named]
    products = set(
        Product.objects.of(project).filter(public_id__in=ids, deleted_at=None).values_list("public_id", flat=True)
    )
    skus = dict(
        Sku.objects.of(project)
        .filter(public_id__in=ids, deleted_at=None, product__deleted_at=None)
        .values_list("public_id", "product__public_id")
    )
    found = []
    for kind, public_id in named:
        if public_id not in (products if kind == "product" else skus):
            raise NotFound.of(kind, public_id)
        item = {"id": public_id, "object": kind}
        found.append(item if kind == "product" else {**item, "product_id": skus[public_id]})
    return found


def _named(item: Any, path: str) -> tuple[str, str]:
    if not isinstance(item, dict):
        raise InvalidPayload(f"Property {path} should be object")
    for name in ("id", "object"):
        if not isinstance(item.get(name), str) or not item[name]:
            raise InvalidPayload(f"Property {path} should have required property '{name}'")
    if item["object"] not in ("product", "sku"):
        raise InvalidPayload(f"Property {path}.object should be equal to one of the allowed values [ product, sku ]")
    return item["object"], item["id"]


def _require_own(collection: ProductCollection) -> None:
    if collection.public_id == ALL_PRODUCTS:
        raise ResourceProtected(
            f"Resource products_collection with id {ALL_PRODUCTS} is protected and cannot be modified"
        )
