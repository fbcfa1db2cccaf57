"""Statements that are asked again and again, prepared in the connection where no pooler stands before the database.

Parsing and planning a statement of a hundred conditions takes several times what running it does. Behind a transaction
pooler there is no session to keep a prepared statement in: there it goes as every other statement of Django's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

AFTER: Final = 2
"""Uses of a statement before it is prepared: one that is asked once is not worth the round trip."""
_PLACE: Final = re.compile(r"%\((\w+)\)s")
Params = Sequence[Any] | Mapping[str, Any]


def fetch(sql: str, params: Params) -> list[tuple[Any, ...]]:
    """The rows of a statement; its text is what it is known by, so whatever varies has to be a parameter."""
    return _fetch(psycopg.Cursor, sql, params)


def fetch_numbered(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """As `fetch`, of a statement whose places are `$1, $2, …`: nothing is searched in a long text. See `is_direct`."""
    return _fetch(psycopg.RawCursor, sql, params)


def fetch_named(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """As `fetch`, of a long statement with places `%(name)s`: they are searched for once."""
    if not is_direct():
        return fetch(sql, params)
    text, names = _numbered(sql)
    return fetch_numbered(text, [params[name] for name in names])


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement with `$1, $2, …`, and the names of what belongs there."""
    names = tuple(dict.fromkeys(_PLACE.findall(sql)))
    return _PLACE.sub(lambda found: f"${names.index(found[1]) + 1}", sql), names


def text_array(values: Iterable[str]) -> str:
    """A `text[]` as one parameter (`%s::text[]`): psycopg takes its time for lists."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def is_direct() -> bool:
    """Whether a session outlives a transaction."""
    return _is_direct(connections[DEFAULT_DB_ALIAS])


def _is_direct(wrapper: Any) -> bool:
    return not wrapper.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]


def _fetch(kind: Callable[[Any], Any], sql: str, params: Params) -> list[tuple[Any, ...]]:
    """Django's own cursors bind on the client, and so never prepare. Whoever watches statements sees these too.

    The thread's connection is looked up once: through `django.db.connection` it would be for each attribute.
    """
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    if not _is_direct(wrapper):
        with wrapper.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())
    wrapper.ensure_connection()
    raw = wrapper.connection
    if wrapper.queries_logged or wrapper.execute_wrappers:
        with wrapper.wrap_database_errors:
            cursor = kind(raw)
        with wrapper._prepare_cursor(cursor) as watched:
            watched.execute(sql, params)
            return list(watched.fetchall())
    wrapper.validate_no_broken_transaction()
    with wrapper.wrap_database_errors:
        if raw.prepare_threshold != AFTER:
            raw.prepare_threshold = AFTER
        cursor = kind(raw)
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
