"""Keeps the written-down members of auto-update segments in step, and reports who entered and left.

Two kinds of work, both in short transactions that leave a consistent state, so a killed worker loses and doubles
nothing: the next one goes on.

- *Digest*: take a batch of changed customers out of the queue and compare them with the segments that read what
  changed. The rows of the queue, the members, the events and the day's numbers change together.
- *Pass*: go through all customers in the order of their row ids: the first time to write down who is in (no events),
  later because time has passed or a named segment was changed. `pass_to` says how far it is.

Both run under one lock a project: a comparison always sees every change whose row it took out of the queue, and no
older comparison can be written after it. A change that is committed later has its row in the queue still.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db import DataError, OperationalError, connection, transaction
from django.db.models import Q
from psycopg.errors import QueryCanceled

from config.filters.fragments import Bound
from config.kernel.errors import DomainError
from config.project.models import Project
from customers import watching
from customers.models import ChangedCustomer, Customer
from segments.compiled import Conditions
from segments.models import Membership, Segment, SegmentDay
from segments.querysets import SegmentQuerySet
from segments.services import differences, growth, reports, watches
from segments.services.differences import Difference, Within

log = logging.getLogger("tessera.segments")

LOCK: Final = 7_307_002
"""First half of the advisory lock of a project's refresh."""
BATCH: Final = 2_000
"""Changed customers taken at once."""
STRETCH: Final = 50_000
"""Customers of one step of a first pass; a later pass, which compares and reports, takes a fifth of it."""
STATEMENT_LIMIT: Final = "60s"
WATCHED: Final = 0
"""`pass_after` of a segment whose watch is being committed."""
COMPARED: Final = ("public_id", "name", "type", "definition", "fields_read", "pass_to", "filled_at")
"""What of a segment a batch needs."""
AT_ONCE: Final = 1
"""`pass_after` of a pass that has nobody to wait for: every transaction is younger."""


def step(at: datetime) -> bool:
    """Do a little of what waits, in every project that nobody else is at; False: nothing was to do."""
    worked = False
    if not _is_any():
        return False
    for project_id in _projects(ChangedCustomer._meta.db_table, "TRUE"):
        worked |= _alone(project_id, digest, at)
    for project_id in _projects(Segment._meta.db_table, "type = 'auto-update' AND pass_to IS NOT NULL"):
        worked |= _alone(project_id, go_on, at)
    return worked


def digest(project: Project, at: datetime) -> bool:
    """Compare one batch of changed customers; False: there is none. Call it under the project's lock."""
    changed = _take(project)
    if not changed:
        return False
    keys = {key for _, row_keys in changed for key in row_keys}
    ids = sorted({customer for customer, _ in changed})
    rows = Segment.objects.of(project).auto_update().filter(Q(filled_at__isnull=False) | Q(pass_to__gt=0))
    affected = [
        row
        for row in rows.only(*COMPARED).order_by("pk")
        if ChangedCustomer.EVERYTHING in keys or not keys.isdisjoint(watches.keys_of(row))
    ]
    filled = [row for row in affected if not row.is_counting]
    _compare(project, filled, Within(ids), at)
    for row in affected:
        if row.is_counting and row.pass_to:
            _compare(project, [row], Within([pk for pk in ids if pk <= row.pass_to]), at)
    return True


def begin_passes(*, relative_only: bool) -> int:
    """Let every filled auto-update segment, or those relative to now, be gone through again; returns how many."""
    rows = Segment.objects.auto_update().filter(filled_at__isnull=False, pass_to=None)
    if relative_only:
        rows = rows.filter(relative_to_now=True)
    return rows.update(pass_to=0, pass_after=AT_ONCE)


def go_on(project: Project, at: datetime) -> bool:
    """Do one stretch of a pass; False: none is under way, or it has to wait. Call it under the project's lock."""
    passing = Segment.objects.of(project).auto_update().filter(pass_to__isnull=False)
    fresh, watched = passing.filter(pass_after=None), passing.filter(pass_after=WATCHED)
    if fresh.exists():
        watches.renew(project)
        fresh.update(pass_after=WATCHED)
        return True
    if watched.exists():  # the watch is committed: whoever begins from here on sees it
        watched.update(pass_after=watching.horizon())
        return True
    ready = [row for row in passing.order_by("-pass_to", "pk") if watching.is_past(row.pass_after or 0)]
    if not ready:
        return False
    first = ready[0]
    if first.is_counting:
        _fill(project, first, at)
    else:
        together = [row for row in ready if row.pass_to == first.pass_to and not row.is_counting]
        _sweep(project, together[: differences.AT_ONCE], at)
    return True


def _fill(project: Project, segment: Segment, at: datetime) -> None:
    low = segment.pass_to or 0
    if low == 0:  # a segment that it names may have changed before the end of the first pass
        Membership.objects.filter(segment=segment).delete()
        SegmentDay.objects.filter(segment=segment).delete()
    high, is_last = _stretch(project, low, STRETCH)
    condition = Conditions(project, at).of(segment)
    within = Within(None, low, high)
    count = differences.fill(project=project, segment=segment, condition=condition, within=within, at=at)
    growth.add(project=project, counted={segment.pk: (count, 0, 0)}, at=at)
    ended = {"pass_to": None, "filled_at": at} if is_last else {"pass_to": high}
    _unchanged([segment], low).update(**ended)


