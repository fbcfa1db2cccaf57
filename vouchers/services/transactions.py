"""Transactions of redemptions, and what a lock that cannot be had means to who asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from config.kernel.errors import MultipleRequests
from config.project.transactions import AGAIN, LOCKED, run, sqlstate

__all__ = ["AGAIN", "one_at_a_time", "run", "sqlstate"]


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Turn a lock that cannot be had into the wire's refusal: another request works on the same thing."""
    try:
        yield
    except OperationalError as error:
        if sqlstate(error) == LOCKED:
            raise MultipleRequests("Another request is working on the same redeemable or order") from error
        raise
