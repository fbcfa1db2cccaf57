"""Tree → true or false for one thing that is no row: an order line, a product. Pure; means what the compiled SQL means.

`read(key)` says what the thing holds under a key of the field table: None, a scalar, an instant, or a list of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias, assert_never

from config.filters.ast import AllOf, AnyOf, Compare, Node, Not
from config.filters.checks import (
    Check,
    EachFound,
    Elements,
    InSegments,
    Known,
    MonthDays,
    Never,
    OneOf,
    Range,
    TextLike,
    When,
    Window,
)
from config.filters.days import Moment, day_of
from config.filters.fields import Field, FieldTable
from config.filters.operators import OPERATORS, effective
from config.filters.values import Kind, looks_numeric, plain
from config.kernel.instants import parse_date, parse_instant
from config.kernel.texts import normal

Read: TypeAlias = Callable[[str], Any]


def holds(node: Node, read: Read, fields: FieldTable, moment: Moment) -> bool:
    """Whether the thing passes the filter. A negative operator passes where there is no value."""
    match node:
        case AllOf(children):
            return all(holds(child, read, fields, moment) for child in children)
        case AnyOf(children):
            return any(holds(child, read, fields, moment) for child in children)
        case Not(child):
            return not holds(child, read, fields, moment)
        case Compare():
            return _leaf(node, read, fields, moment)
        case _:
            assert_never(node)


def dig(document: Any, path: str) -> Any:
    """The value at a path of a document; a literal key with dots goes before the nested path."""
    if not isinstance(document, dict):
        return None
    if path in document:
        return document[path]
    for key in path.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _leaf(node: Compare, read: Read, fields: FieldTable, moment: Moment) -> bool:
    operator = OPERATORS[node.operator]
    if operator.negates:
        return not _leaf(Compare(node.field, operator.negates, node.values, node.path), read, fields, moment)
    field = fields[node.field]
    check = effective(operator, any_year=field.any_year).check
    if check is None:
        raise TypeError(f"{operator.key} is a negative operator")
    return _passes(check(field.kind, node.values, moment), read(node.field), field, moment)


def _passes(check: Check, value: Any, field: Field, moment: Moment) -> bool:
    elements = value if isinstance(value, list) else [] if value is None else [value]
    match check:
        case Known():
            return bool(elements)
        case Never() | InSegments():
            return False
        case EachFound(checks):
            return all(_passes(part, value, field, moment) for part in checks)
        case Elements(count):
            return bool(elements) and count.holds(Decimal(len(elements)))
        case OneOf(values):
            return any(_equal(element, wanted, field.kind) for element in elements for wanted in values)
        case TextLike():
            return any(_is_like(element, check) for element in elements)
        case Range():
            numbers = (_number(element) for element in elements)
            return any(number is not None and check.holds(number) for number in numbers)
        case When() | MonthDays():
            return any(_is_dated(element, check, field.kind, moment) for element in elements)
        case _:
            assert_never(check)


def _equal(element: Any, wanted: str | bool | Decimal, kind: Kind) -> bool:
    if isinstance(element, bool):
        return wanted is element or wanted == ("true" if element else "false")
    if isinstance(element, int | float | Decimal):
        number = _number(element)
        if isinstance(wanted, Decimal):
            return number == wanted
        is_number = isinstance(wanted, str) and looks_numeric(wanted) and plain(Decimal(wanted)) == wanted
        return is_number and number == Decimal(str(wanted))
    if not isinstance(element, str):
        return False
    if isinstance(wanted, Decimal):
        return kind is not Kind.NUMBER and element == plain(wanted)
    return element == (wanted if isinstance(wanted, str) else "true" if wanted else "false")


def _is_like(element: Any, check: TextLike) -> bool:
    text = _text(element)
    if text is None:
        return False
    test = {"contains": str.__contains__, "starts": str.startswith, "ends": str.endswith}[check.how]
    return any(test(text, wanted) for wanted in check.texts)


def _text(element: Any) -> str | None:
    if isinstance(element, bool):
        return "true" if element else "false"
    if isinstance(element, str):
        return normal(element)
    number = _number(element)
    return None if number is None else plain(number)


def _number(element: Any) -> Decimal | None:
    if isinstance(element, bool):
        return None
    if isinstance(element, str):
        return Decimal(element) if looks_numeric(element) else None
    if isinstance(element, float):
        return Decimal(repr(element))
    return Decimal(element) if isinstance(element, int | Decimal) else None


def _is_dated(element: Any, check: When | MonthDays, kind: Kind, moment: Moment) -> bool:
    when = element if isinstance(element, date) else _moment(element)
    if when is None:
        return False
    if isinstance(check, MonthDays):
        day = day_of(when, moment.zone)
        return day.month * 100 + day.day in check.days
    if kind is Kind.DATE:
        when = day_of(when, moment.zone)
    return any(_lies_in(when, window) for window in check.windows)


def _lies_in(when: date, window: Window) -> bool:
    if isinstance(when, datetime):
        return (window.start is None or when >= window.start) and (window.end is None or when < window.end)
    return (window.first is None or when >= window.first) and (window.last is None or when <= window.last)


def _moment(element: Any) -> date | None:
    """The day or instant that a text is written as."""
    if not isinstance(element, str):
        return None
    for parse, plausible in ((parse_date, len(element) == 10), (parse_instant, len(element) > 13)):
        if plausible:
            try:
                return parse(element)
            except ValueError:
                return None
    return None
