"""What the auto-update segments of a project want to hear of."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from django.db import connection

from config.project.models import Project
from customers import fields, watching
from segments.models import Segment

LOCK: Final = 7_307_001
"""First half of the advisory lock under which a project's watch is renewed; the second is the project."""


def renew(project: Project) -> None:
    """Watch what the auto-update segments read now; in the transaction that changed them, and after the change.

    One at a time: two segments made at once would each forget the other's fields.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, project.pk])
    read = list(Segment.objects.of(project).auto_update().values_list("fields_read", flat=True))
    keys = {key for fields_read in read for name in fields_read for key in _keys_of(name)}
    watching.watch(project, keys if read else None)


def keys_of(segment: Segment) -> set[str]:
    """What has to change for the segment's members to change, time aside."""
    return {key for name in segment.fields_read for key in _keys_of(name)}


@lru_cache(maxsize=10_000)
def _keys_of(name: str) -> frozenset[str]:
    """name: of a field, or the id of a segment that is named, which reads through fields of its own."""
    if name.startswith("seg_"):
        return frozenset()
    field = fields.FIELDS.get(name)
    return frozenset() if field is None else watching.keys_of(field)
