"""What an export was asked for: fields, order, filters; checked before the job is queued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from config.exports.columns import Column, metadata
from config.exports.kinds import KINDS, LISTS, ExportKind
from config.kernel.errors import InvalidPayload
from config.project.models import MetadataSchema, Project

MOST_FIELDS: Final = 200
LIST: Final = "list"
"""The parameter that names a list of the dashboard; only the dashboard sets it."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A checked request. rows: those that its filters, or its list, leave. column: what they are ordered by.

    keyset: the column is never null, so the file is read in short pieces. nulls_last: in either direction.
    """

    kind: ExportKind
    columns: tuple[Column, ...]
    rows: QuerySet[Any]
    column: str
    descending: bool
    keyset: bool
    nulls_last: bool = False


def kind_of(name: object) -> ExportKind:
    """The kind of that name. Raises InvalidPayload with the allowed ones."""
    if isinstance(name, str) and name in KINDS:
        return KINDS[name]
    if name is None:
        raise InvalidPayload("Payload should have required property 'exported_object'")
    raise InvalidPayload(
        f"Property .exported_object should be equal to one of the allowed values [ {', '.join(KINDS)} ]"
    )


def parse(*, project: Project, kind: ExportKind, parameters: Mapping[str, Any], at: datetime) -> ExportRequest:
    """Check `parameters`. Raises InvalidPayload or InvalidExport naming what is wrong; at: what filters call now."""
    columns = _columns(project, kind, parameters.get("fields"))
    asked = parameters.get(LIST)
    if isinstance(asked, dict) and (of_list := LISTS.get(str(asked.get("name")))) is not None:
        shown = of_list(project, asked.get("query") or {}, at)
        return ExportRequest(
            kind, columns, shown.rows, shown.column, shown.descending, not shown.nullable, shown.nullable
        )
    order = _order(kind, parameters.get("order"))
    name = order.removeprefix("-")
    rows = kind.rows(project).filter(_condition(project, kind, parameters, at))
    keyset = name in kind.keyset
    return ExportRequest(kind, columns, rows, kind.orders[name], order.startswith("-"), keyset, not keyset)


def _columns(project: Project, kind: ExportKind, fields: object) -> tuple[Column, ...]:
    if fields is None or fields == []:
        fields = list(kind.default_fields)
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise InvalidPayload("Property .parameters.fields should be array of string")
    if len(fields) > MOST_FIELDS:
        raise InvalidPayload(f"Property .parameters.fields must NOT have more than {MOST_FIELDS} items")
    columns: dict[str, Column] = {}
    for name in fields:
        if name == "metadata" and kind.metadata_path:
            found = [metadata(key, kind.metadata_path) for key in _declared_keys(project, kind)]
        else:
            found = [kind.column(name)]
        columns |= {column.name: column for column in found}
    return tuple(columns.values())


def _declared_keys(project: Project, kind: ExportKind) -> list[str]:
    """The keys that the project's schema declares: `metadata` stands for all of them."""
    related = kind.metadata_object or kind.name
    schema = MetadataSchema.objects.of(project).filter(related_object__iexact=related).first()
    properties: dict[str, dict[str, Any]] = schema.properties if schema else {}
    return [key for key, definition in properties.items() if not definition.get("deleted")]


def _order(kind: ExportKind, order: object) -> str:
    if order is None or order == "":
        return kind.default_order
    if not isinstance(order, str) or order.removeprefix("-") not in kind.orders:
        names = ", ".join(f"{name}, -{name}" for name in kind.orders)
        raise InvalidPayload(f"Property .parameters.order should be equal to one of the allowed values [ {names} ]")
    return order


def _condition(project: Project, kind: ExportKind, parameters: Mapping[str, Any], at: datetime) -> Q:
    filters = parameters.get("filters", parameters.get("filter"))
    if filters is None:
        return Q()
    if not isinstance(filters, dict):
        raise InvalidPayload("Property .parameters.filters should be object")
    if not any(key != "junction" for key in filters):
        return Q()
    return kind.filter_q(project, filters, at)
