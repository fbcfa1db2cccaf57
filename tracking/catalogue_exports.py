"""What exports of products and SKUs may hold. Source: imports-exports-async.md §2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from config.exports.columns import Column, instant, json, plain, text
from config.exports.kinds import ExportKind
from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.fields import FieldTable, Scope
from config.filters.parser import parse
from config.project.models import Project
from tracking.catalogue_fields import PRODUCTS, SKUS
from tracking.models import Product, Sku

COMMON: Final[tuple[Column, ...]] = (
    plain("price"),
    text("image_url"),
    text("source_id"),
    json("attributes"),
    instant("created_at"),
    instant("updated_at"),
)
DATES: Final = {"created_at": "created_at", "updated_at": "updated_at"}


def _products(project: Project) -> QuerySet[Any]:
    return Product.objects.of(project).filter(deleted_at=None)


def _skus(project: Project) -> QuerySet[Any]:
    return Sku.objects.of(project).filter(deleted_at=None, product__deleted_at=None)


def _filter(table: FieldTable) -> Callable[[Project, Mapping[str, Any], datetime], Q]:
    def condition(project: Project, filters: Mapping[str, Any], at: datetime) -> Q:
        node = parse(filters, table, path=".parameters.filters", default_junction="and")
        return to_q(node, Scope(project.pk, Moment(at, ZoneInfo(project.timezone)), table))

    return condition


def _kind(
    name: str, own: tuple[Column, ...], rows: Callable[[Project], QuerySet[Any]], table: FieldTable
) -> ExportKind:
    columns = {column.name: column for column in (*own, *COMMON)}
    return ExportKind(
        name=name,
        columns=columns,
        default_fields=tuple(field for field in columns if field != "updated_at"),
        rows=rows,
        orders=DATES,
        default_order="-created_at",
        filter_q=_filter(table),
    )


PRODUCT: Final = _kind("product", (plain("id", "public_id"), text("name")), _products, PRODUCTS)
SKU: Final = _kind(
    "sku",
    (plain("id", "public_id"), text("sku"), plain("product_id", "product__public_id"), plain("currency")),
    _skus,
    SKUS,
)
