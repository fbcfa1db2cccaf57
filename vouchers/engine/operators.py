"""The operators of validation rules: one function each, over what was found and the values of the condition.

Several operators in one `conditions` must all hold. What was not found at all makes every operator false but the
negative ones. Source: validation rules, conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from config.kernel.instants import parse_instant
from vouchers.engine import validity
from vouchers.engine.terms import Validity

ALIASES: Final = {
    "$greater_than": "$more_than",
    "$greater_than_or_equal": "$more_than_or_equal",
    "$more_than_equal": "$more_than_or_equal",
    "$less_than_equal": "$less_than_or_equal",
}
"""Spellings of the contract's examples; stored as sent, read as these."""

NEGATIVE: Final = frozenset({"$is_not", "$not_in", "$not_intersect"})
"""What holds where there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is, for operators about days and hours. at: aware. zone: the project's."""

    at: datetime
    zone: ZoneInfo


Operator = Callable[[Any, Sequence[Any], Moment], bool]

MEMBERSHIP: Final[Mapping[str, Callable[[Collection[str], Sequence[str], Moment], bool]]] = {
    "$is": lambda found, values, moment: any(value in found for value in values),
    "$in": lambda found, values, moment: any(value in found for value in values),
    "$is_not": lambda found, values, moment: not any(value in found for value in values),
    "$not_in": lambda found, values, moment: not any(value in found for value in values),
}
NUMBER: Final[Mapping[str, Callable[[Decimal, Sequence[Decimal], Moment], bool]]] = {
    "$is": lambda found, values, moment: found == values[0],
    "$is_not": lambda found, values, moment: found != values[0],
    "$in": lambda found, values, moment: found in values,
    "$not_in": lambda found, values, moment: found not in values,
    "$less_than": lambda found, values, moment: found < values[0],
    "$less_than_or_equal": lambda found, values, moment: found <= values[0],
    "$more_than": lambda found, values, moment: found > values[0],
    "$more_than_or_equal": lambda found, values, moment: found >= values[0],
}
EQUALITY: Final[Mapping[str, Operator]] = {
    "$is": lambda found, values, moment: same(found, values[0]),
    "$is_not": lambda found, values, moment: not same(found, values[0]),
    "$in": lambda found, values, moment: any(same(found, value) for value in values),
    "$not_in": lambda found, values, moment: not any(same(found, value) for value in values),
}


