"""What customers can be filtered by because of what they did: custom events, by name."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.apps import apps
from django.db.models import OuterRef, QuerySet

from config.filters.fields import Field, Pattern, Scope
from config.filters.sources import Related
from config.filters.values import Kind
from config.kernel.texts import normal


def _counters(name: str, scope: Scope) -> QuerySet[Any]:
    model = apps.get_model("tracking", "EventCounter")
    return model.objects.filter(customer_id=OuterRef("pk"), name=name, count__gt=0)


def watched(name: str) -> str:
    """The key under which changes of an event's counters are noted (a trigger of the migrations does)."""
    return f"events.{name}"


def _count(key: str, name: str) -> Field:
    source = Related(partial(_counters, normal(name)), "count", number=True, watched=watched(normal(name)))
    return Field(key, f"Event {name}", "Events", Kind.NUMBER, source, unit="times")


def _time(column: str, words: str, key: str, name: str) -> Field:
    source = Related(partial(_counters, normal(name)), column, watched=watched(normal(name)))
    return Field(key, f"Event {name}, {words}", "Events", Kind.DATETIME, source)


PATTERNS: Final = (
    Pattern("events.", ".count", _count),
    Pattern("events.", ".last", partial(_time, "last_at", "last time")),
    Pattern("events.", ".first", partial(_time, "first_at", "first time")),
)
"""The name is everything between the first and the last dot; it may hold dots and spaces."""
