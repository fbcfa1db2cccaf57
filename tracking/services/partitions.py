"""The monthly partitions of the event log.

A month's table is made beside the log and then attached: `CREATE TABLE … PARTITION OF` would wait for every
transaction that has touched the log. Rows of a month without a table of its own go to the DEFAULT partition, which
should stay empty.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

log = logging.getLogger(__name__)

BEFORE: Final = 3
AHEAD: Final = 3
LOCK_KEY: Final = 7_310_221
"""Advisory lock: two processes never make the same month."""


def ensure_partitions(*, at: datetime) -> list[str]:
    """Make the missing tables from BEFORE months before `at` to AHEAD months after it; returns the names of new ones.

    A month of which the DEFAULT partition already holds rows cannot be attached: it is left out and logged as an error.
    """
    wanted = {f"tracking_event_{start:%Y_%m}": (start, end) for start, end in months(at)}
    made: list[str] = []
    with transaction.atomic(), connection.cursor() as cursor:
        missing = wanted.keys() - _attached(cursor)
        if not missing:
            return made
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        for name in sorted(missing - _attached(cursor)):
            start, end = wanted[name]
            if _default_holds(cursor, start, end):
                log.error("events of %s lie in the default partition; %s was not attached", f"{start:%Y-%m}", name)
                continue
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name} (LIKE tracking_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
            )
            cursor.execute(
                f"ALTER TABLE tracking_event ATTACH PARTITION {name}"
                f" FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
            )
            made.append(name)
    return made


def rows_in_default() -> bool:
    """Whether the DEFAULT partition holds anything: then a month was missing when it was needed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM tracking_event_default)")
        return bool(cursor.fetchone()[0])


def months(at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """First instant of each month around `at` (UTC) and of the month after it."""
    at = at.astimezone(UTC)
    first = at.year * 12 + at.month - 1
    for number in range(first - BEFORE, first + AHEAD + 1):
        yield _month(number), _month(number + 1)


def _month(number: int) -> datetime:
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _attached(cursor: CursorWrapper) -> set[str]:
    cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'tracking_event'::regclass")
    return {name for (name,) in cursor.fetchall()}


def _default_holds(cursor: CursorWrapper, start: datetime, end: datetime) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM tracking_event_default WHERE created_at >= %s AND created_at < %s)", [start, end]
    )
    return bool(cursor.fetchone()[0])
