"""Money is integer minor units; every rounding there is happens here, half up, on exact numbers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

GREATEST: Final = 2**53 - 1
"""The largest amount on the wire: what a JavaScript client still counts exactly."""

_HALF: Final = Fraction(1, 2)


def percent_of(amount: int, percent: Decimal) -> int:
    """Return `percent` of `amount`, rounded half up, once, to a whole minor unit.

    amount: minor units. percent: 0 to 100, never a float. percent_of(1999, Decimal("12.5")) == 250
    """
    return rounded(amount * Fraction(percent) / 100)


def rounded(exact: Fraction) -> int:
    """Return the whole minor unit nearest to `exact`, a tie upwards. rounded(Fraction(999, 2)) == 500"""
    return (exact + _HALF).__floor__()


def average(total: int, count: int) -> int:
    """Return total / count, rounded half up; 0 where nothing was counted."""
    return rounded(Fraction(total, count)) if count else 0


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` by `weights` so that the parts add up to it exactly.

    Largest remainder; of equal remainders the earlier part gets the unit. split(300, [3300, 3400]) == [148, 152]
    weights: not negative. Where they are all 0 nothing can be shared and every part is 0.
    """
    whole = sum(weights)
    if whole <= 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def share_of(amount: int, numerator: int, denominator: int) -> int:
    """Return amount × numerator / denominator, rounded half up, without a fraction on the way: for many lines.

    Not negative. share_of(105, 10, 100) == 11
    """
    return (2 * amount * numerator + denominator) // (2 * denominator)
