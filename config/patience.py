"""Connections that do not wait for ever.

A server that is gone is noticed by TCP, one that thinks too long by its own `statement_timeout`. One that takes what it
is sent and never says anything (stopped, its disk hanging, a proxy in between that lost it) is noticed by neither.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import psycopg
from psycopg import errors

CHECK: Final = 1.0
"""Seconds for the empty statement with which the pool looks whether a connection still works."""
GRACE: Final = 0.5
"""Seconds beyond the server's own limit."""


class Patient(psycopg.Connection[Any]):
    """Gives up on an answer that takes longer than `patience` seconds (None: never), and is closed then."""

    patience: float | None = None

    def wait(
        self, gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None
    ) -> Any:  # what psycopg waits with, whatever it waits for
        """As the base's; a caller who names a timeout gets it and its error."""
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except errors._WaitTimeout as error:
            self.close()
            raise psycopg.OperationalError("the server did not answer in time") from error

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        """As the base's; the pool's look does not wait as long as a statement may take."""
        if query != "" or self.patience is None:
            return super().execute(query, *args, **kwargs)
        own, self.patience = self.patience, CHECK
        try:
            return super().execute(query, *args, **kwargs)
        finally:
            self.patience = own


def patient(statement_timeout_ms: int) -> type[Patient]:
    """The class for a pool whose statements the server ends after so many milliseconds; 0: it never does."""
    seconds = statement_timeout_ms / 1000 + GRACE if statement_timeout_ms else None
    return type("PatientConnection", (Patient,), {"patience": seconds})
