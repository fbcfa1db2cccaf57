"""Events that nobody waits for, and what is counted of them: gathered, and written many at once by a thread.

A visitor who became a customer meanwhile has them as one. A crash loses what was not written yet, a twentieth of a
second at most. Where the database is away they wait for it, up to MOST of them. Without GATHER_EVENTS, which only web
processes have, an event is written at once.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from tracking.models.tallies import QUARTER

log = logging.getLogger("tessera.events")

PAUSE: Final = 0.05
AT_ONCE: Final = 500
MOST: Final = 20_000
PATIENCE: Final = 1.0
"""Seconds between two tries where the database is away."""

Row = tuple[Any, ...]
"""project, public id, type ("" where there is no event), customer, token, data and source as JSON, group, instant as
ISO 8601, tallies ([campaign, whether valid]), campaign and its type."""

_INSERT: Final = f"""
WITH given AS MATERIALIZED (
    SELECT e FROM jsonb_array_elements(%s::jsonb) AS e @UNHURRIED
), tallied AS (
    INSERT INTO tracking_validationtally (project_id, campaign_id, quarter, succeeded, failed)
    SELECT (e->>0)::bigint, (t->>0)::bigint, date_bin('{QUARTER.seconds} s', (e->>8)::timestamptz, 'epoch'),
        count(*) FILTER (WHERE (t->>1)::boolean), count(*) FILTER (WHERE NOT (t->>1)::boolean)
    FROM given CROSS JOIN jsonb_array_elements(e->9) AS t GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (project_id, campaign_id, quarter) DO UPDATE SET
        succeeded = tracking_validationtally.succeeded + EXCLUDED.succeeded,
        failed = tracking_validationtally.failed + EXCLUDED.failed
)
INSERT INTO tracking_event (project_id, public_id, type, customer_id, token, data, source, group_id, created_at,
    name, category, campaign_id, campaign_type)
SELECT (e->>0)::bigint, e->>1, e->>2, coalesce((e->>3)::bigint, c.id), CASE WHEN c.id IS NULL THEN e->>4 ELSE '' END,
    (e->>5)::jsonb, (e->>6)::jsonb, e->>7, (e->>8)::timestamptz, '', 'ACTION', (e->>10)::bigint, coalesce(e->>11, '')
FROM given LEFT JOIN tracking_trackingidentity i ON e->>3 IS NULL AND i.project_id = (e->>0)::bigint AND i.token = e->>4
    LEFT JOIN customers_customer c ON c.id = i.customer_id AND c.deleted_at IS NULL
WHERE e->>2 <> ''
"""  # noqa: S608  our own text
_HURRIED: Final = _INSERT.replace("@UNHURRIED", "")
_UNHURRIED: Final = _INSERT.replace("@UNHURRIED", "WHERE set_config('synchronous_commit', 'off', true) = 'off'")
"""The setting is local to the statement's own transaction, which reads it when it commits."""

_waiting: deque[Row] = deque()
_wake = threading.Event()
_stop = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def add(row: Row) -> None:
    """Write the row soon; at once where there is no thread for it, or too many wait already."""
    if not settings.GATHER_EVENTS or len(_waiting) >= MOST or connection.in_atomic_block:
        write([row])
        return
    _waiting.append(row)
    if _thread is None:
        _start()
    _wake.set()


def flush() -> None:
    """Write all that waits, now."""
    while rows := _taken():
        write(rows)


def write(rows: Sequence[Row]) -> None:
    """One statement for all; in somebody's transaction as durable as that."""
    with connection.cursor() as cursor:
        cursor.execute(_HURRIED if connection.in_atomic_block else _UNHURRIED, [orjson.dumps(rows).decode()])


def _taken() -> list[Row]:
    return [_waiting.popleft() for _ in range(min(len(_waiting), AT_ONCE))]


def _start() -> None:
    global _thread
    with _lock:
        if _thread is None:
            _thread = threading.Thread(target=_run, name="unhurried-events", daemon=True)
            _thread.start()
            atexit.register(_finish)


def _run() -> None:
    while not _stop.is_set():
        _wake.wait()
        _wake.clear()
        _stop.wait(PAUSE)
        _drain()


def _drain() -> None:
    """Write what waits; what the database does not take goes back to the front."""
    while rows := _taken():
        try:
            write(rows)
        except DatabaseError:
            log.warning("events wait for the database")
            _waiting.extendleft(reversed(rows))
            _wake.set()
            _stop.wait(PATIENCE)
            break
    close_old_connections()


def _finish() -> None:
    """The process ends in good order: nothing is left behind, if the database is there."""
    _stop.set()
    _wake.set()
    if _thread is not None:
        _thread.join(timeout=2)
    _drain()
