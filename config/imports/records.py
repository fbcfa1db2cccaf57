"""Pure: files of plain records. A table says which headers there are and how a cell is read; the rest is metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

from config.imports.plan import Problem
from config.kernel.amounts import GREATEST
from config.kernel.formulas import unguard
from config.kernel.instants import parse_instant
from config.kernel.texts import normal
from config.project.metadata_schema import NO_SCHEMA, Schema, check, from_text

METADATA: Final = "metadata."
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_WHOLE: Final = re.compile(r"[0-9]{1,16}")

Read: TypeAlias = Callable[[str], Any]
"""Cell → value. Raises ValueError with a reason without its subject: `is not a number`."""


class Target(NamedTuple):
    """Where a column's cells go. headers: as the contract spells them, without regard to case, spaces, underscores."""

    key: str
    label: str
    read: Read
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A row that could be read: the filled cells by target, and its metadata."""

    row: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Table:
    """The targets of one kind of file."""

    def __init__(self, *targets: Target) -> None:
        self.targets = targets
        self.by_key = {target.key: target for target in targets}
        self._by_header = {_plain(name): target.key for target in targets for name in (target.label, *target.headers)}

    def target_of(self, header: str) -> str:
        """Where a header goes; what the table does not know is metadata."""
        return self._by_header.get(_plain(header)) or METADATA + header.strip().removeprefix(METADATA)

    def problems(self, mapping: Sequence[str | None], headers: Sequence[str], needed: Sequence[str]) -> list[str]:
        """Why a mapping cannot be run, in sentences. needed: targets that must be there."""
        found, first = [], dict[str, str]()
        for target, header in zip(mapping, headers, strict=True):
            if target is None:
                continue
            if target not in self.by_key and not (target.startswith(METADATA) and len(target) > len(METADATA)):
                found.append(f"{header}: there is no field {target}")
            elif target in first:
                found.append(f"{first[target]} and {header} go to the same field")
            first.setdefault(target, header)
        labels = [self.by_key[key].label for key in needed if key not in first]
        return [*found, *(f"The file has no column {label}" for label in labels)]


class Rows:
    """A file's columns bound to where they go; makes a Record of a row's cells. Empty cells say nothing."""

    def __init__(
        self,
        table: Table,
        mapping: Sequence[str | None],
        headers: Sequence[str],
        *,
        required: Sequence[str] = (),
        schema: Schema = NO_SCHEMA,
        unescape: bool = False,
    ) -> None:
        self._required = [table.by_key[key] for key in required]
        self._schema, self._definitions = schema, schema.live()
        self._unescape = unescape
        self._columns: list[tuple[int, Target, str]] = []
        self._metadata: list[tuple[int, str, str]] = []
        for index, (target, header) in enumerate(zip(mapping, headers, strict=True)):
            if target is None:
                continue
            if target in table.by_key:
                self._columns.append((index, table.by_key[target], header))
            else:
                self._metadata.append((index, normal(target.removeprefix(METADATA)), header))

    def parse(self, row: int, cells: Sequence[str]) -> tuple[Record | None, list[Problem]]:
        """The row, or None and everything that is wrong with it."""
        if self._unescape:
            cells = [unguard(cell) for cell in cells]
        problems: list[Problem] = []
        fields: dict[str, Any] = {}
        for index, target, header in self._columns:
            cell = cells[index].strip()
            if cell:
                try:
                    fields[target.key] = target.read(cell)
                except ValueError as error:
                    problems.append(Problem(header, cell[:200], str(error)))
        named = {problem.column for problem in problems}
        headers = {target.key: header for _, target, header in self._columns}
        for target in self._required:
            if target.key not in fields and headers.get(target.key) not in named:
                problems.append(Problem("", "", f"{target.label} is required"))
        metadata = self._read_metadata(cells, problems)
        return (None if problems else Record(row, fields, metadata)), problems

    def _read_metadata(self, cells: Sequence[str], problems: list[Problem]) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        for index, key, _ in self._metadata:
            cell, definition = cells[index], self._definitions.get(key)
            if not cell:
                continue
            try:
                metadata[key] = normal(cell) if definition is None else from_text(definition, cell.strip())
            except ValueError:
                metadata[key] = cell  # of the wrong type, which the schema says in the wire's words
        if self._schema is not NO_SCHEMA:
            headers = {key: header for _, key, header in self._metadata}
            for complaint in check(metadata, self._schema, whole=False):
                key, _, reason = complaint.partition(": ")
                problems.append(Problem(headers.get(key, key), "", reason))
        return metadata


def text(longest: int) -> Read:
    """Any text up to a length."""

    def read(cell: str) -> str:
        if len(cell) > longest:
            raise ValueError(f"is {len(cell):,} characters long; {longest:,} are the most")
        return normal(cell)

    return read


def key(longest: int) -> Read:
    """As `text`, compared code point by code point."""

    def read(cell: str) -> str:
        if len(cell) > longest:
            raise ValueError(f"is {len(cell):,} characters long; {longest:,} are the most")
        return cell

    return read


def one_of(*allowed: str) -> Read:
    """One of some words, in any case."""

    def read(cell: str) -> str:
        if cell.upper() not in allowed:
            raise ValueError(f"{cell[:40]} is not one of {', '.join(allowed)}")
        return cell.upper()

    return read


def number(cell: str) -> Decimal:
    """A number with a point."""
    if _NUMBER.fullmatch(cell) is None:
        raise ValueError(f"{cell[:40]} is not a number; write 10 or 10.50")
    return Decimal(cell)


def whole(cell: str) -> int:
    """A whole number, 0 or more."""
    if _WHOLE.fullmatch(cell) is None or int(cell) > GREATEST:
        raise ValueError(f"{cell[:40]} is not a whole number")
    return int(cell)


def money(cell: str) -> int:
    """An amount in major units as minor ones: 14.5 is 1450."""
    return minor(number(cell))


def minor(amount: Decimal) -> int:
    """Major units as minor ones. Raises ValueError: below 0, more than two decimals, or too much."""
    cents = amount * 100
    if cents != cents.to_integral_value() or not 0 <= cents <= GREATEST:
        raise ValueError(f"{amount} is not an amount; write 10 or 10.50")
    return int(cents)


def flag(cell: str) -> bool:
    """TRUE or FALSE, in any case."""
    if cell.lower() not in ("true", "false"):
        raise ValueError(f"{cell[:40]} is neither TRUE nor FALSE")
    return cell.lower() == "true"


def instant(cell: str) -> datetime:
    """An ISO 8601 date or date-time."""
    try:
        return parse_instant(cell)
    except ValueError:
        raise ValueError(f"{cell[:40]} is not a date; write 2026-01-31 or 2026-01-31T09:00:00Z") from None


def _plain(header: str) -> str:
    return re.sub(r"[\s_]+", "_", header.strip().lower())
