"""What an export of orders may hold. Source: products-orders.md §10."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from config.exports.columns import Column, instant, plain, text
from config.exports.kinds import ExportKind
from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.documents import Document
from config.filters.fields import Field, FieldTable, Pattern, Scope
from config.filters.parser import parse
from config.filters.sources import Column as FilterColumn
from config.filters.values import Kind
from config.kernel.texts import normal
from config.project.models import Project
from tracking.models import Order

AMOUNTS: Final = ("amount", "discount_amount", "items_discount_amount", "total_discount_amount", "total_amount")
COLUMNS: Final[tuple[Column, ...]] = (
    plain("id", "public_id"),
    text("source_id"),
    instant("created_at"),
    instant("updated_at"),
    plain("status"),
    *(plain(name) for name in AMOUNTS),
    plain("customer_id", "customer__public_id"),
    plain("referrer_id", "referrer__public_id"),
)


def _field(key: str, kind: Kind, path: str = "") -> Field:
    return Field(key, key.replace("_", " ").capitalize(), "Order", kind, FilterColumn(path or key))


def _metadata(key: str, name: str) -> Field:
    return Field(key, name, "Metadata", Kind.ANY, Document("metadata", normal(name)), declared=False)


FIELDS: Final = FieldTable(
    _field("id", Kind.TEXT, "public_id"),
    _field("source_id", Kind.TEXT),
    _field("status", Kind.TEXT),
    _field("created_at", Kind.DATETIME),
    _field("updated_at", Kind.DATETIME),
    *(_field(name, Kind.NUMBER) for name in AMOUNTS),
    Pattern("metadata.", "", _metadata, example="<key>"),
)


def condition(project: Project, filters: object, at: datetime, *, path: str) -> Q:
    """The condition of `filters` on orders, where a missing junction is `and`. Raises InvalidFilter."""
    scope = Scope(project.pk, Moment(at, ZoneInfo(project.timezone)), FIELDS)
    return to_q(parse(filters, FIELDS, path=path, default_junction="and"), scope)


def _rows(project: Project) -> QuerySet[Any]:
    return Order.objects.of(project)


def _filter(project: Project, filters: Mapping[str, Any], at: datetime) -> Q:
    return condition(project, filters, at, path=".parameters.filters")


KIND: Final = ExportKind(
    name="order",
    columns={column.name: column for column in COLUMNS},
    default_fields=("id", "source_id", "status"),
    rows=_rows,
    orders={"created_at": "created_at", "updated_at": "updated_at", "status": "status"},
    default_order="-created_at",
    filter_q=_filter,
)
