"""Pure: what an import will do, row by row. The preview and the run build the same plan; a bad row is a value here,
never an exception and never the end of the file.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol

from config.imports.reader import RawRow

GROUPS: Final = 50
SAMPLES: Final = 50


class Outcome(Enum):
    """READY until it is compared with what exists."""

    READY = "ready"
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    INVALID = "failed"


class Problem(NamedTuple):
    """column: the header, "" for the row as a whole. value: the cell. reason: a sentence without its subject."""

    column: str
    value: str
    reason: str

    def sentence(self) -> str:
        """For people: `Birthdate: 31/31/1990 is not a date; write 1990-12-31`."""
        return f"{self.column}: {self.reason}" if self.column else self.reason


class Change(NamedTuple):
    """One cell's old and new value, as text for people."""

    target: str
    old: Any
    new: Any


class PlannedRow(NamedTuple):
    """values: what the app's `load` takes; None when INVALID. changes: filled where a preview compared the row."""

    row: int
    line: int
    outcome: Outcome
    values: Any
    cells: Sequence[str]
    problems: Sequence[Problem] = ()
    changes: Sequence[Change] = ()


@dataclass(slots=True)
class Repeated:
    """Keys that more than one row has. states: what the rows so far made of them, by whatever the app knows them by.

    A preview writes nothing, so the second row about a customer would else be compared with the time before the first.
    """

    numbers: frozenset[int] = frozenset()
    states: dict[Any, Any] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return bool(self.numbers) and number_of(key) in self.numbers

    @classmethod
    def among(cls, keys: Iterable[str]) -> Repeated:
        """From the key cells of all rows, as they stand in the file; "" is none. A million take 8 MB."""
        numbers = array("q", (number_of(key) for key in keys if key))
        return cls(frozenset(one for one, following in pairwise(sorted(numbers)) if one == following))


def number_of(key: str) -> int:
    """The same number for spellings of a key that may mean the same."""
    return hash(key.strip().lstrip("'").strip())


class RowParser(Protocol):
    """A file's columns, bound to a mapping and options."""

    def parse(self, row: int, cells: Sequence[str]) -> tuple[Any, list[Problem]]:
        """Return the values of a row, or None and what is wrong. cells: as many as the header has."""


def plan(rows: Iterable[RawRow], parser: RowParser, width: int) -> Iterator[PlannedRow]:
    """Yield each row as READY or INVALID. width: columns of the header."""
    parse = parser.parse
    for row, line, cells, problem in rows:
        if problem:
            yield PlannedRow(row, line, Outcome.INVALID, None, cells, [Problem("", "", problem)])
            continue
        if len(cells) != width:
            if len(cells) < width or any(cells[width:]):
                reason = f"has {len(cells)} cells, the header has {width}"
                yield PlannedRow(row, line, Outcome.INVALID, None, cells, [Problem("", "", reason)])
                continue
            cells = cells[:width]
        values, problems = parse(row, cells)
        if problems:
            yield PlannedRow(row, line, Outcome.INVALID, None, cells, problems)
        else:
            yield PlannedRow(row, line, Outcome.READY, values, cells)


@dataclass(slots=True)
class Summary:
    """A dry run's numbers, the first rows of each outcome, and like problems together."""

    counts: Counter[Outcome] = field(default_factory=Counter)
    samples: dict[Outcome, list[PlannedRow]] = field(default_factory=dict)
    problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    overwritten: int = 0
    """Stored values that would be replaced by others."""
    cleared: int = 0
    """Stored values that would be gone."""
    keys: array[int] = field(default_factory=lambda: array("q"))
    """A number for each row's key, to count the repeated ones: a million take 8 MB."""

    def add(self, rows: Iterable[PlannedRow]) -> None:
        """Count rows, keep the first 50 of each outcome."""
        for row in rows:
            self.counts[row.outcome] += 1
            sample = self.samples.setdefault(row.outcome, [])
            if len(sample) < SAMPLES:
                sample.append(row)
            for change in row.changes:
                if change.old not in (None, ""):
                    self.cleared += change.new is None
                    self.overwritten += change.new is not None
            for problem in row.problems:
                self._count(problem)

    def know(self, key: str) -> None:
        """Take note of a row's key; "" is none."""
        if key:
            self.keys.append(hash(key))

    @property
    def repeated(self) -> int:
        """Rows whose key an earlier row has too."""
        return sum(1 for one, next_one in pairwise(sorted(self.keys)) if one == next_one)

    def _count(self, problem: Problem) -> None:
        kind = (problem.column, problem.reason.replace(problem.value, "…") if problem.value else problem.reason)
        if kind in self.problems or len(self.problems) < GROUPS:
            self.problems[kind] += 1

    def as_json(self) -> dict[str, Any]:
        """For storing and for a page: counts by outcome, groups of problems by size, samples."""
        return {
            "new": self.counts[Outcome.NEW],
            "changed": self.counts[Outcome.CHANGED],
            "same": self.counts[Outcome.SAME],
            "failed": self.counts[Outcome.INVALID],
            "overwritten": self.overwritten,
            "cleared": self.cleared,
            "repeated": self.repeated,
            "problems": [
                {"column": column, "reason": reason, "rows": rows}
                for (column, reason), rows in self.problems.most_common()
            ],
            "samples": {
                outcome.value: [_row_as_json(row) for row in self.samples.get(outcome, ())]
                for outcome in (Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.INVALID)
            },
        }


def problems_as_json(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """As `ImportFailure.problems` keeps them."""
    return [problem._asdict() for problem in problems]


def reason_of(problems: Iterable[Problem | Mapping[str, str]]) -> str:
    """All problems of a row in one text."""
    return ", ".join(
        (problem if isinstance(problem, Problem) else Problem(**problem)).sentence() for problem in problems
    )


def _row_as_json(row: PlannedRow) -> dict[str, Any]:
    return {
        "row": row.row,
        "line": row.line,
        "cells": list(row.cells),
        "problems": problems_as_json(row.problems),
        "changes": [change._asdict() for change in row.changes],
    }
