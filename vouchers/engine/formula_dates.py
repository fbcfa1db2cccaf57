"""Days and instants inside formulas: days are the project's, instants are compared in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Final

from vouchers.engine.formula_scope import NoValue, Scope, Value


def moment_of(value: date) -> datetime:
    """A day as its first instant; everything is compared in UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def day_of(value: Value, scope: Scope) -> date:
    """The day in the project's zone; also from text."""
    if isinstance(value, str):
        value = parsed(value)
    if isinstance(value, datetime):
        return moment_of(value).astimezone(scope.facts.zone).date()
    if isinstance(value, date):
        return value
    raise NoValue


def parsed(text: str) -> date:
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        raise NoValue from None


def _today(scope: Scope) -> date:
    return scope.facts.at.astimezone(scope.facts.zone).date()


def _months(start: date, end: date) -> Fraction:
    """Whole months from one day to another, negative backwards."""
    if end < start:
        return -_months(end, start)
    return Fraction((end.year - start.year) * 12 + end.month - start.month - (end.day < start.day))


def _since(count: Callable[[date, date], Fraction]) -> Callable[..., Value]:
    return lambda scope, value: count(day_of(value, scope), _today(scope))


def _until(count: Callable[[date, date], Fraction]) -> Callable[..., Value]:
    return lambda scope, value: count(_today(scope), day_of(value, scope))


def _days(start: date, end: date) -> Fraction:
    return Fraction((end - start).days)


def _years(start: date, end: date) -> Fraction:
    return Fraction(int(_months(start, end) / 12))


def _days_compared(test: Callable[[date, date], bool]) -> Callable[..., Value]:
    return lambda scope, left, right: test(day_of(left, scope), day_of(right, scope))


def _instants_compared(test: Callable[[datetime, datetime], bool]) -> Callable[..., Value]:
    def compare(scope: Scope, left: Value, right: Value) -> Value:
        found = [parsed(value) if isinstance(value, str) else value for value in (left, right)]
        if not isinstance(found[0], date) or not isinstance(found[1], date):
            raise NoValue
        return test(moment_of(found[0]), moment_of(found[1]))

    return compare


DATES: Final[Mapping[str, Callable[..., Value]]] = {
    "DATE": lambda scope, value: day_of(value, scope),
    "DATE_TIME": lambda scope, value: moment_of(parsed(value) if isinstance(value, str) else day_of(value, scope)),
    "DAY_OF_MONTH": lambda scope, value: Fraction(day_of(value, scope).day),
    "MONTH": lambda scope, value: Fraction(day_of(value, scope).month),
    "YEAR": lambda scope, value: Fraction(day_of(value, scope).year),
    "DAYS_SINCE": _since(_days),
    "MONTHS_SINCE": _since(_months),
    "YEARS_SINCE": _since(_years),
    "DAYS_UNTIL": _until(_days),
    "MONTHS_UNTIL": _until(_months),
    "DATE_IS": _days_compared(lambda a, b: a == b),
    "DATE_IS_NOT": _days_compared(lambda a, b: a != b),
    "IS_AFTER": _instants_compared(lambda a, b: a > b),
    "IS_BEFORE": _instants_compared(lambda a, b: a < b),
}
"""The functions and operators about dates."""
