"""The next times at which something may be redeemed, for people who plan a campaign. Pure.

Every limit changes only at known instants; between two neighbours of them the engine itself says whether it is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from vouchers.engine import validity
from vouchers.engine.terms import Validity

DAYS: Final = 62
"""How far ahead recurring limits are followed."""
MOST: Final = 2_000

Window = tuple[datetime, datetime | None]
"""From, and until; None: without end, or further than one looks."""


def upcoming(terms: Validity, at: datetime, zone: ZoneInfo, *, count: int = 3) -> list[Window]:
    """The next windows, the running one first. A window ends where the engine begins to refuse."""
    first = max(at, terms.start_date) if terms.start_date else at
    last = terms.expiration_date
    if last is not None and last < first:
        return []
    if terms.timeframe is None and terms.day_of_week is None and terms.hours is None:
        return [(first, last)]
    horizon = first + timedelta(days=DAYS)
    end = min(horizon, last) if last is not None else horizon
    marks = sorted({first, end, *(mark for mark in _marks(terms, first, end, zone) if first < mark < end)})
    found: list[Window] = []
    for begin, close in pairwise(marks[:MOST]):
        if validity.outside(terms, begin + (close - begin) / 2, zone) is not None:
            continue
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], close)
        elif len(found) == count:
            break
        else:
            found.append((begin, close))
    return [(begin, None if close == horizon else close) for begin, close in found]


def _marks(terms: Validity, first: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Every instant at which a recurring limit may open or close."""
    clocks = {time.min} if terms.day_of_week is not None else set()
    if terms.hours is not None:
        for opening in validity.parse_hours(terms.hours):
            clocks |= {time.min, opening.start, opening.end}
    day = first.astimezone(zone).date()
    while clocks and day <= end.astimezone(zone).date():
        yield from (datetime.combine(day, clock, tzinfo=zone) for clock in clocks)
        day += timedelta(days=1)
    if terms.timeframe is not None and terms.start_date is not None:
        yield from _occurrences(terms, terms.start_date, first, end, zone)


def _occurrences(
    terms: Validity, start: datetime, first: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[datetime]:
    duration, interval = validity.parse_timeframe(terms.timeframe)
    count = max(0, (first - start) // interval.exact - 1) if not interval.months and interval.exact else 0
    for number in range(count, count + MOST):
        begin = _moved(start, interval, number, zone)
        if begin > end:
            return
        yield begin
        yield _moved(begin, duration, 1, zone)


def _moved(at: datetime, by: validity.Duration, count: int, zone: ZoneInfo) -> datetime:
    """`at` after `count` durations; months on the calendar of the zone, the 31st becoming the month's last day."""
    moved = at
    if by.months:
        local = at.astimezone(zone)
        month = local.month - 1 + by.months * count
        year, month = min(9998, local.year + month // 12), month % 12 + 1
        following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        moved = local.replace(year=year, month=month, day=min(local.day, (following - timedelta(days=1)).day))
    try:
        return moved + by.exact * count
    except OverflowError:
        return datetime.max.replace(tzinfo=zone)
