"""Work that a worker looks for all the time, many times a second, because it comes too often to be a job each.

    loops.register(Loop("segments.refresh", step))

A step does a little, in transactions of its own, and says whether there was anything to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Loop:
    """pause: seconds to wait after a step that found nothing."""

    name: str
    step: Callable[[], bool]
    pause: float = 0.1


LOOPS: Final[dict[str, Loop]] = {}


def register(loop: Loop) -> None:
    """Let every worker run it."""
    LOOPS[loop.name] = loop
