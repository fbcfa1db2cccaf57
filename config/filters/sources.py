"""Where a field's value lives: a column, a counter, a row of another table, nowhere yet. (jsonb: `documents`.)"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Model, Q, QuerySet, Subquery
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
    holds_for_zero,
)
from config.filters.fields import Field, Scope
from config.filters.sql import FALSE, JSON, Param, Sql, all_of, known_and
from config.filters.values import NUMBER_TEXT, Kind


@dataclass(frozen=True, slots=True)
class Column:
    """A real column; `or_else` answers where it is NULL. shown: the column to show, where another one is compared."""

    name: str
    or_else: str = ""
    shown: str = ""

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        if isinstance(check, Never | InSegments):
            return Q(FALSE)
        expression = self._expression()
        if isinstance(check, Known):
            return Q(Sql("{} IS NOT NULL", expression))
        return Q(known_and(expression, typed(expression, check, field.kind, scope)))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Sql("to_jsonb({})", self.shown or self._expression(), output_field=JSON)

    def _expression(self) -> Sql:
        if self.or_else:
            return Sql("COALESCE({}, {})", self.name, self.or_else)
        return Sql("{}", self.name)


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that is never NULL. exists: whether there is an underlying record, as SQL over `exists_over`."""

    template: str
    over: tuple[str, ...]
    exists: str
    exists_over: tuple[str, ...]

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        exists = Sql(self.exists, *self.exists_over)
        match check:
            case Known():
                return Q(exists)
            case Elements():
                return Q(all_of([exists, typed(self._number(), check, field.kind, scope)]))
            case Never() | InSegments():
                return Q(FALSE)
            case _:
                return Q(typed(self._number(), check, field.kind, scope))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Sql("to_jsonb({})", self._number(), output_field=JSON)

    def _number(self) -> Sql:
        return Sql(self.template, *self.over)


def counter(column: str, exists: str = "") -> Counter:
    """A counter column that has a value once the column `exists` (its own by default) counted something."""
    return Counter("{}", (column,), "{} > 0", (exists or column,))


@dataclass(frozen=True, slots=True)
class Related:
    """A column of the one row that `rows` finds for the outer row.

    rows: (scope) → queryset that refers to the outer row by OuterRef. number: without a row it compares as 0.
    watched: the key under which changes of that row are noted.
    """

    rows: Callable[[Scope], QuerySet[Any]]
    column: str
    number: bool = False
    watched: str = ""

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        rows = self.rows(scope)
        if isinstance(check, Never | InSegments):
            return Q(FALSE)
        if isinstance(check, Known):
            return Q(Exists(rows))
        condition = Q(typed(Sql("{}", self.column), check, field.kind, scope))
        if self.number and holds_for_zero(check):
            return ~Q(Exists(rows.filter(~condition)))
        return Q(Exists(rows.filter(condition)))

    def value(self, field: Field, scope: Scope) -> Combinable:
        found: QuerySet[Model] = self.rows(scope).annotate(shown=Sql("to_jsonb({})", self.column, output_field=JSON))
        return Subquery(found.values("shown")[:1], output_field=JSON)


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Nothing is recorded yet: unknown for everyone, a counter compares as 0."""

    number: bool = False

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        return Q(Sql("TRUE") if self.number and holds_for_zero(check) else FALSE)

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Param("0" if self.number else None, "jsonb")


def typed(expression: Sql, check: Check, kind: Kind, scope: Scope) -> Sql:
    """A check on a real column; false or NULL where it is NULL."""
    match check:
        case OneOf(values):
            if kind is Kind.NUMBER:
                return scalars.numbers(expression, check)
            if kind is Kind.BOOLEAN:
                return scalars.one_of(expression, values, "boolean")
            return scalars.texts(expression, check)
        case TextLike():
            return scalars.like(expression, check)
        case Range():
            if kind is Kind.NUMBER:
                return scalars.numbers(expression, check)
            return Sql("COALESCE({}, FALSE)", scalars.numbers(_numeric(expression), check))
        case When() | MonthDays():
            if kind is Kind.DATE:
                return scalars.days(expression, check)
            return scalars.instants(expression, check, scope.moment.zone.key)
        case EachFound(checks):
            return all_of([typed(expression, part, kind, scope) for part in checks])
        case Elements(count):
            return scalars.numbers(Sql("1"), count)
        case Known():
            return Sql("{} IS NOT NULL", expression)
        case Never() | InSegments():
            return FALSE


def _numeric(text: Sql) -> Sql:
    """A text as the number it is written as, else NULL."""
    return Sql("(CASE WHEN {} ~ {} THEN ({})::numeric END)", text, Param(f"^{NUMBER_TEXT}$", "text"), text)
