"""Events that nobody waits for: gathered in the process, and written many at once by a thread of their own.

A crash loses what was not written yet, a twentieth of a second at most. Where the database is away they wait for it,
up to MOST of them. Without GATHER_EVENTS, which only web processes have, an event is written at once.
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

log = logging.getLogger("tessera.events")

PAUSE: Final = 0.05
AT_ONCE: Final = 500
MOST: Final = 20_000
PATIENCE: Final = 1.0
"""Seconds between two tries where the database is away."""

Row = tuple[Any, ...]
"""project, public id, type, customer, token, data and source as JSON, group, instant as ISO 8601."""

_INSERT: Final = """
INSERT INTO tracking_event (project_id, public_id, type, customer_id, token, data, source, group_id, created_at,
    name, category, campaign_type)
SELECT (e->>0)::bigint, e->>1, e->>2, (e->>3)::bigint, e->>4, (e->>5)::jsonb, (e->>6)::jsonb, e->>7,
    (e->>8)::timestamptz, '', 'ACTION', ''
FROM jsonb_array_elements(%s::jsonb) AS e
WHERE set_config('synchronous_commit', 'off', true) = 'off'
"""
"""The setting is local to the statement's own transaction, which reads it when it commits."""

_waiting: deque[Row] = deque()
_wake = threading.Event()
_stop = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def add(row: Row) -> None:
    """Write the row soon; at once where there is no thread for it, or too many wait already."""
    if not settings.GATHER_EVENTS or len(_waiting) >= MOST:
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
    """One statement for all."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [orjson.dumps(rows).decode()])


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
