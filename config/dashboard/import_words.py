"""How imports are shown: the history's columns, and the words for what becomes of rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.safestring import SafeString

from config.dashboard import kit
from config.dashboard.lists import Column, ListSpec, Sort, TabLink
from config.dashboard.tasks import state_of
from config.imports.models import ImportFile
from config.imports.subjects import EMPTY_CLEARS, EMPTY_KEEPS, Options

OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    "new": ("New", "ok"),
    "changed": ("Changed", "run"),
    "same": ("Same", "off"),
    "failed": ("Failed", "bad"),
}
"""Keys of a preview's summary → label and tone."""
COUNTED: Final = (
    ("created", "New", "ok"),
    ("updated", "Changed", "run"),
    ("unchanged", "Same", "off"),
    ("failed", "Failed", "bad"),
)
"""Counts of a run → label and tone."""


EXISTING_WORDS: Final = {
    "both": "New customers are added, existing ones are changed.",
    "add": "Only new customers are added; existing ones stay as they are.",
    "update": "Only existing customers are changed; nobody is added.",
}
EMPTY_WORDS: Final = {
    EMPTY_KEEPS: "Empty cells, and metadata that the file has no column for, keep what is stored.",
    EMPTY_CLEARS: "Empty cells clear what is stored, and the file's metadata replaces all that is stored.",
}


def import_list(at: datetime) -> ListSpec[ImportFile]:
    """The history."""
    return ListSpec(
        one="import",
        many="imports",
        columns=(
            Column("Import", _name_cell),
            Column("State", _state_cell),
            Column("New", lambda row: _count(row, "created"), number=True),
            Column("Changed", lambda row: _count(row, "updated"), number=True),
            Column("Same", lambda row: _count(row, "unchanged"), number=True, on_phone=False),
            Column("Failed", lambda row: _count(row, "failed_count"), number=True),
            Column("Who", lambda row: row.created_by.email if row.created_by else kit.NONE, on_phone=False),
            Column("When", lambda row: kit.moment(row.created_at, at)),
        ),
        sorts=(Sort("created", "When", "created_at", descending=True),),
    )


def option_sentences(options: Options) -> list[str]:
    """What was chosen, in words."""
    words = [EXISTING_WORDS[options.existing], EMPTY_WORDS[options.empty]]
    words += [f"Every customer gets the metadata {key} = {value}." for key, value in options.metadata.items()]
    if options.segment:
        words.append(f"A new fixed segment “{options.segment}” holds the customers of this file.")
    if options.most_failed is not None:
        words.append(f"It stops when more than {options.most_failed} % of the rows fail.")
    return words


def preview_tabs(summary: Mapping[str, Any], shown: str) -> list[TabLink]:
    """One tab for each outcome with its number."""
    return [
        TabLink(f"{label} ({summary[key]:,})", f"?show={key}", key == shown) for key, (label, _) in OUTCOMES.items()
    ]


def _name_cell(row: ImportFile) -> SafeString:
    name = row.title or row.given_name
    link = kit.link(reverse("dashboard:import", args=[row.public_id]), name, row=True)
    return kit.with_note(link, row.given_name if row.given_name != name else "")


def _state_cell(row: ImportFile) -> SafeString:
    return kit.status("wait", "Not run yet") if row.action is None else kit.status(*state_of(row.action))


def _count(row: ImportFile, key: str) -> Any:
    result = row.action.result if row.action else None
    return kit.number(result[key]) if result and key in result else kit.NONE
