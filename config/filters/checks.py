"""What an operator asks of one field, once its values and the present are known.

An operator's row makes a check, a field's source answers it in SQL. There are few kinds of check, so that a new
operator is a row of arithmetic, and a new field only says where its value lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Known:
    """There is a value: not missing, not null, no empty list. For counters: something was ever counted."""


@dataclass(frozen=True, slots=True)
class Never:
    """No value passes."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equals one of the values."""

    values: tuple[str | bool | Decimal, ...]


@dataclass(frozen=True, slots=True)
class TextLike:
    """Contains, starts with or ends with one of the texts, which are plain text."""

    how: Literal["contains", "starts", "ends"]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two bounds; None is open, `*_included` says whether the bound itself passes."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_included: bool = False
    high_included: bool = False

    def holds(self, number: Decimal) -> bool:
        """Whether a number passes."""
        if self.low is not None and (number < self.low or (number == self.low and not self.low_included)):
            return False
        return self.high is None or number < self.high or (number == self.high and self.high_included)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, said twice: for pure dates as days `first` to `last`, for instants as `start` ≤ x < `end`.

    None is open.
    """

    first: date | None = None
    last: date | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class When:
    """Lies in one of the windows."""

    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Falls on one of these days of whatever year, each as month · 100 + day, in the project's time zone."""

    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class EachFound:
    """Each of the checks is passed by some element; a single value is a list of one."""

    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """Has a number of elements within the range; a single value is a list of one, nothing at all never passes."""

    count: Range


@dataclass(frozen=True, slots=True)
class InSegments:
    """Is a member of one of the segments."""

    ids: tuple[str, ...]


Check = Known | Never | OneOf | TextLike | Range | When | MonthDays | EachFound | Elements | InSegments


def holds_for_zero(check: Check) -> bool:
    """Whether a counter that never counted anything passes: it compares as 0 and has no value."""
    match check:
        case OneOf(values):
            return Decimal(0) in [value for value in values if isinstance(value, Decimal)]
        case Range():
            return check.holds(Decimal(0))
        case EachFound(checks):
            return all(holds_for_zero(part) for part in checks)
        case _:
            return False