def _sweep(project: Project, segments: Sequence[Segment], at: datetime) -> None:
    low = segments[0].pass_to or 0
    high, is_last = _stretch(project, low, STRETCH // 5)
    _compare(project, segments, Within(None, low, high), at)
    _unchanged(segments, low).update(pass_to=None if is_last else high)


def _unchanged(segments: Iterable[Segment], low: int) -> SegmentQuerySet:
    """Those whose pass was not begun anew meanwhile."""
    return Segment.objects.filter(pk__in=[row.pk for row in segments], pass_to=low, pass_after__isnull=False)


def _compare(project: Project, segments: Sequence[Segment], within: Within, at: datetime) -> None:
    """Write the differences, their events and the day's numbers; a filter that cannot be answered is left out."""
    made = Conditions(project, at)
    compiled: list[tuple[Segment, Bound]] = []
    for segment in segments:
        try:
            compiled.append((segment, made.of(segment)))
        except DomainError:
            log.exception("segment cannot be refreshed", extra={"segment": segment.public_id})
    found: list[Difference] = []
    for start in range(0, len(compiled), differences.AT_ONCE):
        found += _write(project, compiled[start : start + differences.AT_ONCE], within, at)
    if found:
        by_id = {segment.pk: segment for segment in segments}
        reports.report(project=project, segments=by_id, found=found, at=at)
        growth.add(project=project, counted=_counted(found), at=at)


def _write(
    project: Project, compiled: Sequence[tuple[Segment, Bound]], within: Within, at: datetime
) -> Iterable[Difference]:
    """The differences of these segments; where a statement fails, halves of them, until the one at fault is alone."""
    if not compiled:
        return []
    segments, conditions = [row for row, _ in compiled], [bound for _, bound in compiled]
    try:
        with transaction.atomic():
            return differences.write(project=project, segments=segments, conditions=conditions, within=within, at=at)
    except (DataError, OperationalError) as error:
        if isinstance(error, OperationalError) and not isinstance(error.__cause__, QueryCanceled):
            raise
        if len(compiled) == 1:
            log.exception("segment cannot be refreshed", extra={"segment": segments[0].public_id})
            return []
    half = len(compiled) // 2
    return [*_write(project, compiled[:half], within, at), *_write(project, compiled[half:], within, at)]


def _counted(found: Iterable[Difference]) -> dict[int, tuple[int, int, int]]:
    entered = Counter(row.segment for row in found if row.entered)
    left = Counter(row.segment for row in found if not row.entered)
    return {segment: (0, entered[segment], left[segment]) for segment in entered.keys() | left.keys()}


def _take(project: Project) -> list[tuple[int, list[str]]]:
    """Changed customers, out of the queue as soon as this transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM customers_changedcustomer WHERE id IN (
                SELECT id FROM customers_changedcustomer WHERE project_id = %s ORDER BY id LIMIT %s
                FOR UPDATE SKIP LOCKED
            ) RETURNING customer_id, keys
            """,
            [project.pk, BATCH],
        )
        return list(cursor.fetchall())


def _stretch(project: Project, low: int, size: int) -> tuple[int, bool]:
    """Up to which row id the next stretch goes, and whether it is the last one."""
    rows = Customer.objects.of(project).filter(pk__gt=low).order_by("pk").values_list("pk", flat=True)
    last = rows[size - 1 : size].first()
    return (2**62, True) if last is None else (last, False)


def _is_any() -> bool:
    """Asked ten times a second by every worker."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM customers_changedcustomer) OR EXISTS (SELECT 1 FROM segments_segment"
            " WHERE type = 'auto-update' AND pass_to IS NOT NULL)"
        )
        return bool(cursor.fetchone()[0])


def _projects(table: str, condition: str) -> list[int]:
    """Which projects have such rows; hops from project to project along the index, however many rows there are."""
    least = f"SELECT min(project_id) FROM {table} WHERE {condition}"  # noqa: S608  names of our own
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE found AS (SELECT ({least}) AS id UNION ALL"  # noqa: S608
            f" SELECT ({least} AND project_id > found.id) FROM found WHERE found.id IS NOT NULL)"
            " SELECT id FROM found WHERE id IS NOT NULL"
        )
        return [project_id for (project_id,) in cursor.fetchall()]


def _alone(project_id: int, work: Callable[[Project, datetime], bool], at: datetime) -> bool:
    """Do the work in one transaction, unless another worker is at this project."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, project_id])
            if not cursor.fetchone()[0]:
                return False
            # the statement of a batch is prepared; planning it anew for each batch's ids costs more than running it
            cursor.execute(
                f"SET LOCAL statement_timeout = '{STATEMENT_LIMIT}'; SET LOCAL plan_cache_mode = force_generic_plan"
            )
        project = Project.objects.filter(pk=project_id).first()
        if project is None:
            ChangedCustomer.objects.filter(project_id=project_id).delete()
            return False
        return work(project, at)
