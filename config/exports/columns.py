"""How a column of a model becomes a cell of CSV, in SQL: PostgreSQL writes the lines, Python only passes them on.

Cells: instants in UTC with milliseconds, amounts in minor units, booleans true/false, arrays joined by commas, null
empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Expression, F, Func, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from config.kernel.formulas import FORMULA, HARMLESS

METADATA_PREFIX: Final = "metadata."


@dataclass(frozen=True, slots=True)
class Column:
    """One field of an export. free_text: people wrote it, so it may look like a formula."""

    name: str
    expression: Callable[[], Combinable]
    free_text: bool = False


class _Text(Func):
    """An SQL template over one expression that yields text."""

    output_field = TextField()

    def __init__(self, expression: Any, template: str) -> None:
        super().__init__(expression)
        self.template = template


def text(name: str, path: str = "") -> Column:
    """A text column that people wrote."""
    return Column(name, lambda: F(path or name), free_text=True)


def plain(name: str, path: str = "") -> Column:
    """Ids, statuses, numbers and days: as PostgreSQL writes them."""
    return Column(name, lambda: F(path or name))


def instant(name: str, path: str = "") -> Column:
    """2026-01-31T09:15:00.123Z."""
    template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    return Column(name, lambda: _Text(F(path or name), template))


def boolean(name: str, path: str = "") -> Column:
    """`true` or `false`; COPY would write t and f."""
    return Column(name, lambda: Cast(F(path or name), TextField()))


def computed(name: str, expression: Callable[[], Expression], *, free_text: bool = False) -> Column:
    """Any expression."""
    return Column(name, expression, free_text)


_CELL: Final = """(SELECT CASE jsonb_typeof(value)
    WHEN 'array' THEN (SELECT string_agg(CASE WHEN jsonb_typeof(item) IN ('object', 'array') THEN item::text
        ELSE item #>> '{}' END, ',') FROM jsonb_array_elements(value) AS item)
    ELSE value #>> '{}' END FROM (SELECT %(expressions)s AS value) AS cell)"""


class _Key(Func):
    """One key of a jsonb column, still jsonb."""

    template = "(%(expressions)s)"
    arg_joiner = " -> "


def metadata(key: str, path: str = "metadata") -> Column:
    """The key `metadata.<key>`: scalars as they are, arrays joined by commas, objects as JSON."""
    return Column(METADATA_PREFIX + key, lambda: _Text(_Key(F(path), Value(key)), _CELL), free_text=True)


def json(name: str, path: str = "") -> Column:
    """A whole JSON column: arrays joined by commas, objects as JSON."""
    return Column(name, lambda: _Text(F(path or name), _CELL), free_text=True)


GUARD: Final = f"^(?!{HARMLESS.removeprefix('^')})(?={FORMULA.removeprefix('^')})"
"""The empty place in front of what a spreadsheet might run."""


def safe(expression: Combinable) -> Combinable:
    """The expression with an apostrophe in front where a spreadsheet might run it."""
    pattern = GUARD.replace("'", "''")
    return _Text(expression, f"regexp_replace(%(expressions)s, '{pattern}', '''')")


def header(name: str, *, raw: bool) -> str:
    """`customer_source_id` → `Customer Source ID`; metadata keys stay as they are; raw: every name does."""
    if raw or name.startswith(METADATA_PREFIX):
        return name
    return " ".join("ID" if word == "id" else word[:1].upper() + word[1:] for word in name.split("_"))