def to_number(value: Any) -> Decimal:
    """Return an exact number of a JSON number or a text of one. Raises ValueError for anything else, also booleans."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(f"not a number: {value!r}"[:80])
    try:
        number = Decimal(str(value).strip()) if len(str(value)) <= 60 else Decimal("NaN")
    except InvalidOperation as error:
        raise ValueError(f"not a number: {value!r}"[:80]) from error
    if not number.is_finite() or abs(number) > 10**18:
        raise ValueError(f"not a number: {value!r}"[:80])
    return number


def to_moment(value: Any) -> datetime:
    """An instant of an ISO date or time; a day is its first instant in UTC. Raises ValueError."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time.min, UTC)
    if not isinstance(value, str) or not 8 <= len(value) <= 40:
        raise ValueError(f"not a date: {value!r}"[:80])
    try:
        return parse_instant(value) if "T" in value else datetime.combine(date.fromisoformat(value), time.min, UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not a date: {value!r}"[:80]) from error


def same(found: Any, value: Any) -> bool:
    """Equal as people mean it: `5` and `"5"`, true and `"true"`, an instant in two spellings; text is exact.

    Of an array any element may be the one.
    """
    if isinstance(found, list):
        return any(same(one, value) for one in found)
    if isinstance(found, bool) or isinstance(value, bool):
        return str(found).lower() == str(value).lower()
    if not isinstance(found, str) or not isinstance(value, str):
        return _numbers(found, value, lambda a, b: a == b)
    return found == value or _moments(found, value, lambda a, b: a == b)


def _numbers(found: Any, value: Any, test: Callable[[Decimal, Decimal], bool]) -> bool:
    try:
        return test(to_number(found), to_number(value))
    except ValueError:
        return False


def _moments(found: Any, value: Any, test: Callable[[datetime, datetime], bool]) -> bool:
    try:
        return test(to_moment(found), to_moment(value))
    except ValueError:
        return False


def _compare(test: Callable[[Any, Any], bool]) -> Operator:
    """Numbers where both are, else instants; of an array any element."""

    def compare(found: Any, values: Sequence[Any], moment: Moment) -> bool:
        return any(
            _numbers(one, values[0], test) or _moments(one, values[0], test)
            for one in (found if isinstance(found, list) else [found])
        )

    return compare


def _instants(test: Callable[[datetime, datetime], bool]) -> Operator:
    return lambda found, values, moment: _moments(found, values[0], test)


def _texts(test: Callable[[str, str], bool]) -> Operator:
    def match(found: Any, values: Sequence[Any], moment: Moment) -> bool:
        texts = [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]
        return any(test(text, str(value)) for text in texts for value in values)

    return match


def _contains(found: Any, values: Sequence[Any], moment: Moment) -> bool:
    if isinstance(found, list):
        return any(same(one, value) for one in found for value in values)
    return isinstance(found, str) and any(str(value) in found for value in values)


def _sized(test: Callable[[int, Decimal], bool]) -> Operator:
    return lambda found, values, moment: isinstance(found, list) and test(len(found), values[0])


def _not_differ(found: Any, values: Sequence[Any], moment: Moment) -> bool:
    elements = found if isinstance(found, list) else [found]
    return all(any(same(one, value) for value in values) for one in elements) and all(
        any(same(one, value) for one in elements) for value in values
    )


def _not_intersect(found: Any, values: Sequence[Any], moment: Moment) -> bool:
    elements = found if isinstance(found, list) else [found]
    return not any(same(one, value) for one in elements for value in values)


def _days(test: Callable[[int, int], bool], *, future: bool = False) -> Operator:
    """Days between today and the date found, in the project's zone; test: (days away, days asked)."""

    def count(found: Any, values: Sequence[Any], moment: Moment) -> bool:
        try:
            day = _day(found, moment.zone)
        except (ValueError, OverflowError):  # no date, or one at the edge of the calendar
            return False
        away = (day - moment.at.astimezone(moment.zone).date()).days
        return test(away if future else -away, int(values[0]))

    return count


def _day(found: Any, zone: ZoneInfo) -> date:
    """The local day of an instant; a date without a time is that day everywhere."""
    if isinstance(found, str) and "T" not in found:
        return to_moment(found).date()
    return to_moment(found).astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Window:
    """A recurring window, read when the rule was."""

    start: datetime
    timeframe: Mapping[str, str]


def to_window(value: Any) -> Window:
    """`<ISO start>;<interval>;<duration>`. Raises ValueError."""
    start, interval, duration = _parts(value, 3)
    timeframe = {"interval": interval, "duration": duration}
    validity.parse_timeframe(timeframe)
    return Window(to_moment(start), timeframe)


def to_span(value: Any) -> tuple[datetime, datetime]:
    """`<ISO from>;<ISO to>`. Raises ValueError."""
    start, end = _parts(value, 2)
    return to_moment(start), to_moment(end)


def to_opening(value: Any) -> Mapping[str, Any]:
    """`18:00;20:00;2,3` as hours of the wire's validity. Raises ValueError."""
    start, end, days = _parts(value, 3)
    weekdays = [int(day) for day in days.split(",") if day.strip().isdigit()] if days else None
    hours = {"daily": [{"start_time": start, "expiration_time": end, "days_of_week": weekdays}]}
    validity.parse_hours(hours)
    return hours


def to_weekday(value: Any) -> int:
    """0 is Sunday. Raises ValueError."""
    number = to_number(value)
    if number not in range(7):
        raise ValueError("not a weekday from 0 to 6")
    return int(number)


def to_count(value: Any) -> Decimal:
    """A whole number from 0. Raises ValueError."""
    number = to_number(value)
    if number < 0 or number > 10**6 or number != number.to_integral_value():
        raise ValueError("not a whole number from 0")
    return number


def to_scalar(value: Any) -> Any:
    """A text, number or boolean as sent. Raises ValueError."""
    if not isinstance(value, str | int | float | bool) or (isinstance(value, str) and "\0" in value):
        raise ValueError(f"not a text, number or boolean: {value!r}"[:80])
    return value


def _parts(value: Any, count: int) -> list[str]:
    parts = value.split(";") if isinstance(value, str) and len(value) <= 200 else []
    if len(parts) != count:
        raise ValueError(f"not {count} parts with ; between")
    return [part.strip() for part in parts]


def _in_window(found: Any, values: Sequence[Window], moment: Moment) -> bool:
    return _at(found, lambda at: any(
        validity.outside(Validity(start_date=v.start, timeframe=v.timeframe), at, moment.zone) is None for v in values
    ))  # fmt: skip


def _in_span(found: Any, values: Sequence[tuple[datetime, datetime]], moment: Moment) -> bool:
    return _at(found, lambda at: any(start <= at <= end for start, end in values))


def _in_opening(found: Any, values: Sequence[Mapping[str, Any]], moment: Moment) -> bool:
    return _at(found, lambda at: any(validity.outside(Validity(hours=v), at, moment.zone) is None for v in values))


def _on_weekday(found: Any, values: Sequence[int], moment: Moment) -> bool:
    return _at(found, lambda at: validity.weekday(at, moment.zone) in values)


def _at(found: Any, test: Callable[[datetime], bool]) -> bool:
    try:
        return test(to_moment(found))
    except (ValueError, OverflowError):
        return False


ANYTHING: Final[Mapping[str, Operator]] = {
    **EQUALITY,
    "$less_than": _compare(lambda a, b: a < b),
    "$less_than_or_equal": _compare(lambda a, b: a <= b),
    "$more_than": _compare(lambda a, b: a > b),
    "$more_than_or_equal": _compare(lambda a, b: a >= b),
    "$starts_with": _texts(str.startswith),
    "$ends_with": _texts(str.endswith),
    "$contains": _contains,
    "$count": _sized(lambda size, asked: size == asked),
    "$count_more": _sized(lambda size, asked: size > asked),
    "$count_less": _sized(lambda size, asked: size < asked),
    "$not_differ": _not_differ,
    "$not_intersect": _not_intersect,
    "$after": _instants(lambda a, b: a > b),
    "$before": _instants(lambda a, b: a < b),
    "$more_than_ago": _days(lambda away, asked: away > asked),
    "$less_than_ago": _days(lambda away, asked: 0 <= away < asked),
    "$is_days_ago": _days(lambda away, asked: away == asked),
    "$more_than_future": _days(lambda away, asked: away > asked, future=True),
    "$less_than_future": _days(lambda away, asked: 0 <= away < asked, future=True),
    "$is_days_in_future": _days(lambda away, asked: away == asked, future=True),
    "$timeframe": _in_window,
    "$timeframe_absolute": _in_span,
    "$timeframe_daily_hours": _in_opening,
    "$dow": _on_weekday,
}
"""Operators on metadata, whose type only the value says."""

MANY_VALUES: Final = frozenset(
    {"$in", "$not_in", "$starts_with", "$ends_with", "$contains", "$not_differ", "$not_intersect", "$dow"}
    | {"$timeframe", "$timeframe_absolute", "$timeframe_daily_hours"}
)

READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("$count", "$count_more", "$count_less"), to_count),
    **dict.fromkeys(("$more_than_ago", "$less_than_ago", "$is_days_ago"), to_count),
    **dict.fromkeys(("$more_than_future", "$less_than_future", "$is_days_in_future"), to_count),
    "$after": lambda value: to_moment(value) and value,
    "$before": lambda value: to_moment(value) and value,
    "$timeframe": to_window,
    "$timeframe_absolute": to_span,
    "$timeframe_daily_hours": to_opening,
    "$dow": to_weekday,
}
"""Operators whose operands are read in their own way, whatever the rule."""
