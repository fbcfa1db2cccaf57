"""One row per operator: its key, its words, what it takes, and the check it makes. Pure.

A negative operator is Not of its positive one and has no check of its own; so it matches customers without a value.
Relative to now, instants move by n · 24 h and pure dates by whole days; calendar words mean days in the project's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from config.filters import dating
from config.filters.checks import (
    Check,
    EachFound,
    Elements,
    InSegments,
    Known,
    Never,
    OneOf,
    Range,
    TextLike,
    When,
)
from config.filters.dating import CheckOf, Values
from config.filters.days import Moment
from config.filters.values import DATES, Argument, Kind

EVERY: Final = frozenset(Kind)
VALUED: Final = EVERY - {Kind.SEGMENT}
TEXTUAL: Final = frozenset({Kind.TEXT, Kind.ANY})
NUMERIC: Final = frozenset({Kind.NUMBER, Kind.ANY})
DATED: Final = DATES | {Kind.ANY}
NOWHERE: Final[frozenset[Kind]] = frozenset()


@dataclass(frozen=True, slots=True)
class Operator:
    """label: in the builder; words: in a sentence, `{}` is the value; date_label and date_words: on dates.

    kinds: where it is accepted; hidden: the kinds for which the builder offers a synonym instead.
    """

    key: str
    label: str
    words: str
    argument: Argument
    kinds: frozenset[Kind]
    check: CheckOf | None = None
    negates: str = ""
    aliases: tuple[str, ...] = ()
    hidden: frozenset[Kind] = NOWHERE
    date_label: str = ""
    date_words: str = ""
    any_year: str = ""
    """The twin that ignores the year; it takes this one's place on birthdays."""
    event_label: str = ""
    """In the builder on "how often did it happen"; without one it is not offered there."""
    for_lists: bool = False
    """Asks about a list as a whole; the builder offers it on lists only."""


def _is(kind: Kind, values: Values, moment: Moment) -> Check:
    if kind is Kind.SEGMENT:
        return InSegments(tuple(str(value) for value in values))
    if kind in DATES:
        return When(tuple(window for value in values for window in dating.same(value, moment)))
    return OneOf(tuple(value for value in values if isinstance(value, str | bool | Decimal)))


def _known(kind: Kind, values: Values, moment: Moment) -> Check:
    return Known()


def _contains(kind: Kind, values: Values, moment: Moment) -> Check:
    return TextLike("contains", _texts(values))


def _starts(kind: Kind, values: Values, moment: Moment) -> Check:
    return TextLike("starts", _texts(values))


def _ends(kind: Kind, values: Values, moment: Moment) -> Check:
    return TextLike("ends", _texts(values))


def _more(kind: Kind, values: Values, moment: Moment) -> Check:
    return dating.more_days_ago(kind, values, moment) if kind in DATES else _range(values, low=True)


def _less(kind: Kind, values: Values, moment: Moment) -> Check:
    return dating.less_days_ago(kind, values, moment) if kind in DATES else _range(values, high=True)


def _at_least(kind: Kind, values: Values, moment: Moment) -> Check:
    return _range(values, low=True, included=True)


def _at_most(kind: Kind, values: Values, moment: Moment) -> Check:
    return _range(values, high=True, included=True)


def _range(values: Values, *, low: bool = False, high: bool = False, included: bool = False) -> Check:
    bound = values[0]
    if not isinstance(bound, Decimal):
        return Never()
    return Range(bound if low else None, bound if high else None, included, included)


def _each_found(kind: Kind, values: Values, moment: Moment) -> Check:
    return EachFound(tuple(_is(kind, (value,), moment) for value in values))


def _has_exactly(kind: Kind, values: Values, moment: Moment) -> Check:
    count = Decimal(dating.whole(values[0]))
    return Elements(Range(count, count, low_included=True, high_included=True))


def _has_more(kind: Kind, values: Values, moment: Moment) -> Check:
    return Elements(Range(low=Decimal(dating.whole(values[0]))))


def _has_fewer(kind: Kind, values: Values, moment: Moment) -> Check:
    return Elements(Range(high=Decimal(dating.whole(values[0]))))


def _texts(values: Values) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


A = Argument

