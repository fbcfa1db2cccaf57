"""What an export of gift cards' ledgers may hold. Source: vouchers.md §9.3, imports-exports-async.md §2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable

from config.exports.columns import Column, instant, json, plain, text
from config.exports.kinds import ExportKind
from config.filters.checks import Check
from config.filters.fields import Field, FieldTable, Scope
from config.filters.sources import Column as FilterColumn
from config.filters.values import Kind
from config.project.models import Project
from vouchers import fields
from vouchers.models import VoucherTransaction


@dataclass(frozen=True, slots=True)
class EitherOf:
    """A value that is found in one of several columns: a code, or an id."""

    columns: tuple[str, ...]

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        return reduce(or_, (FilterColumn(name).match(check, field, scope) for name in self.columns))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return FilterColumn(self.columns[0]).value(field, scope)


def _field(key: str, kind: Kind, source: Any) -> Field:
    return Field(key, key.replace("_", " ").capitalize(), "Transaction", kind, source)


FIELDS: Final = FieldTable(
    _field("created_at", Kind.DATETIME, FilterColumn("created_at")),
    _field("voucher_id", Kind.TEXT, EitherOf(("voucher__public_id", "voucher__code"))),
    _field("campaign_id", Kind.TEXT, FilterColumn("voucher__campaign__public_id")),
)
COLUMNS: Final[tuple[Column, ...]] = (
    plain("id", "public_id"),
    plain("campaign_id", "voucher__campaign__public_id"),
    plain("voucher_id", "voucher__public_id"),
    plain("type"),
    text("source_id"),
    text("reason"),
    text("source"),
    plain("balance"),
    plain("amount"),
    plain("related_transaction_id", "related_transaction__public_id"),
    instant("created_at"),
    json("details"),
)


def _rows(project: Project) -> QuerySet[Any]:
    return VoucherTransaction.objects.of(project)


def _filter(project: Project, filters: Mapping[str, Any], at: datetime) -> Q:
    return fields.condition(FIELDS, project, filters, at, path=".parameters.filters")


KIND: Final = ExportKind(
    name="voucher_transactions",
    columns={column.name: column for column in COLUMNS},
    default_fields=("id", "type", "source_id", "reason", "source", "balance", "amount", "created_at"),
    rows=_rows,
    orders={"created_at": "created_at"},
    default_order="-created_at",
    filter_q=_filter,
    metadata_path=None,
)


def of_voucher(code: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an export of one voucher's ledger: whatever else was asked for, only its lines."""
    return _only("voucher_id", code, parameters)


def of_campaign(public_id: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same for the ledgers of a campaign's cards."""
    return _only("campaign_id", public_id, parameters)


def _only(field: str, value: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    filters: dict[str, Any] = {field: {"conditions": {"$in": [value]}}}
    asked = parameters.get("filters", parameters.get("filter"))
    if isinstance(asked, Mapping) and any(key != "junction" for key in asked):
        filters = {"junction": "and", **filters, "asked": {"junction": "and", **asked}}
    elif asked is not None and not isinstance(asked, Mapping):
        return {**parameters}
    return {**{name: value for name, value in parameters.items() if name != "filter"}, "filters": filters}
