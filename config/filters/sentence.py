"""Tree → words for marketers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from config.filters.ast import AllOf, AnyOf, Compare, Node, Not, Value
from config.filters.fields import Field, FieldTable
from config.filters.operators import OPERATORS, effective
from config.filters.values import DATES, Kind, plain

MOST_VALUES = 5
_UTC = ZoneInfo("UTC")


def sentence(node: Node, fields: FieldTable, *, zone: ZoneInfo = _UTC, names: Mapping[str, str] | None = None) -> str:
    """`State is California and customer_type is Corporate`. zone: for instants; names: of segments, by id."""
    return _Words(fields, zone, names or {}).of(node)


def shown(value: Value, field: Field, *, zone: ZoneInfo = _UTC, names: Mapping[str, str] | None = None) -> str:
    """One value as a reader sees it: money in major units, instants in the zone."""
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            local = value.astimezone(zone)
            name = "UTC" if zone.key == UTC.tzname(None) else zone.key
            return f"{local.day} {local:%b %Y %H:%M} {name}"
        case date():
            return f"{value.day} {value:%b %Y}"
        case Decimal():
            return f"{value / 100:,.2f}" if field.unit == "money" else plain(value)
        case str():
            return (names or {}).get(value, value) or '""'
        case _:
            return str(value)


class _Words:
    def __init__(self, fields: FieldTable, zone: ZoneInfo, names: Mapping[str, str]) -> None:
        self.fields, self.zone, self.names = fields, zone, names

    def of(self, node: Node) -> str:
        match node:
            case AllOf(children):
                return " and ".join(self.part(child, alone=len(children) == 1) for child in children)
            case AnyOf(children):
                return " or ".join(self.part(child, alone=len(children) == 1) for child in children)
            case Not(AnyOf(children)):
                return "none of (" + "; ".join(self.of(child) for child in children) + ")"
            case Not(child):
                return f"not ({self.of(child)})"
            case Compare():
                return self.condition(node)

    def part(self, node: Node, *, alone: bool) -> str:
        text = self.of(node)
        needs_brackets = isinstance(node, AllOf | AnyOf) and len(node.children) > 1 and not alone
        return f"({text})" if needs_brackets else text

    def condition(self, node: Compare) -> str:
        field = self.fields[node.field]
        operator = effective(OPERATORS[node.operator], any_year=field.any_year)
        words = operator.words
        if field.kind is Kind.SEGMENT:
            words = "does not include {}" if operator.negates else "include {}"
        elif field.kind in DATES and operator.date_words:
            words = operator.date_words
        values = [self.value(value, field, node.operator) for value in node.values[:MOST_VALUES]]
        if more := len(node.values) - MOST_VALUES:
            values += [f"{more} more"] if more > 0 else []
        joined = " and " if operator.key == "$includes" else " or "
        return f"{field.label} {words.replace('{}', joined.join(values))}"

    def value(self, value: Value, field: Field, operator: str) -> str:
        if operator == "$is_day" and isinstance(value, int):
            return f"{value % 100} {date(2000, value // 100, 1):%b}"
        if field.kind in DATES and operator in ("$is", "$is_not") and isinstance(value, int):
            return f"{value} days ago"
        return shown(value, field, zone=self.zone, names=self.names)