ROWS: Final[tuple[Operator, ...]] = (
    Operator("$is", "is", "is {}", A.VALUES, EVERY, _is, date_label="is on", event_label="exactly n times"),
    Operator("$is_not", "is not", "is not {}", A.VALUES, EVERY, negates="$is", date_label="is not on"),
    Operator("$in", "is one of", "is {}", A.VALUES, EVERY, _is, hidden=DATES | {Kind.BOOLEAN, Kind.SEGMENT}),
    Operator(
        *("$not_in", "is none of", "is not {}", A.VALUES, EVERY),
        negates="$in",
        hidden=DATES | {Kind.BOOLEAN, Kind.SEGMENT},
    ),
    Operator("$contains", "contains", "contains {}", A.TEXTS, TEXTUAL, _contains),
    Operator("$not_contain", "does not contain", "does not contain {}", A.TEXTS, TEXTUAL, negates="$contains"),
    Operator("$starts_with", "starts with", "starts with {}", A.TEXTS, TEXTUAL, _starts),
    Operator("$ends_with", "ends with", "ends with {}", A.TEXTS, TEXTUAL, _ends),
    Operator(
        *("$more_than", "is more than", "is more than {}", A.ORDER, NUMERIC | DATES, _more),
        hidden=DATES,
        event_label="more than n times",
        date_words="was more than {} days ago",
    ),
    Operator(
        *("$more_than_equal", "is at least", "is at least {}", A.NUMBER, NUMERIC | {Kind.TEXT}, _at_least),
        aliases=("$more_than_or_equal",),
        event_label="at least n times",
        hidden=frozenset({Kind.TEXT}),
    ),
    Operator(
        *("$less_than", "is less than", "is less than {}", A.ORDER, NUMERIC | DATES, _less),
        hidden=DATES,
        event_label="fewer than n times",
        date_words="was less than {} days ago",
    ),
    Operator(
        *("$less_than_equal", "is at most", "is at most {}", A.NUMBER, NUMERIC | {Kind.TEXT}, _at_most),
        aliases=("$less_than_or_equal",),
        event_label="at most n times",
        hidden=frozenset({Kind.TEXT}),
    ),
    Operator("$after", "is after", "is after {}", A.INSTANT, DATED, dating.after),
    Operator("$before", "is before", "is before {}", A.INSTANT, DATED, dating.before),
    Operator("$after_equal", "is on or after", "is on or after {}", A.INSTANT, DATED, dating.after_equal),
    Operator("$before_equal", "is on or before", "is on or before {}", A.INSTANT, DATED, dating.before_equal),
    Operator(
        *("$more_than_ago", "more than n days ago", "was more than {} days ago", A.DAYS, DATED, dating.more_days_ago),
        aliases=("$is_more_days_ago",),
    ),
    Operator(
        *("$less_than_ago", "less than n days ago", "was less than {} days ago", A.DAYS, DATED, dating.less_days_ago),
        aliases=("$is_less_days_ago",),
    ),
    Operator(
        *("$is_days_ago", "exactly n days ago", "was exactly {} days ago", A.DAYS, DATED, dating.days_ago),
        any_year="$is_days_ago_md",
    ),
    Operator(
        "$more_than_future", "in more than n days", "is in more than {} days", A.DAYS, DATED, dating.more_days_ahead
    ),
    Operator(
        "$less_than_future", "in less than n days", "is in less than {} days", A.DAYS, DATED, dating.less_days_ahead
    ),
    Operator(
        *("$is_days_in_future", "in exactly n days", "is in exactly {} days", A.DAYS, DATED, dating.days_ahead),
        any_year="$is_days_in_future_md",
    ),
    Operator("$is_years_ago", "exactly n years ago", "was exactly {} years ago", A.DAYS, DATED, dating.years_ago),
    *(
        Operator(f"${key}", f"is {label}", f"is {label}", A.FLAG, DATED, dating.calendar(span), any_year=f"${key}_md")
        for key, label, span in dating.CALENDAR
    ),
    *(
        Operator(f"${key}", f"is {label}", f"is {label}", A.FLAG, DATED, dating.calendar(span))
        for key, label, span in dating.YEARS
    ),
    Operator(
        "$is_day_of_month",
        "is on day n of a month",
        "is on day {} of a month",
        A.DAY_OF_MONTH,
        DATED,
        dating.on_day_of_month,
    ),
    Operator("$is_day", "is on a day of any year", "is on {} of any year", A.MONTH_DAY, DATED, dating.on_month_day),
    Operator("$is_month", "is in month n of any year", "is in month {} of any year", A.MONTH, DATED, dating.on_month),
    Operator("$is_year", "is in the year", "is in the year {}", A.YEAR, DATED, dating.on_year),
    *(
        Operator(
            *(f"${key}_md", f"is {label}, in any year", f"is {label} (in any year)", A.FLAG, DATED),
            dating.calendar_md(span),
        )
        for key, label, span in dating.CALENDAR
    ),
    Operator(
        *("$is_days_ago_md", "exactly n days ago, in any year", "was exactly {} days ago (in any year)", A.DAYS, DATED),
        dating.md_between(-1, -1),
    ),
    Operator(
        *("$is_days_in_future_md", "in exactly n days, in any year", "is in exactly {} days (in any year)"),
        *(A.DAYS, DATED, dating.md_between(1, 1)),
    ),
    Operator(
        *("$is_less_days_ago_md", "in the last n days, in any year", "was in the last {} days (in any year)"),
        *(A.DAYS, DATED, dating.md_between(-1, 0)),
    ),
    Operator(
        *("$is_less_days_in_future_md", "in the next n days, in any year", "is in the next {} days (in any year)"),
        *(A.DAYS, DATED, dating.md_between(0, 1)),
    ),
    Operator(
        *("$is_more_days_ago_md", "more than n days ago, in any year", "was more than {} days ago (in any year)"),
        *(A.DAYS, DATED, dating.md_beyond(-1, 0)),
    ),
    Operator(
        *("$is_more_days_in_future_md", "in more than n days, in any year", "is in more than {} days (in any year)"),
        *(A.DAYS, DATED, dating.md_beyond(0, 1)),
    ),
    Operator("$includes", "includes all of", "includes all of {}", A.VALUES, VALUED, _each_found, for_lists=True),
    Operator("$intersects", "includes any of", "includes {}", A.VALUES, VALUED, _is, for_lists=True),
    Operator("$count", "has exactly n items", "has exactly {} items", A.DAYS, VALUED, _has_exactly, for_lists=True),
    Operator(
        "$count_more", "has more than n items", "has more than {} items", A.DAYS, VALUED, _has_more, for_lists=True
    ),
    Operator(
        "$count_less", "has fewer than n items", "has fewer than {} items", A.DAYS, VALUED, _has_fewer, for_lists=True
    ),
    Operator("$has_value", "has any value", "has a value", A.FLAG, VALUED, _known, event_label="did"),
    Operator("$is_unknown", "is empty", "is empty", A.FLAG, VALUED, negates="$has_value", event_label="did not"),
)

