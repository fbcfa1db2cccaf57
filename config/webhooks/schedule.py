"""Pure: when a delivery that failed is tried again. Source: webhooks and events, section 3."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

RETRIES: Final = (*(timedelta(minutes=2**n) for n in range(11)), timedelta(hours=24))
"""1, 2, 4, … minutes to 17 h 4 min, and 24 h: twelve after the first attempt."""

JITTER: Final = 0.1


def next_wait(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after that many attempts, up to a tenth more or less; None: enough.

    chance: 0 to 1. next_wait(1, 0.5) == 1 minute; next_wait(12, 0.5) == 24 hours; next_wait(13, 0.5) is None
    """
    if attempts > len(RETRIES):
        return None
    return RETRIES[attempts - 1] * (1 + JITTER * (2 * chance - 1))
