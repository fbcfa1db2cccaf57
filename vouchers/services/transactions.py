"""Transactions that are run again when the database asks for it, and what its refusals of a lock mean."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from django.db import DatabaseError, OperationalError, connection, transaction

from config.kernel.errors import MultipleRequests

Result = TypeVar("Result")

AGAIN: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the transaction was undone whole and may be run again."""
LOCKED: Final = "55P03"
ATTEMPTS: Final = 4


def run(work: Callable[[], Result]) -> Result:
    """Run `work` in one transaction, up to three times more after a deadlock.

    Never after COMMIT was sent: a lost answer to it is not a failure. Inside another transaction only that one's owner
    may run it again.
    """
    for attempt in range(ATTEMPTS):
        outermost, committing = not connection.in_atomic_block, False
        try:
            with transaction.atomic():
                result = work()
                committing = True
            return result
        except DatabaseError as error:
            if committing or not outermost or sqlstate(error) not in AGAIN or attempt == ATTEMPTS - 1:
                raise
        time.sleep(random.uniform(0.010, 0.050))  # noqa: S311  outside the transaction; spreads those who collided
    raise AssertionError("unreachable")


def sqlstate(error: BaseException) -> str:
    """The five characters of the database's complaint, empty where it made none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Turn a lock that cannot be had into the wire's refusal: another request works on the same thing."""
    try:
        yield
    except OperationalError as error:
        if sqlstate(error) == LOCKED:
            raise MultipleRequests("Another request is working on the same redeemable or order") from error
        raise
