"""The filter language as the pages speak it: the builder's catalogue, sentences, counts within a budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import OperationalError, transaction
from django.db.models import Count, Func, TextField

from config.dashboard.base import limit_statements, sqlstate_of
from config.filters import catalogue
from config.filters.fields import Field
from config.filters.sentence import sentence
from config.project.models import Project
from customers import fields
from customers.models import Customer
from segments import definitions
from segments.dashboard.values import SMALL, looked_at
from segments.models import Segment
from tracking.models import EventCounter

MOST_SEEN: Final = 200
MOST_EVENTS: Final = 60
BUDGET_MS: Final = 2_000
CANCELED: Final = "57014"


def catalogue_of(project: Project) -> dict[str, Any]:
    """Fields and operators for the builder; segments to be in are offered by name."""
    found = catalogue.catalogue(fields.of(project), seen=_seen(project))
    named = Segment.objects.of(project).order_by("-pk").values_list("public_id", "name")[:MOST_SEEN]
    choices = [{"value": public_id, "label": name} for public_id, name in named]
    for row in found["fields"]:
        if row["type"] == "segment":
            row["values"] = choices
        elif "values" in row:
            row["values"] = [{"value": value, "label": value} for value in row["values"]]
    return found


def _seen(project: Project) -> list[Field]:
    """Fields that only stored data names: metadata keys without a schema, custom events."""
    table = fields.of(project)
    keys = (*_metadata_keys(project), *_event_keys(project))
    return [field for key in keys if (field := table.get(key)) is not None]


def _metadata_keys(project: Project) -> Iterator[str]:
    keys = Func("metadata", function="jsonb_object_keys", output_field=TextField())
    rows = (
        looked_at(project).exclude(metadata=None).order_by().annotate(seen_key=keys).values_list("seen_key", flat=True)
    )
    yield from (f"metadata.{name}" for name in sorted(set(rows.distinct()[:MOST_SEEN])))


def _event_keys(project: Project) -> Iterator[str]:
    rows = EventCounter.objects.filter(customer__in=looked_at(project)).order_by().values_list("name", flat=True)
    for name in sorted(rows.distinct()[:MOST_EVENTS]):
        yield from (f"events.{name}.{part}" for part in ("count", "last", "first"))


def sentences(*, project: Project, segments: Iterable[Segment]) -> dict[int, str]:
    """The definitions in words, by row id, fixed lists left out; one query for the segments named in them."""
    table, zone = fields.of(project), ZoneInfo(project.timezone)
    read = {row.pk: definitions.node_of(row, table) for row in segments if not row.is_static}
    named = {public_id for node, own in read.values() for public_id in definitions.segments_named(node, own)}
    rows = Segment.objects.of(project).filter(public_id__in=named).values_list("public_id", "name")
    names = dict(rows) if named else {}
    return {pk: sentence(node, own, zone=zone, names=names) for pk, (node, own) in read.items()}


def counts(*, project: Project, segments: Iterable[Segment], at: datetime) -> dict[int, int]:
    """Members by row id, in one statement, for a small project; for others nothing: the page asks one by one."""
    rows = list(segments)
    if not rows or Customer.objects.of(project)[: SMALL + 1].count() > SMALL:
        return {}
    scope = definitions.scope_of(project, at)
    wanted = {f"members_{row.pk}": Count("pk", filter=definitions.q_of(row, scope)) for row in rows}
    found = Customer.objects.of(project).alive().aggregate(**wanted)
    return {row.pk: found[f"members_{row.pk}"] for row in rows}


def counted(segment: Segment, at: datetime) -> int | None:
    """The members of one segment; None where counting takes longer than its budget."""
    scope = definitions.scope_of(segment.project, at)
    try:
        with transaction.atomic():
            limit_statements(BUDGET_MS)
            return Customer.objects.of(segment.project).alive().filter(definitions.q_of(segment, scope)).count()
    except OperationalError as error:
        if sqlstate_of(error) == CANCELED:
            return None
        raise
