"""Statements that are asked again and again, prepared in the connection where no pooler stands before the database.

Parsing and planning a statement of a hundred conditions takes several times what running it does. Behind a transaction
pooler there is no session to keep a prepared statement in: there it goes as every other statement of Django's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

import psycopg
from django.db import connection

AFTER: Final = 2
"""Uses of a statement before it is prepared: one that is asked once is not worth the round trip."""
Params = Sequence[Any] | Mapping[str, Any]


def fetch(sql: str, params: Params) -> list[tuple[Any, ...]]:
    """The rows of a statement; its text is what it is known by, so whatever varies has to be a parameter."""
    return _fetch(psycopg.Cursor, sql, params)


def fetch_numbered(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """As `fetch`, of a statement whose places are `$1, $2, …`: nothing is searched in a long text. See `is_direct`."""
    return _fetch(psycopg.RawCursor, sql, params)


def text_array(values: Iterable[str]) -> str:
    """A `text[]` as one parameter (`%s::text[]`): psycopg takes its time for lists."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def is_direct() -> bool:
    """Whether a session outlives a transaction."""
    return not connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]


def _fetch(kind: Callable[[Any], Any], sql: str, params: Params) -> list[tuple[Any, ...]]:
    """Django's own cursors bind on the client, and so never prepare. Whoever watches statements sees these too."""
    if not is_direct():
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())
    connection.ensure_connection()
    raw, wrapper = cast(Any, connection.connection), cast(Any, connection)
    if connection.queries_logged or connection.execute_wrappers:
        with connection.wrap_database_errors:
            cursor = kind(raw)
        with wrapper._prepare_cursor(cursor) as watched:
            watched.execute(sql, params)
            return list(watched.fetchall())
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        if raw.prepare_threshold != AFTER:
            raw.prepare_threshold = AFTER
        cursor = kind(raw)
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
