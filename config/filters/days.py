"""Calendar arithmetic around the present: windows of days and instants in a time zone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from config.filters.checks import Window

TICK: Final = timedelta(microseconds=1)
DAYS_OF_A_LEAP_YEAR: Final = 366
ALL_MONTH_DAYS: Final = frozenset(
    day.month * 100 + day.day for day in (date(2000, 1, 1) + timedelta(days=n) for n in range(DAYS_OF_A_LEAP_YEAR))
)
FEBRUARY_29: Final = 229


@dataclass(frozen=True, slots=True)
class Moment:
    """The present and the project's time zone. at: aware."""

    at: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The calendar day in the project's time zone."""
        return self.at.astimezone(self.zone).date()


def day_of(value: date | datetime, zone: ZoneInfo) -> date:
    """The calendar day of a date or of an instant."""
    return value.astimezone(zone).date() if isinstance(value, datetime) else value


def start_of(day: date, zone: ZoneInfo) -> datetime | None:
    """The first instant of a day in a zone, in UTC; None where years 1 to 9999 do not hold it."""
    try:
        return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return None


def shifted(day: date, days: int) -> date | None:
    """A day so many days later, or None outside the years 1 to 9999."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def moved(at: datetime, days: int = 0, *, ticks: int = 0) -> datetime | None:
    """An instant n · 24 h and m microseconds later, or None outside the years 1 to 9999."""
    try:
        return at + timedelta(days=days) + ticks * TICK
    except OverflowError:
        return None


def years_before(day: date, years: int) -> date | None:
    """The same day years ago; 29 February becomes the 28th. None before the year 1."""
    if day.year - years < 1:
        return None
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def span(first: date | None, last: date | None, zone: ZoneInfo) -> tuple[Window, ...]:
    """The window of whole days from first to last; no window at all where one of them cannot exist."""
    if first is None or last is None:
        return ()
    after = shifted(last, 1)
    return (Window(first, last, start_of(first, zone), None if after is None else start_of(after, zone)),)


def week(day: date, weeks: int) -> tuple[date | None, date | None]:
    """Monday and Sunday of the week so many weeks after the day's."""
    offset = weeks * 7 - day.weekday()
    return shifted(day, offset), shifted(day, offset + 6)


def month(day: date, months: int) -> tuple[date | None, date | None]:
    """First and last day of the month so many months after the day's."""
    first = _first_of_month(day, months)
    following = None if first is None else _first_of_month(first, 1)
    if first is None:
        return None, None
    return first, date.max if following is None else following - timedelta(days=1)


def year(day: date, years: int) -> tuple[date | None, date | None]:
    """First and last day of the year so many years after the day's."""
    number = day.year + years
    return (date(number, 1, 1), date(number, 12, 31)) if 1 <= number <= date.max.year else (None, None)


def month_days(first: date | None, last: date | None) -> frozenset[int]:
    """The days of the year, as month · 100 + day, that fall in a span of real days; the 29th of February counts on the
    28th of years without one."""
    if first is None or last is None or last < first:
        return frozenset()
    if (last - first).days >= DAYS_OF_A_LEAP_YEAR:
        return ALL_MONTH_DAYS
    return frozenset(_month_days(first, (last - first).days))


def _month_days(first: date, days: int) -> Iterator[int]:
    for n in range(days + 1):
        day = first + timedelta(days=n)
        yield day.month * 100 + day.day
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            yield FEBRUARY_29


def _first_of_month(day: date, months: int) -> date | None:
    years, index = divmod(day.month - 1 + months, 12)
    number = day.year + years
    return date(number, index + 1, 1) if 1 <= number <= date.max.year else None
