"""What can be filtered by: fields, and the table that finds them by the key of the wire.

A row says what a field is called, what type it has and where its value lives. Apps add rows with `register`; a new
field is one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from config.filters.checks import Check
from config.filters.days import Moment
from config.filters.values import Kind

if TYPE_CHECKING:
    from django.db.models import Q
    from django.db.models.expressions import Combinable


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom and when a filter is compiled. expanding: the segments whose filters are being compiled around it.

    late: bounds relative to now stay open (`late`); the condition is for a fragment and not for a query.
    """

    project_id: int
    moment: Moment
    fields: FieldTable
    expanding: frozenset[str] = frozenset()
    late: bool = False


class Source(Protocol):
    """Where a field's value lives."""

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        """A condition on the outer row that is true or false, never NULL."""
        ...

    def value(self, field: Field, scope: Scope) -> Combinable:
        """The value itself as jsonb, to be shown."""
        ...


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to filter by.

    unit: "money" (minor units), "points", "times". values: what it can be, where that is declared. any_year: the
    birthday rule of the calendar operators. exact: compared as stored, without Unicode normalisation. lowered:
    compared in lower case. declared: not merely seen in data.
    """

    key: str
    label: str
    group: str
    kind: Kind
    source: Source = field(compare=False)
    array: bool = False
    unit: str = ""
    hint: str = ""
    values: tuple[str, ...] = ()
    any_year: bool = False
    exact: bool = False
    lowered: bool = False
    declared: bool = True
    offered: bool = True
    """Whether the builder offers it; synonyms are accepted without being offered."""
    depends_on: tuple[str, ...] = ()
    """Other keys whose change changes this one."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Many fields of one shape: `<prefix><name><suffix>`; the name may hold dots and spaces.

    build: makes the field of a key and its name. declarable: a project may declare such keys with a type of their own.
    example: a name in angle brackets, under which the builder's picker shows the shape.
    """

    prefix: str
    suffix: str
    build: Callable[[str, str], Field]
    declarable: bool = False
    example: str = "<name>"

    def field(self, key: str) -> Field | None:
        """The field of a key of this shape."""
        if not key.startswith(self.prefix) or not key.endswith(self.suffix):
            return None
        name = key[len(self.prefix) : len(key) - len(self.suffix)] if self.suffix else key[len(self.prefix) :]
        return self.build(key, name) if name and len(key) > len(self.prefix) + len(self.suffix) else None


class FieldTable:
    """Fields by key, then by pattern in the order of registration."""

    def __init__(self, *rows: Field | Pattern) -> None:
        self._fields: dict[str, Field] = {}
        self._patterns: list[Pattern] = []
        self._declared: Callable[[], dict[str, Field]] = dict
        self._cache: dict[str, Field] | None = None
        self.register(*rows)

    def register(self, *rows: Field | Pattern) -> None:
        """Add rows; a key replaces its former row."""
        for row in rows:
            if isinstance(row, Field):
                self._fields[row.key] = row
            elif row not in self._patterns:
                self._patterns.append(row)

    def with_declared(self, declared: Callable[[], dict[str, Field]]) -> FieldTable:
        """A table with a project's own fields in front; `declared` is asked once, when a pattern's key first comes."""
        table = FieldTable()
        table._fields, table._patterns, table._declared = self._fields, self._patterns, declared
        return table

    def get(self, key: str) -> Field | None:
        """The field of a key, or None."""
        if found := self._fields.get(key):
            return found
        for pattern in self._patterns:
            if found := pattern.field(key):
                return self.declared().get(key, found) if pattern.declarable else found
        return None

    def __getitem__(self, key: str) -> Field:
        if found := self.get(key):
            return found
        raise KeyError(key)

    def __iter__(self) -> Iterator[Field]:
        yield from self._fields.values()
        yield from self.declared().values()

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The shapes of many fields."""
        return tuple(self._patterns)

    @property
    def has_asked(self) -> bool:
        """Whether what was read through this table depends on the project's own fields."""
        return self._cache is not None

    def declared(self) -> dict[str, Field]:
        """The project's own fields by key."""
        if self._cache is None:
            self._cache = self._declared()
        return self._cache
