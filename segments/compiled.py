"""Segments' filters as finished conditions, kept in the process from one question to the next.

A condition is known by all that it is made of: the project and its zone, the filter's text and those of the segments it
names, and, where it reads metadata, the project's schema. So nothing has to be forgotten when a segment is changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from config.filters import fragments
from config.filters.fields import Scope
from config.filters.fragments import Bound, Fragment
from config.project.metadata_schema import Schema
from config.project.models import Project
from config.project.schemas import schema_of
from customers.models import Customer
from segments import definitions
from segments.definitions import scope_of
from segments.models import Segment

MOST_CHARACTERS: Final = 16_000_000
"""Of all conditions that a process keeps."""
Named = tuple[tuple[str, str | None], ...]
"""The segments behind a segment: id and filter, None for fixed lists."""
Key = tuple[int, str, str, Named]


@dataclass(frozen=True, slots=True)
class _Kept:
    """schema: the one it was made by; None: it reads no metadata."""

    fragment: Fragment
    schema: Schema | None


_kept: OrderedDict[Key, _Kept] = OrderedDict()
_size = 0
_lock = threading.Lock()


class Conditions:
    """The conditions of a project's segments at one moment."""

    def __init__(self, project: Project, at: datetime) -> None:
        self.project = project
        self.scope: Scope = replace(scope_of(project, at), late=True)

    def of(self, segment: Segment) -> Bound:
        """Who is in the segment. Raises what its filter raises."""
        if segment.definition is None:
            return _listed(segment)
        key = (self.project.pk, self.scope.moment.zone.key, segment.definition, self._behind(segment))
        kept = _kept.get(key)
        if kept is not None and (kept.schema is None or kept.schema == schema_of(self.project, "customer")):
            _touch(key)
            if (bound := kept.fragment.at(self.scope.moment)) is not None:
                return bound
        made = self._make(segment)
        _keep(key, made)
        bound = made.fragment.at(self.scope.moment)
        if bound is None:
            raise TypeError(f"the condition of {segment.public_id} does not fit the moment it was made for")
        return bound

    def _make(self, segment: Segment) -> _Kept:
        scope = replace(self.scope, fields=scope_of(self.project, self.scope.moment.at).fields)
        schema = schema_of(self.project, "customer")
        fragment = fragments.of(definitions.q_of(segment, scope), Customer.objects.all())
        return _Kept(fragment, schema if scope.fields.has_asked else None)

    def _behind(self, segment: Segment) -> Named:
        """The segments that it names, and those that they name, level by level."""
        found: dict[str, str | None] = {}
        level = _named(segment.fields_read)
        while level:
            rows = Segment.objects.of(self.project).filter(public_id__in=level)
            read = list(rows.values_list("public_id", "definition", "fields_read"))
            found |= {public_id: definition for public_id, definition, _ in read}
            level = {name for _, _, names in read for name in _named(names)} - found.keys()
        return tuple(sorted(found.items(), key=lambda item: item[0]))


def forget() -> None:
    """Drop everything this process keeps."""
    global _size
    with _lock:
        _kept.clear()
        _size = 0


def _named(fields_read: Iterable[str]) -> set[str]:
    return {name for name in fields_read if name.startswith("seg_")}


def _listed(segment: Segment) -> Bound:
    return Bound(
        "EXISTS (SELECT 1 FROM segments_membership listed"
        " WHERE listed.customer_id = customers_customer.id AND listed.segment_id = %s::bigint)",
        (segment.pk,),
    )


def _touch(key: Key) -> None:
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)


def _keep(key: Key, made: _Kept) -> None:
    global _size
    with _lock:
        former = _kept.pop(key, None)
        _kept[key] = made
        _size += _weight(key, made) - (_weight(key, former) if former else 0)
        while _size > MOST_CHARACTERS and _kept:
            _size -= _weight(*_kept.popitem(last=False))


def _weight(key: Key, made: _Kept) -> int:
    return len(made.fragment.text) + sum(len(text or "") for _, text in ((0, key[2]), *key[3]))
