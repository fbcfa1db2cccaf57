"""What an app tells the importer about its rows. One object per kind of file; nothing here knows the apps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from config.imports.plan import PlannedRow, Repeated, RowParser
from config.project.models import Project

EMPTY_KEEPS = "keep"
EMPTY_CLEARS = "clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a file is applied.

    empty: `keep` leaves fields of empty cells, and metadata without a column, as they are (the dashboard's start);
    `clear` empties and replaces them (the API's rule). existing: `both`, `add` or `update`.
    unescape: take off the apostrophe before formulas. most_failed: stop when more than this percentage failed.
    metadata: key → text that every row gets besides its cells. segment: name of a new fixed segment of the customers.
    webhooks: tell them of every row (vouchers only).
    import_file: row id of the file, in a run.
    """

    empty: str = EMPTY_KEEPS
    existing: str = "both"
    unescape: bool = False
    most_failed: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    segment: str = ""
    webhooks: bool = False
    import_file: int | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Options:
        """Options as `ImportFile.options` keeps them; other keys are ignored."""
        return cls(**{name: stored[name] for name in cls.__slots__ if name in stored})

    def as_json(self) -> dict[str, Any]:
        """For `ImportFile.options`."""
        return {name: getattr(self, name) for name in self.__slots__}


class TargetChoice(NamedTuple):
    """A field a column can go to, for the mapping page."""

    key: str
    label: str


@dataclass(slots=True)
class Applied:
    """What became of a batch's rows. refused: number of the row → why, for rows only the database could refuse."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: dict[int, str] = field(default_factory=dict)


class Subject(Protocol):
    """Customers, vouchers, products: whatever a file's rows become."""

    name: str
    """As `ImportFile.subject`."""
    thing: str
    """As the wire's message says: `customer`."""
    action_type: str
    """As `AsyncAction.type`."""
    keys: tuple[str, ...]
    """Targets of the columns that say what a row is about; the first filled one counts, the last is shown."""

    def targets(self, project: Project) -> Sequence[TargetChoice]:
        """Fields to choose from; metadata keys of the schema among them."""

    def propose(self, headers: Sequence[str]) -> list[str | None]:
        """A target for each header, as a person would choose it."""

    def mapping_problems(self, mapping: Sequence[str | None], headers: Sequence[str], *, needs_key: bool) -> list[str]:
        """Why the mapping cannot be run, in sentences."""

    def parser(
        self, project: Project, mapping: Sequence[str | None], headers: Sequence[str], options: Options
    ) -> RowParser:
        """What makes values of cells."""

    def key_of(self, values: Any) -> str:
        """What two rows about the same thing share; "" when the row is always a new thing."""

    def loaders(self, mapping: Sequence[str | None]) -> int:
        """How many loaders may work at once: 1 where two rows of different keys can mean the same thing."""

    def compare(
        self, project: Project, rows: Sequence[PlannedRow], options: Options, repeated: Repeated
    ) -> list[PlannedRow]:
        """READY rows as NEW, CHANGED (with old → new) or SAME, against what is stored; nothing is written.

        repeated: keys of more than one row, and what the earlier ones made of their things.
        """

    def load(self, project: Project, rows: Sequence[Any], options: Options, at: datetime) -> Applied:
        """Write the values of a batch in the caller's transaction."""
