"""Transactions that are run again when the database asks for it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import DatabaseError, connection, transaction

Result = TypeVar("Result")

AGAIN: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the transaction was undone whole and may be run again."""
LOCKED: Final = "55P03"
ATTEMPTS: Final = 4


def run(work: Callable[[], Result], *, lost: Callable[[], Result | None] | None = None) -> Result:
    """Run `work` in one transaction, up to three times more after a deadlock.

    Never after COMMIT was sent: a lost answer to it is not a failure. lost: asked then, on a new connection, what
    became of it; None where nobody can tell, which raises what happened. Inside another transaction only that one's
    owner may run it again, or ask.
    """
    for attempt in range(ATTEMPTS):
        outermost, committing = not connection.in_atomic_block, False
        try:
            with transaction.atomic():
                result = work()
                committing = True
            return result
        except DatabaseError as error:
            if committing and outermost and lost is not None and sqlstate(error)[:2] in ("", "08", "57"):
                return _found(lost, error)
            if committing or not outermost or sqlstate(error) not in AGAIN or attempt == ATTEMPTS - 1:
                raise
        time.sleep(random.uniform(0.010, 0.050))  # noqa: S311  outside the transaction; spreads those who collided
    raise AssertionError("unreachable")


def _found(lost: Callable[[], Result | None], error: DatabaseError) -> Result:
    connection.close()
    found = lost()
    if found is None:
        raise error
    return found


def sqlstate(error: BaseException) -> str:
    """The five characters of the database's complaint, empty where it made none."""
    return getattr(error.__cause__, "sqlstate", None) or ""
