"""Real threads on real connections, let go at the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections


def at_once(number: int, work: Callable[[int], str], *, connections_at_most: int = 12) -> Counter[str]:
    """Run `work(index)` in `number` threads that start together; returns how often each outcome came.

    An exception counts under its class's name. connections_at_most: as a server's pool does it, a thread waits for its
    turn at the database, so that the number of threads is not the number of connections.
    """
    start, turns = threading.Barrier(number), threading.Semaphore(connections_at_most)

    def run(index: int) -> str:
        start.wait(timeout=60)
        with turns:
            try:
                return work(index)
            except Exception as error:  # noqa: BLE001  what went wrong is the outcome
                return f"{type(error).__name__}: {error}"
            finally:
                connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return Counter(pool.map(run, range(number)))
