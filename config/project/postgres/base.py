"""The backend: Django's own but for how its pool lends connections."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Any, ClassVar, Final

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool

TRUSTED_SECONDS: Final = 1.0
"""A connection lent this recently is lent again unasked: were it broken, its last use would have found out."""


class _LastInFirstOut(deque[Any]):
    """What the pool appends, it takes next."""

    def append(self, item: Any) -> None:
        self.appendleft(item)


class WarmPool(ConnectionPool[Connection[Any]]):
    """Lends the connection that came back last, whose plans and caches are warm; an idle one is asked for life first.

    With the library's own order every session of the server is used in turn, and half of them never get warm.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pool = _LastInFirstOut(self._pool)


def check(connection: Connection[Any]) -> None:
    """Raise where an idle connection does not answer."""
    now, lent = monotonic(), connection.__dict__.get("lent_at", 0.0)
    if now - lent > TRUSTED_SECONDS:
        ConnectionPool.check_connection(connection)
    connection.__dict__["lent_at"] = now


class DatabaseWrapper(base.DatabaseWrapper):
    """Overrides the making of the pool, which Django offers no setting for."""

    _connection_pools: ClassVar[dict[str, WarmPool]] = {}

    @property
    def pool(self) -> WarmPool | None:
        """The pool of this process; opened with the first connection."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            made = WarmPool(
                kwargs=self.get_connection_params() | {"autocommit": True},
                open=False,
                configure=self._configure_connection,  # type: ignore[attr-defined]  # not in Django's stubs
                check=check if self.settings_dict["CONN_HEALTH_CHECKS"] else None,
                **options,
            )
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]
