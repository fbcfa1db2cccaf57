"""Candidates of a qualification, newest first, read a piece at a time from several lists until somebody has enough.

The order is that of the wire's cursor: the millisecond of creation, newest first; within it list by list, newest key
first. So a cursor that names an instant names a place, and where an instant is torn apart it says where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from config.project.models import Project
from vouchers.qualifying import PLACES, Cursor, Filters
from vouchers.services.qualifiers import Qualifier

PIECE: Final = 200
ROUNDS: Final = 100
"""Pieces after which an instant with more candidates than that is cut wherever it is."""
MILLISECOND: Final = timedelta(milliseconds=1)
Builder = Callable[[Sequence[tuple[int, Any]]], list[Qualifier]]
"""Rows, each with the number of its list → candidates, in a constant number of statements."""


@dataclass(slots=True)
class Source:
    """One list. build: the same for lists whose rows are read together. last: how far it was read; None at its end."""

    project: Project
    number: int
    rows: QuerySet[Any]
    build: Builder
    last: tuple[datetime, int] | None = None
    is_read: bool = False

    def piece(self) -> list[Any]:
        """The next rows."""
        rows = self.rows
        if self.last is not None:
            instant, pk = self.last
            rows = rows.filter(Q(created_at__lt=instant) | Q(pk__lt=pk), created_at__lte=instant)
        found = list(rows.order_by("-created_at", "-pk")[:PIECE])
        self.is_read = len(found) < PIECE
        for row in found:
            row.project = self.project
            if getattr(row, "campaign", None) is not None:
                row.campaign.project = self.project
        if found:
            self.last = (found[-1].created_at, found[-1].pk)
        return found


def stream(sources: Sequence[Source], after: Cursor | None) -> Iterator[list[Qualifier]]:
    """All candidates behind the cursor, in order, in pieces that never end within an instant."""
    if after is not None:
        end = after.instant if after.place is None else after.instant + MILLISECOND
        for source in sources:
            source.rows = source.rows.filter(created_at__lt=end)
    waiting: list[Qualifier] = []
    for _ in range(ROUNDS):
        frontier = _frontier(sources)
        waiting += _read([one for one in sources if _is_next(one, frontier)])
        frontier = _frontier(sources)
        ready = sorted((one for one in waiting if frontier is None or one.instant > frontier), key=_order)
        waiting = [one for one in waiting if frontier is not None and one.instant <= frontier]
        if ready:
            yield _behind(ready, after)
        if frontier is None:
            return
    yield _behind(sorted(waiting, key=_order), after)


def wanted(filters: Filters, paths: Mapping[str, str], constants: Mapping[str, str | None]) -> Q:
    """`options.filters` as a condition on the rows of one list.

    paths: the fields that a row tells, by their look-ups; constants: those that are the same for all its rows.
    """
    parts = [
        _all(_condition(paths, constants, name, operator, values) for operator, values in conditions.items())
        for name, conditions in filters.rules.items()
    ]
    if not parts or not filters.any_of:
        return _all(parts)
    either = parts[0]
    for part in parts[1:]:
        either |= part
    return either


def _condition(
    paths: Mapping[str, str], constants: Mapping[str, str | None], name: str, operator: str, values: Sequence[str]
) -> Q:
    if name not in paths:
        holds = Filters({name: {operator: tuple(values)}}).hold({name: constants.get(name)})
        return Q(pk__isnull=not holds)
    path = paths[name]
    match operator:
        case "$has_value":
            return Q(**{f"{path}__isnull": False})
        case "$is_unknown":
            return Q(**{f"{path}__isnull": True})
        case "$is" | "$in":
            return Q(**{f"{path}__in": list(values)})
    return Q(**{f"{path}__isnull": True}) | ~Q(**{f"{path}__in": list(values)})


def _all(parts: Any) -> Q:
    whole = Q()
    for part in parts:
        whole &= part
    return whole


def _frontier(sources: Sequence[Source]) -> datetime | None:
    """The instant down to which every list was read; None where all are read to their ends."""
    ends = [source.last[0] for source in sources if not source.is_read and source.last is not None]
    return max(map(floor, ends), default=None)


def _is_next(source: Source, frontier: datetime | None) -> bool:
    if source.is_read:
        return False
    return source.last is None or frontier is None or floor(source.last[0]) >= frontier


def _read(sources: Sequence[Source]) -> list[Qualifier]:
    by_builder: dict[Builder, list[tuple[int, Any]]] = {}
    for source in sources:
        by_builder.setdefault(source.build, []).extend((source.number, row) for row in source.piece())
    return [one for build, rows in by_builder.items() if rows for one in build(rows)]


def _order(one: Qualifier) -> tuple[Any, ...]:
    return -one.instant.timestamp(), one.source, -one.key


def _behind(ready: list[Qualifier], after: Cursor | None) -> list[Qualifier]:
    """Without what a cursor within the first instant has passed."""
    if after is None or after.place is None:
        return ready
    source, low = divmod(after.place, PLACES)
    keys = [one.key for one in ready if one.instant == after.instant and one.source == source]
    newest = max(keys, default=0)
    passed = newest - (newest - low) % PLACES
    return [
        one
        for one in ready
        if one.instant != after.instant or one.source > source or (one.source == source and one.key < passed)
    ]


def floor(instant: datetime) -> datetime:
    """The instant as the wire shows it."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def cursor_of(one: Qualifier, *, torn: bool) -> Cursor:
    """Behind which candidate to go on. torn: others of its instant come later."""
    return Cursor(one.instant, one.source * PLACES + one.key % PLACES if torn else None)
