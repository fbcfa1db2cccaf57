"""What publications can be filtered by and exported with. Source: imports-exports-async.md §2, campaigns §7.2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet, TextField

from config.exports.columns import Column, computed, instant, plain, text
from config.exports.kinds import ExportKind
from config.filters.fields import Field, FieldTable
from config.filters.sources import Column as FilterColumn
from config.filters.sql import Sql
from config.filters.values import Kind
from config.project.models import Project
from vouchers import fields
from vouchers.models import Publication


def _field(key: str, path: str = "", kind: Kind = Kind.TEXT) -> Field:
    return Field(key, key.replace("_", " ").capitalize(), "Publication", kind, FilterColumn(path or key))


FIELDS: Final = FieldTable(
    _field("created_at", kind=Kind.DATETIME),
    _field("campaign", "campaign__name"),
    _field("campaign_name", "campaign__name"),
    _field("customer", "customer__public_id"),
    _field("customer_id", "customer__public_id"),
    _field("voucher", "voucher__code"),
    _field("voucher_code", "voucher__code"),
    Field("failure_code", "Failure code", "Publication", Kind.TEXT, fields.Filled("failure_code")),
    _field("result"),
    _field("voucher_type", "voucher__type"),
    _field("is_referral_code", "voucher__is_referral_code", Kind.BOOLEAN),
    _field("parent_object_id", "campaign__public_id"),
    _field("related_object_id", "voucher__public_id"),
    _field("source_id"),
    fields.METADATA,
)


def _sql(name: str, template: str, *parts: str) -> Column:
    return computed(name, lambda: Sql(template, *parts, output_field=TextField()), free_text=True)


COLUMNS: Final[tuple[Column, ...]] = (
    plain("id", "public_id"),
    _sql("voucher_code", "array_to_string({}, ',')", "codes"),
    plain("customer_id", "customer__public_id"),
    text("customer_source_id", "customer__source_id"),
    instant("date", "created_at"),
    text("channel"),
    text("campaign", "campaign__name"),
    _sql("is_winner", "(CASE WHEN {} IS NULL THEN NULL END)", "source_id"),
    plain("result"),
    plain("failure_code"),
)


def _rows(project: Project) -> QuerySet[Any]:
    return Publication.objects.of(project)


def _filter(project: Project, filters: Mapping[str, Any], at: datetime) -> Q:
    return fields.condition(FIELDS, project, filters, at, path=".parameters.filters")


PUBLICATION: Final = ExportKind(
    name="publication",
    columns={column.name: column for column in COLUMNS},
    default_fields=("code", "customer_id", "date", "channel"),
    rows=_rows,
    orders={
        **{"id": "public_id", "voucher_code": "voucher__code", "tracking_id": "tracking_id"},
        **{"customer_id": "customer__public_id", "created_at": "created_at", "channel": "channel"},
    },
    default_order="-created_at",
    keyset=frozenset({"created_at", "id", "channel"}),
    filter_q=_filter,
    aliases={"code": "voucher_code"},
)
