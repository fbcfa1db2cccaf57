"""Checks on one typed SQL value: text, number, day or instant. NULL in, NULL or false out; the sources guard."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.db.models.expressions import Combinable

from config.filters.checks import MonthDays, OneOf, Range, TextLike, When, Window
from config.filters.late import Late
from config.filters.sql import FALSE, Param, Sql, all_of, any_of

_WILDCARDS: Final = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})

_BIGINT: Final = 2**63


def one_of(expression: Combinable, values: tuple[object, ...], sql_type: str) -> Sql:
    """Equality; one value as `=`, so that the planner sees its frequency."""
    if len(values) == 1:
        return Sql("{} = {}", expression, Param(values[0], sql_type))
    return Sql("{} = ANY({})", expression, Param(list(values), f"{sql_type}[]"))


def texts(expression: Combinable, check: OneOf) -> Sql:
    """The text is one of the values."""
    return one_of(expression, tuple(value for value in check.values if isinstance(value, str)), "text")


def like(expression: Combinable, check: TextLike) -> Sql:
    """Wildcards of LIKE in the texts are plain characters."""
    head, tail = ("%", "%") if check.how == "contains" else ("", "%") if check.how == "starts" else ("%", "")
    patterns = [f"{head}{text.translate(_WILDCARDS)}{tail}" for text in check.texts]
    if len(patterns) == 1:
        return Sql("{} LIKE {}", expression, Param(patterns[0], "text"))
    return Sql("{} LIKE ANY({})", expression, Param(patterns, "text[]"))


def numbers(expression: Combinable, check: OneOf | Range) -> Sql:
    """Numbers of every size compare exactly."""
    if isinstance(check, OneOf):
        wanted = tuple(value for value in check.values if isinstance(value, Decimal))
        if not wanted:
            return FALSE
        if all(_is_bigint(value) for value in wanted):
            return one_of(expression, tuple(int(value) for value in wanted), "bigint")
        return one_of(expression, wanted, "numeric")
    parts = []
    if check.low is not None:
        parts.append(Sql("{} >= {}" if check.low_included else "{} > {}", expression, _bound(check.low)))
    if check.high is not None:
        parts.append(Sql("{} <= {}" if check.high_included else "{} < {}", expression, _bound(check.high)))
    return all_of(parts)


def days(expression: Combinable, check: When | MonthDays) -> Sql:
    """A pure date against windows of days, or against days of whatever year."""
    if isinstance(check, MonthDays):
        return month_days(expression, check)
    return any_of([_day_window(expression, window) for window in check.windows])


def instants(expression: Combinable, check: When | MonthDays, zone: str) -> Sql:
    """An instant against windows of instants; days of whatever year are the project's."""
    if isinstance(check, MonthDays):
        return month_days(Sql("({} AT TIME ZONE {})", expression, Param(zone, "text")), check)
    return any_of([_instant_window(expression, window) for window in check.windows])


def month_days(expression: Combinable, check: MonthDays) -> Sql:
    """The month and day of a date or local timestamp."""
    if not check.days:
        return FALSE
    days: Any = check.days
    return Sql(
        "(EXTRACT(MONTH FROM {}) * 100 + EXTRACT(DAY FROM {}))::int = ANY({})",
        *(expression, expression, Param(days if isinstance(days, Late) else sorted(days), "int[]")),
    )


def _day_window(expression: Combinable, window: Window) -> Sql:
    parts = []
    if window.first is not None and window.first == window.last:
        return Sql("{} = {}", expression, Param(window.first, "date"))
    if window.first is not None:
        parts.append(Sql("{} >= {}", expression, Param(window.first, "date")))
    if window.last is not None:
        parts.append(Sql("{} <= {}", expression, Param(window.last, "date")))
    return all_of(parts)


def _instant_window(expression: Combinable, window: Window) -> Sql:
    parts = []
    if window.start is not None:
        parts.append(Sql("{} >= {}", expression, Param(window.start, "timestamptz")))
    if window.end is not None:
        parts.append(Sql("{} < {}", expression, Param(window.end, "timestamptz")))
    return all_of(parts)


def _bound(value: Decimal) -> Param:
    return Param(int(value), "bigint") if _is_bigint(value) else Param(value, "numeric")


def _is_bigint(value: Decimal) -> bool:
    """Whole numbers go as integers, so that columns are compared as they are."""
    return abs(value) < _BIGINT and value == value.to_integral_value()
