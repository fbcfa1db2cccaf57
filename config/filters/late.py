"""Values that are known only when a finished statement is asked: the bounds of conditions relative to now. Pure.

A condition such as "less than 30 days ago" is compiled once with `Late` values in the places of its bounds. Each time
the statement is asked, the operator says its bounds anew and they go into these places. Where the new check has another
shape (a bound fell off the calendar), the statement cannot serve and is made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from config.filters.ast import Compare
from config.filters.checks import Check, EachFound, MonthDays, When, Window
from config.filters.days import Moment
from config.filters.fields import Field
from config.filters.operators import OPERATORS, effective

Shape = tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Relative:
    """A condition whose answer changes as time passes. node: of a positive operator."""

    node: Compare
    field: Field
    shape: Shape

    def values(self, moment: Moment) -> list[Any] | None:
        """Its bounds at a moment, in the order of their places; None: not in the same shape."""
        shape, values = spread(check_for(self.node, self.field, moment))
        return values if shape == self.shape else None


@dataclass(frozen=True, slots=True, eq=False)
class Late:
    """The place of one bound."""

    condition: Relative
    index: int


def check_for(node: Compare, field: Field, moment: Moment) -> Check:
    """What a condition of a positive operator asks of its field."""
    operator = effective(OPERATORS[node.operator], any_year=field.any_year)
    if operator.check is None:
        raise TypeError(f"{operator.key} is a negative operator")
    return operator.check(field.kind, node.values, moment)


def deferred(node: Compare, field: Field, moment: Moment) -> Check:
    """The check with a Late value in the place of each bound."""
    check = check_for(node, field, moment)
    shape, values = spread(check)
    condition = Relative(node, field, shape)
    return _replaced(check, iter([Late(condition, index) for index in range(len(values))]))


def spread(check: Check) -> tuple[Shape, list[Any]]:
    """A check as what of it is written into a statement, and the bounds that are sent beside it."""
    match check:
        case When(windows):
            parts = [_of_window(window) for window in windows]
            return ("when", *(shape for shape, _ in parts)), [value for _, values in parts for value in values]
        case MonthDays(days):
            return ("days", bool(days)), [sorted(days)] if days else []
        case EachFound(checks):
            spreads = [spread(part) for part in checks]
            return ("each", *(shape for shape, _ in spreads)), [value for _, values in spreads for value in values]
        case _:
            return ("constant", check), []


def _of_window(window: Window) -> tuple[Shape, list[Any]]:
    bounds = (window.first, window.last, window.start, window.end)
    one_day = window.first is not None and window.first == window.last
    known = [bound for bound in bounds if bound is not None]
    return (one_day, *(bound is not None for bound in bounds)), known


def _replaced(check: Check, places: Iterator[Late]) -> Check:
    """The same check with the next place for each bound; a single day is one place for its two bounds."""
    match check:
        case When(windows):
            return When(tuple(_late_window(window, places) for window in windows))
        case MonthDays(days) if days:
            return MonthDays(cast("frozenset[int]", next(places)))
        case EachFound(checks):
            return EachFound(tuple(_replaced(part, places) for part in checks))
        case _:
            return check


def _late_window(window: Window, places: Iterator[Late]) -> Window:
    bounds = {name: next(places) for name in ("first", "last", "start", "end") if getattr(window, name) is not None}
    if window.first is not None and window.first == window.last:
        bounds["last"] = bounds["first"]
    return Window(**cast("dict[str, Any]", bounds))
