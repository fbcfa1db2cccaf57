"""What can be exported. Each app registers its kinds from `AppConfig.ready()`; nothing here knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from config.exports.columns import METADATA_PREFIX, Column, metadata
from config.kernel.errors import Invalid
from config.project.models import Project


class InvalidExport(Invalid):
    """Invalid Export"""

    key = "invalid_export_fields"


@dataclass(frozen=True, slots=True)
class ExportKind:
    """One `exported_object`.

    rows: all of a project's rows. orders: wire name → column; keyset: those whose column is never null, so that the
    file is read in short pieces instead of one long snapshot. filter_q: the wire's `filters` as a condition; raises
    InvalidPayload. metadata_path: the jsonb column behind `metadata.<key>`. aliases: older names of fields.
    """

    name: str
    columns: Mapping[str, Column]
    default_fields: tuple[str, ...]
    rows: Callable[[Project], QuerySet[Any]]
    orders: Mapping[str, str]
    default_order: str
    filter_q: Callable[[Project, Mapping[str, Any], datetime], Q]
    keyset: frozenset[str] = frozenset({"created_at"})
    metadata_path: str | None = "metadata"
    metadata_object: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        """The column of a field. Raises InvalidExport with the allowed names."""
        name = self.aliases.get(name, name)
        if name in self.columns:
            return self.columns[name]
        if self.metadata_path and name.startswith(METADATA_PREFIX) and len(name) > len(METADATA_PREFIX):
            return metadata(name.removeprefix(METADATA_PREFIX), self.metadata_path)
        allowed = [*self.columns, *(["metadata"] if self.metadata_path else [])]
        raise InvalidExport(f"Unsupported field used. Allowed fields: {', '.join(allowed)}")


KINDS: Final[dict[str, ExportKind]] = {}


def register(kind: ExportKind) -> None:
    """Offer a kind of export; called once per kind when the app is ready."""
    KINDS[kind.name] = kind


@dataclass(frozen=True, slots=True)
class ListRows:
    """What a list of the dashboard shows, in its order. nullable: rows without a value come last, as they do there."""

    rows: QuerySet[Any]
    column: str
    descending: bool
    nullable: bool


LISTS: Final[dict[str, Callable[[Project, Mapping[str, str], datetime], ListRows]]] = {}
"""Lists of the dashboard by name: what the list shows for these parameters of its URL."""


def register_list(name: str, rows: Callable[[Project, Mapping[str, str], datetime], ListRows]) -> None:
    """Offer the rows of a list; called once per list when the app is ready."""
    LISTS[name] = rows
