"""Statements that are asked again and again, prepared in the connection where no pooler stands before the database.

Parsing and planning a statement of a hundred conditions takes several times what running it does. Behind a transaction
pooler there is no session to keep a prepared statement in: there it goes as every other statement of Django's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from django.db import connection

AFTER: Final = 2
"""Uses of a statement before it is prepared: one that is asked once is not worth the round trip."""


def fetch(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement; its text is what it is known by, so whatever varies has to be a parameter."""
    with _cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def is_direct() -> bool:
    """Whether a session outlives a transaction."""
    return not connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]


def _cursor() -> Any:
    """Django's own cursors bind on the client, and so never prepare; this one is wrapped as they are."""
    if not is_direct():
        return connection.cursor()
    connection.ensure_connection()
    raw: Any = connection.connection
    with connection.wrap_database_errors:
        raw.prepare_threshold = AFTER
        cursor = psycopg.Cursor(raw)
    wrapper: Any = connection
    return wrapper._prepare_cursor(cursor)
