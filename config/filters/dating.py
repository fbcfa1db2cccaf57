"""The checks that operators about time make: before and after, days ago and ahead, calendar words. Pure.

Relative to now, instants move by n · 24 h and pure dates by whole days; calendar words mean days in the project's zone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final, cast

from config.filters import days
from config.filters.ast import Value
from config.filters.checks import Check, MonthDays, Never, When, Window
from config.filters.days import Moment
from config.filters.values import Kind

Values = tuple[Value, ...]
CheckOf = Callable[[Kind, Values, Moment], Check]


def same(value: Value, moment: Moment) -> tuple[Window, ...]:
    """The same day, or for a value with a time the same instant; a number is so many days ago."""
    match value:
        case datetime():
            day = days.day_of(value, moment.zone)
            return (Window(day, day, value, days.moved(value, ticks=1)),)
        case date():
            return days.span(value, value, moment.zone)
        case _:
            past = days.shifted(moment.today, -whole(value))
            return days.span(past, past, moment.zone)


def before(kind: Kind, values: Values, moment: Moment) -> Check:
    return _bounded(values[0], moment, low=False, included=False)


def before_equal(kind: Kind, values: Values, moment: Moment) -> Check:
    return _bounded(values[0], moment, low=False, included=True)


def after(kind: Kind, values: Values, moment: Moment) -> Check:
    return _bounded(values[0], moment, low=True, included=False)


def after_equal(kind: Kind, values: Values, moment: Moment) -> Check:
    return _bounded(values[0], moment, low=True, included=True)


def _bounded(value: Value, moment: Moment, *, low: bool, included: bool) -> Check:
    """On instants a day stands for its midnight in UTC; on pure dates an instant stands for its day."""
    if not isinstance(value, date):
        return Never()
    day = days.day_of(value, moment.zone)
    at = value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time(), tzinfo=UTC)
    if low:
        begin, start = (day, at) if included else (days.shifted(day, 1), days.moved(at, ticks=1))
        return Never() if begin is None or start is None else When((Window(first=begin, start=start),))
    final, end = (day, days.moved(at, ticks=1)) if included else (days.shifted(day, -1), at)
    return Never() if final is None else When((Window(last=final, end=end),))


def more_days_ago(kind: Kind, values: Values, moment: Moment) -> Check:
    day, at = _back(values, moment)
    last = None if day is None else days.shifted(day, -1)
    return Never() if last is None or at is None else When((Window(last=last, end=at),))


def less_days_ago(kind: Kind, values: Values, moment: Moment) -> Check:
    day, at = _back(values, moment)
    return When(
        (
            Window(
                None if day is None else days.shifted(day, 1),
                moment.today,
                None if at is None else days.moved(at, ticks=1),
                days.moved(moment.at, ticks=1),
            ),
        )
    )


def more_days_ahead(kind: Kind, values: Values, moment: Moment) -> Check:
    n = whole(values[0])
    day, at = days.shifted(moment.today, n), days.moved(moment.at, n)
    first = None if day is None else days.shifted(day, 1)
    start = None if at is None else days.moved(at, ticks=1)
    return Never() if first is None or start is None else When((Window(first=first, start=start),))


def less_days_ahead(kind: Kind, values: Values, moment: Moment) -> Check:
    n = whole(values[0])
    day, at = days.shifted(moment.today, n), days.moved(moment.at, n)
    return When((Window(moment.today, None if day is None else days.shifted(day, -1), moment.at, at),))


def _back(values: Values, moment: Moment) -> tuple[date | None, datetime | None]:
    n = whole(values[0])
    return days.shifted(moment.today, -n), days.moved(moment.at, -n)


def days_ago(kind: Kind, values: Values, moment: Moment) -> Check:
    return _on_day(days.shifted(moment.today, -whole(values[0])), moment)


def days_ahead(kind: Kind, values: Values, moment: Moment) -> Check:
    return _on_day(days.shifted(moment.today, whole(values[0])), moment)


def years_ago(kind: Kind, values: Values, moment: Moment) -> Check:
    return _on_day(days.years_before(moment.today, whole(values[0])), moment)


def _on_day(day: date | None, moment: Moment) -> Check:
    return _within(day, day, moment)


def _within(first: date | None, last: date | None, moment: Moment) -> Check:
    return When(windows) if (windows := days.span(first, last, moment.zone)) else Never()


def on_year(kind: Kind, values: Values, moment: Moment) -> Check:
    first, last = days.year(date(whole(values[0]), 1, 1), 0)
    return _within(first, last, moment)


def on_month(kind: Kind, values: Values, moment: Moment) -> Check:
    return MonthDays(frozenset(day for day in days.ALL_MONTH_DAYS if day // 100 == values[0]))


def on_day_of_month(kind: Kind, values: Values, moment: Moment) -> Check:
    return MonthDays(frozenset(day for day in days.ALL_MONTH_DAYS if day % 100 == values[0]))


def on_month_day(kind: Kind, values: Values, moment: Moment) -> Check:
    return MonthDays(frozenset({whole(values[0])}))


def whole(value: Value) -> int:
    return cast(int, value)


Span = Callable[[date], tuple[date | None, date | None]]


def calendar(span: Span) -> CheckOf:
    return lambda kind, values, moment: _within(*span(moment.today), moment)


def calendar_md(span: Span) -> CheckOf:
    return lambda kind, values, moment: MonthDays(days.month_days(*span(moment.today)))


def md_between(first: int, last: int) -> CheckOf:
    """N · first to N · last days from today, whatever the year."""

    def check(kind: Kind, values: Values, moment: Moment) -> Check:
        return MonthDays(_nearby(moment.today, whole(values[0]), first, last))

    return check


def md_beyond(first: int, last: int) -> CheckOf:
    def check(kind: Kind, values: Values, moment: Moment) -> Check:
        return MonthDays(days.ALL_MONTH_DAYS - _nearby(moment.today, whole(values[0]), first, last))

    return check


def _nearby(today: date, n: int, first: int, last: int) -> frozenset[int]:
    if first == last:
        day = days.shifted(today, n * first)
        return days.month_days(day, day)
    n = min(n, days.DAYS_OF_A_LEAP_YEAR)
    start, end = days.shifted(today, n * first), days.shifted(today, n * last)
    return days.month_days(start or date.min, end or date.max)


def _day(offset: int) -> Span:
    def span(today: date) -> tuple[date | None, date | None]:
        day = days.shifted(today, offset)
        return day, day

    return span


def _week(offset: int) -> Span:
    return lambda today: days.week(today, offset)


def _month(offset: int) -> Span:
    return lambda today: days.month(today, offset)


def _year(offset: int) -> Span:
    return lambda today: days.year(today, offset)


CALENDAR: Final[tuple[tuple[str, str, Span], ...]] = (
    ("today", "today", _day(0)),
    ("tomorrow", "tomorrow", _day(1)),
    ("yesterday", "yesterday", _day(-1)),
    ("this_week", "in this week", _week(0)),
    ("last_week", "in last week", _week(-1)),
    ("next_week", "in next week", _week(1)),
    ("this_month", "in this month", _month(0)),
    ("last_month", "in last month", _month(-1)),
    ("next_month", "in next month", _month(1)),
)
YEARS: Final[tuple[tuple[str, str, Span], ...]] = (
    ("this_year", "in this year", _year(0)),
    ("last_year", "in last year", _year(-1)),
    ("next_year", "in next year", _year(1)),
)