OPERATORS: Final[dict[str, Operator]] = {row.key: row for row in ROWS}
CANONICAL: Final[dict[str, str]] = {key: row.key for row in ROWS for key in (row.key, *row.aliases)}
NOT_YET: Final = frozenset({"$in_location", "$not_in_location"})
"""Known to the wire, refused until there are locations."""
RELATIVE_TO_NOW: Final = frozenset(
    row.key
    for row in ROWS
    if row.kinds == DATED
    and row.key
    not in {"$after", "$before", "$after_equal", "$before_equal"}
    | {"$is_day_of_month", "$is_day", "$is_month", "$is_year"}
)
"""Operators whose answer changes as time passes; `$is`, `$more_than` and their like join them on dates."""


def effective(operator: Operator, *, any_year: bool) -> Operator:
    """The operator that answers: on birthdays the twin that ignores the year."""
    return OPERATORS[operator.any_year] if any_year and operator.any_year else operator


def is_relative(key: str, kind: Kind, values: Values) -> bool:
    """Whether a condition's answer changes as time passes."""
    if key in RELATIVE_TO_NOW:
        return True
    operator = OPERATORS[key]
    counts_days = any(isinstance(value, int) and not isinstance(value, bool) for value in values)
    return kind in DATES and counts_days and operator.argument in (Argument.ORDER, Argument.VALUES)
