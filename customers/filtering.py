"""The filter language over a project's customers: lists, exports and segments all come through here."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.fields import Field, FieldTable, Scope
from config.filters.parser import parse
from config.project.models import MetadataSchema, Project
from customers.fields import FIELDS, declared_field


def table_of(project: Project) -> FieldTable:
    """Every field of the project, the declared metadata keys with their types; the schema is read when first needed."""

    def declared() -> dict[str, Field]:
        schema = MetadataSchema.objects.of(project).filter(related_object__iexact="customer").first()
        properties: dict[str, dict[str, object]] = schema.properties if schema else {}
        live = {name: definition for name, definition in properties.items() if not definition.get("deleted")}
        return {f"metadata.{name}": declared_field(name, definition) for name, definition in live.items()}

    return FIELDS.with_declared(declared)


def scope_of(project: Project, at: datetime) -> Scope:
    """The project's rows and zone at this instant."""
    return Scope(project.pk, Moment(at, ZoneInfo(project.timezone)), table_of(project))


def condition(project: Project, filters: object, at: datetime, *, path: str) -> Q:
    """The condition of a list's or export's `filters`, where a missing junction is `and`. Raises InvalidFilter."""
    scope = scope_of(project, at)
    return to_q(parse(filters, scope.fields, path=path, default_junction="and"), scope)
