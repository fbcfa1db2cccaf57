"""Dates, timeframes, weekdays and hours, in the project's zone.

Bounds: the first instant of a start counts, the last instant of an expiration date too; a recurring window ends before
its end. Weekdays are 0 (Sunday) to 6. Source: vouchers, validity.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from vouchers.engine.terms import Validity

_DURATION: Final = re.compile(
    r"P(?=[0-9T])(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=[0-9])(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?"
)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration: calendar months, and exact time beside them."""

    months: int
    exact: timedelta


def parse_duration(text: Any) -> Duration:
    """Return the duration of `PT1H`, `P1D`, `P1M`. Raises ValueError, also for one of no length."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) and text.isascii() else None
    if match is None:
        raise ValueError("should be an ISO 8601 duration")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    duration = Duration(years * 12 + months, timedelta(weeks * _WEEK + days, seconds, 0, 0, minutes, hours))
    if not duration.months and not duration.exact:
        raise ValueError("should be longer than nothing")
    return duration


def after(at: datetime, duration: Duration, zone: ZoneInfo) -> datetime:
    """The moment one duration later; months by the calendar of the zone."""
    return _shifted(at, duration, 1, zone)


def outside(validity: Validity, at: datetime, zone: ZoneInfo) -> str | None:
    """The name of the first recurring limit that `at` lies outside of, None if inside all.

    at: aware. Start and expiration are rules of their own (`rules.started`, `rules.not_expired`).
    """
    if validity.timeframe is not None and not _in_timeframe(validity.timeframe, validity.start_date, at, zone):
        return "validity_timeframe"
    if validity.day_of_week is not None and weekday(at, zone) not in validity.day_of_week:
        return "validity_day_of_week"
    if validity.hours is not None and not _in_hours(validity.hours, at, zone):
        return "validity_hours"
    return None


def weekday(at: datetime, zone: ZoneInfo) -> int:
    """The local weekday, 0 is Sunday."""
    return (at.astimezone(zone).weekday() + 1) % _WEEK


def parse_timeframe(value: Any) -> tuple[Duration, Duration]:
    """Return (duration, interval). Raises ValueError naming what is wrong."""
    if not isinstance(value, Mapping):
        raise ValueError("should be an object")
    parts = []
    for name in ("duration", "interval"):
        try:
            parts.append(parse_duration(value.get(name)))
        except ValueError as error:
            raise ValueError(f"has a '{name}' that {error}") from error
    return parts[0], parts[1]


def parse_days(value: Any) -> tuple[int, ...]:
    """Return the weekdays, sorted. Raises ValueError."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError("should be an array of weekdays 0 to 6")
    if any(isinstance(day, bool) or not isinstance(day, int) or not 0 <= day < _WEEK for day in value):
        raise ValueError("should be an array of weekdays 0 to 6")
    return tuple(sorted(set(value)))


@dataclass(frozen=True, slots=True)
class Opening:
    """One daily window. end ≤ start: it reaches into the next day."""

    start: time
    end: time
    days: tuple[int, ...]


def parse_hours(value: Any) -> list[Opening]:
    """Return the openings of `{"daily": [...]}`. Raises ValueError, also where two overlap."""
    daily = value.get("daily") if isinstance(value, Mapping) else None
    if not isinstance(daily, Sequence) or isinstance(daily, str) or not daily or len(daily) > 100:
        raise ValueError("should have 'daily', an array of windows")
    openings = [_parse_opening(entry) for entry in daily]
    spans = sorted(span for opening in openings for span in _spans(opening))
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ValueError("has windows that overlap")
    return openings


def _parse_opening(entry: Any) -> Opening:
    if not isinstance(entry, Mapping):
        raise ValueError("should have windows that are objects")
    days = entry.get("days_of_week")
    return Opening(
        start=_parse_clock(entry.get("start_time"), "start_time"),
        end=_parse_clock(entry.get("expiration_time"), "expiration_time"),
        days=tuple(range(_WEEK)) if days is None else parse_days(days),
    )


def _parse_clock(value: Any, name: str) -> time:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"has a '{name}' that is not HH:mm")
    return time(int(match[1]), int(match[2]))


def _spans(opening: Opening) -> list[tuple[int, int]]:
    """The opening as minutes of the week, cut at its end."""
    start, end = _minutes(opening.start), _minutes(opening.end)
    length = end - start if end > start else end - start + 24 * 60
    week = _WEEK * 24 * 60
    spans = []
    for day in opening.days:
        begin = day * 24 * 60 + start
        spans.append((begin, min(begin + length, week)))
        if begin + length > week:
            spans.append((0, begin + length - week))
    return spans


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _in_hours(hours: Mapping[str, Any], at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    minute = weekday(at, zone) * 24 * 60 + local.hour * 60 + local.minute
    return any(start <= minute < end for opening in parse_hours(hours) for start, end in _spans(opening))


def _in_timeframe(timeframe: Mapping[str, Any], start: datetime | None, at: datetime, zone: ZoneInfo) -> bool:
    """Active for `duration` at every whole `interval` since the start; never before it."""
    duration, interval = parse_timeframe(timeframe)
    if start is None or at < start:
        return False
    begin = _last_occurrence(start, interval, at, zone)
    return at < _shifted(begin, duration, 1, zone)


def _last_occurrence(start: datetime, interval: Duration, at: datetime, zone: ZoneInfo) -> datetime:
    """The latest start + k × interval that is not after `at`."""
    if not interval.months:
        return start + (at - start) // interval.exact * interval.exact
    local = at.astimezone(zone)
    first = start.astimezone(zone)
    months = (local.year - first.year) * 12 + local.month - first.month
    count = max(0, months // interval.months)
    # The estimate ignores days and the exact part; a few steps correct it.
    while count and _shifted(start, interval, count, zone) > at:
        count -= 1
    return _shifted(start, interval, count, zone)


def _shifted(at: datetime, duration: Duration, count: int, zone: ZoneInfo) -> datetime:
    """`at` moved by `count` durations; months on the calendar of the zone, the 31st becoming the month's last day."""
    moved = at
    if duration.months:
        local = at.astimezone(zone)
        month = local.month - 1 + duration.months * count
        year, month = local.year + month // 12, month % 12 + 1
        if year > 9999:
            return datetime.max.replace(tzinfo=zone)
        day = min(local.day, calendar.monthrange(year, month)[1])
        moved = local.replace(year=year, month=month, day=day).astimezone(at.tzinfo)
    try:
        return moved + duration.exact * count
    except OverflowError:
        return datetime.max.replace(tzinfo=at.tzinfo)
