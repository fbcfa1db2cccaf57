"""Which changes of customers are noted, so that whoever keeps a picture of them (segments) brings it up to date.

Triggers note the changes (migrations of `customers` and `tracking`), in the transaction and with the statement that
makes them. They read the watched keys from the table `Watch` at that moment, so there is no cache that could be stale
and no service that could forget; where a project watches nothing they write nothing.

One gap is left to the reader of the queue: a transaction that looked before the watch was committed and commits after
the first picture was taken. `horizon` and `is_past` close it: once every transaction older than the horizon has ended,
whoever changes a customer has seen the watch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import connection

from config.filters.documents import Document
from config.filters.fields import Field
from config.filters.sources import Column, Counter, Nowhere, Related
from config.filters.values import Kind
from config.project.models import Project
from customers.models import Watch

NOTHING: Final[frozenset[str]] = frozenset()


def keys_of(field: Field) -> frozenset[str]:
    """What has to change for the field to change. TypeError: a source that says nothing about it."""
    if field.kind is Kind.SEGMENT:
        return NOTHING  # the fields behind a segment are read by whoever names it
    match field.source:
        case Column(name, or_else):
            return frozenset({name, or_else} - {""})
        case Counter(over=over, exists_over=exists_over):
            return frozenset({*over, *exists_over})
        case Document("metadata", path):
            return frozenset({f"metadata.{path}", f"metadata.{path.partition('.')[0]}"})
        case Document(column):
            return frozenset({column})
        case Related(watched=watched) if watched:
            return frozenset({watched})
        case Nowhere():
            return NOTHING
    raise TypeError(f"nobody knows what changes {field.key}")


def watch(project: Project, keys: Iterable[str] | None) -> None:
    """Note changes of these keys from now on, in the caller's transaction; None: of nothing."""
    if keys is None:
        Watch.objects.filter(project=project).delete()
        return
    wanted = sorted(set(keys))
    if list(Watch.objects.filter(project=project).values_list("keys", flat=True)) != [wanted]:
        Watch.objects.update_or_create(project=project, defaults={"keys": wanted})


def horizon() -> int:
    """A number for "now"; ask in a transaction after the watch was committed."""
    return _number("SELECT pg_current_xact_id()::text::bigint")


def is_past(horizon: int) -> bool:
    """Whether every transaction older than the horizon has ended."""
    return _number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint") > horizon


def _number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
