"""What the builder suggests: values of a field, and customers to ask about."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from config.filters.fields import Field
from config.filters.values import Kind
from config.project.models import Project
from customers.models import Customer
from customers.payloads import email_key
from segments.definitions import scope_of
from segments.models import Segment

KEPT_SECONDS: Final = 600
SMALL: Final = 20_000
"""Up to so many customers all of them are looked at; beyond, 2 % of the table's pages."""
MOST_VALUES: Final = 50
MOST_SEGMENTS: Final = 200
LONGEST: Final = 200
SUGGESTED: Final = frozenset({Kind.TEXT, Kind.ANY, Kind.NUMBER})
_SAMPLE: Final = 'SELECT "id" FROM "customers_customer" TABLESAMPLE SYSTEM (2)'

Suggestion = tuple[Any, str]
"""A value as the filter's JSON has it, and how it reads."""


def frequent(*, project: Project, key: str, at: datetime) -> list[Suggestion]:
    """The declared values of a field, else the most frequent ones of this project; kept for ten minutes."""
    scope = scope_of(project, at)
    if (field := scope.fields.get(key)) is None:
        return []
    if field.kind is Kind.SEGMENT:
        rows = Segment.objects.of(project).order_by("-pk").values_list("public_id", "name")
        return list(rows[:MOST_SEGMENTS])
    if field.values:
        return [(value, value) for value in field.values]
    if field.kind not in SUGGESTED:
        return []
    place = f"segments.values.{project.pk}.{hashlib.sha256(key.encode()).hexdigest()}"
    found: list[Suggestion] | None = cache.get(place)
    if found is None:
        found = _counted(looked_at(project).annotate(seen=field.source.value(field, scope)), field)
        if found:
            cache.set(place, found, KEPT_SECONDS)
    return found


def looked_at(project: Project) -> QuerySet[Customer]:
    """The customers whose data speak for all: everyone, or of many 2 %."""
    rows = Customer.objects.of(project).alive()
    if rows[: SMALL + 1].count() <= SMALL:
        return rows
    return rows.filter(pk__in=RawSQL(_SAMPLE, ()))  # noqa: S611 – the statement is a constant


def _counted(rows: QuerySet[Any], field: Field) -> list[Suggestion]:
    """The most frequent scalars, those of lists one by one."""
    found: Counter[tuple[type, Any]] = Counter()
    groups = rows.exclude(seen=None).order_by().values_list("seen").annotate(number=Count("pk")).order_by("-number")
    for value, number in groups[: 4 * MOST_VALUES]:
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str | bool | int | float) and part != "" and len(str(part)) <= LONGEST:
                found[(type(part), part)] += number
    return [(value, _words(value)) for (_, value), _number in found.most_common(MOST_VALUES)]


def _words(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def customers(*, project: Project, text: str, most: int = 8) -> list[Customer]:
    """Customers whose name, e-mail or source id begins with the text; without a text the newest."""
    rows = Customer.objects.of(project).alive().only("public_id", "name", "email", "source_id", "project_id")
    if text:
        rows = rows.annotate(name_key=Lower("name")).filter(
            Q(name_key__startswith=text.lower())
            | Q(email_key__startswith=email_key(text) or "")
            | Q(source_id__startswith=text)
            | Q(public_id=text)
        )
    return list(rows.order_by("-created_at", "-pk")[:most])
