"""Checks on a value inside a jsonb column: a missing key, null and [] are unknown, a single value is a list of one.

Equality is containment (`metadata @> …`), which the GIN index serves. Everything else looks at each element with its
own type: jsonb itself would order across types ("abc" <= 18 is true there).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Q
from django.db.models.expressions import Combinable

from config.filters import scalars
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
)
from config.filters.fields import Field, Scope
from config.filters.sql import FALSE, JSON, TEXT, Param, Sql, all_of, any_of
from config.filters.values import NUMBER_TEXT, Kind, looks_numeric, plain

MOST_CONTAINMENTS: Final = 16
"""Above this many alternatives a hashed list is quicker than as many index scans."""
_LEAP_YEARS: Final = r"([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_DAY: Final = (
    r"(?!0000)([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    rf"|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEARS}-02-29)"
)
_TIME: Final = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?"
DAY_TEXT: Final = f"^{_DAY}$"
"""Texts that are days of the calendar, and nothing a cast to date would refuse."""
INSTANT_TEXT: Final = f"^{_DAY}{_TIME}$"
_NUMERIC_TEXT: Final = f"^{NUMBER_TEXT}$"


@dataclass(frozen=True, slots=True)
class Document:
    """The value at a path of a jsonb column; a literal key with dots goes before the nested path."""

    column: str
    path: str

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        return Q(self._condition(check, field, scope))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return self._value()

    def _condition(self, check: Check, field: Field, scope: Scope) -> Sql:
        value = self._value()
        match check:
            case Never() | InSegments():
                return FALSE
            case Known():
                return _known(value)
            case OneOf(values):
                return self._equals(_candidates(values))
            case EachFound(checks):
                return all_of([self._condition(part, field, scope) for part in checks])
            case Elements(count):
                size = Sql(
                    "(CASE jsonb_typeof({}) WHEN 'array' THEN NULLIF(jsonb_array_length({}), 0)"
                    " WHEN 'null' THEN NULL ELSE 1 END)",
                    *(value, value),
                )
                return Sql("COALESCE({}, FALSE)", Sql("({} IS NOT NULL AND {})", value, scalars.numbers(size, count)))
            case Range(low=Decimal() as low, high=None, low_included=included):
                return self._in_range(low, _above("<" if included else "<="), self._slowly(check, field, scope))
            case Range(low=None, high=Decimal() as high, high_included=included):
                return self._in_range(high, _below(">" if included else ">="), self._slowly(check, field, scope))
            case TextLike() | Range() | When() | MonthDays():
                return self._slowly(check, field, scope)

    def _slowly(self, check: TextLike | Range | When | MonthDays, field: Field, scope: Scope) -> Sql:
        """Any element, each by what it is."""
        return self._any_element(lambda element: _element(element, check, field.kind, scope))

    def _in_range(self, bound: Decimal, template: str, otherwise: Sql) -> Sql:
        """A number is compared as jsonb, without a cast; what is no number is looked at slowly."""
        value, number = self._value(), _json(_Number(plain(bound)))
        return Sql(template, value, number, value, value, number, value, otherwise)

    def _equals(self, candidates: list[object]) -> Sql:
        if len(candidates) > MOST_CONTAINMENTS:
            wanted = Param([_dumps(candidate) for candidate in candidates], "jsonb[]")
            return self._any_element(lambda element: Sql("{} = ANY({})", element, wanted))
        return Sql("({} IS NOT NULL AND {})", self.column, any_of([self._contains(value) for value in candidates]))

    def _contains(self, value: object) -> Sql:
        """`column @> {"key": value}` and the same with a list around the value."""
        both = (value, [value])
        literal = [Sql("{} @> {}", self.column, _json({self.path: shape})) for shape in both]
        if "." not in self.path:
            return any_of(literal)
        nested = [Sql("{} @> {}", self.column, _json(_nest(self.path.split("."), shape))) for shape in both]
        absent = Sql("NOT {} ? {}", self.column, Param(self.path, "text"))
        return any_of([*literal, all_of([absent, any_of(nested)])])

    def _value(self) -> Sql:
        literal = Sql("({} -> {})", self.column, Param(self.path, "text"), output_field=JSON)
        if "." not in self.path:
            return literal
        nested = Sql("{}", self.column, output_field=JSON)
        for key in self.path.split("."):
            nested = Sql("({} -> {})", nested, Param(key, "text"), output_field=JSON)
        return Sql(
            "(CASE WHEN {} ? {} THEN {} ELSE {} END)",
            *(self.column, Param(self.path, "text"), literal, nested),
            output_field=JSON,
        )

    def _any_element(self, test: Callable[[Sql], Sql]) -> Sql:
        value = self._value()
        return Sql(
            "COALESCE(CASE jsonb_typeof({}) WHEN 'array' THEN EXISTS (SELECT 1 FROM jsonb_array_elements({})"
            " AS element(value) WHERE {}) ELSE {} END, FALSE)",
            *(value, value, test(Sql("element.value", output_field=JSON)), test(value)),
        )


def _above(fails: str) -> str:
    """In the order of jsonb texts stand below all numbers, booleans and lists above them."""
    return (
        f"(CASE WHEN {{}} {fails} {{}} AND {{}} >= '-1e400'::jsonb THEN FALSE"
        " WHEN {} >= {} AND {} < 'false'::jsonb THEN TRUE ELSE {} END)"
    )


def _below(fails: str) -> str:
    return (
        f"(CASE WHEN {{}} {fails} {{}} AND {{}} < 'false'::jsonb THEN FALSE"
        " WHEN {} <= {} AND {} >= '-1e400'::jsonb THEN TRUE ELSE {} END)"
    )


def _known(value: Sql) -> Sql:
    return Sql("({} IS NOT NULL AND {} <> 'null'::jsonb AND {} <> '[]'::jsonb)", value, value, value)


def _candidates(values: tuple[str | bool | Decimal, ...]) -> list[object]:
    """What is stored by those that equal a value: 48 and "48" are equal, so are true and "true"."""
    found: dict[tuple[type, object], object] = {}
    for value in values:
        for candidate in _equals_of(value):
            found.setdefault((type(candidate), candidate), candidate)
    return list(found.values())


def _equals_of(value: str | bool | Decimal) -> tuple[object, ...]:
    if isinstance(value, bool):
        return value, "true" if value else "false"
    if isinstance(value, Decimal):
        return _Number(plain(value)), plain(value)
    if value in ("true", "false"):
        return value, value == "true"
    if looks_numeric(value) and plain(Decimal(value)) == value:
        return value, _Number(value)
    return (value,)


class _Number(str):
    """A number by its digits, which JSON text keeps and a float would not."""

    __slots__ = ()


def _json(value: object) -> Param:
    return Param(_dumps(value), "jsonb")


def _dumps(value: object) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_dumps(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_dumps(part) for part in value) + "]"
    return json.dumps(value)


def _nest(keys: list[str], value: object) -> object:
    for key in reversed(keys):
        value = {key: value}
    return value


def _element(element: Sql, check: TextLike | Range | When | MonthDays, kind: Kind, scope: Scope) -> Sql:
    """One element that is no list: compared as text, as a number, or as the date it is written as."""
    match check:
        case TextLike():
            return scalars.like(_text(element, "string", "number", "boolean"), check)
        case Range():
            return scalars.numbers(_number(element), check)
        case When() | MonthDays():
            return _dated(element, check, kind, scope.moment.zone.key)


def _text(element: Sql, *types: str) -> Sql:
    names = ", ".join(f"'{name}'" for name in types)
    return Sql(
        f"(CASE WHEN jsonb_typeof({{}}) IN ({names}) THEN {{}} #>> ARRAY[]::text[] END)",
        *(element, element),
        output_field=TEXT,
    )


def _number(element: Sql) -> Sql:
    text = _text(element, "string")
    return Sql(
        "(CASE WHEN jsonb_typeof({}) = 'number' THEN ({})::numeric WHEN {} ~ {} THEN ({})::numeric END)",
        *(element, element, text, Param(_NUMERIC_TEXT, "text"), text),
        output_field=TEXT,
    )


def _dated(element: Sql, check: When | MonthDays, kind: Kind, zone: str) -> Sql:
    text = _text(element, "string")
    is_day, is_instant = (Sql("{} ~ {}", text, Param(pattern, "text")) for pattern in (DAY_TEXT, INSTANT_TEXT))
    day = Sql("({})::date", text, output_field=TEXT)
    instant = Sql("date_trunc('milliseconds', ({})::timestamptz)", text, output_field=TEXT)
    midnight = Sql("(({})::date::timestamp AT TIME ZONE 'UTC')", text, output_field=TEXT)
    local_day = Sql("({} AT TIME ZONE {})::date", instant, Param(zone, "text"), output_field=TEXT)
    as_instant = kind is Kind.DATETIME
    return Sql(
        "(CASE WHEN {} THEN {} WHEN {} THEN {} ELSE FALSE END)",
        *(is_day, scalars.instants(midnight, check, zone) if as_instant else scalars.days(day, check)),
        *(is_instant, scalars.days(local_day, check) if kind is Kind.DATE else scalars.instants(instant, check, zone)),
    )
