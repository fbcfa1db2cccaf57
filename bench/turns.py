"""Two ways to the same answer, turn by turn on one connection."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from bench.table import Line

TURNS = 7


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def beside(ours: Callable[[], object], theirs: Callable[[], object], turns: int = TURNS) -> tuple[float, float]:
    """The medians of both, taking turns, after one of each that does not count."""
    ours(), theirs()
    pairs = [(milliseconds(ours), milliseconds(theirs)) for _ in range(turns)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def run(statement: str, *params: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall() if cursor.description else []


def line(goal: str, what: str, ours: float, theirs: float, must: str) -> Line:
    return Line(goal, what, f"{ours:,.2f} ms", f"{theirs:,.2f} ms", f"{ours / theirs:.2f}×", must)
