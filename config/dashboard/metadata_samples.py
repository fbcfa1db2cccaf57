"""Which metadata keys the newest rows carry, how many of them, and what the values look like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from config.exports.kinds import KINDS
from config.project.models import Project

SAMPLE: Final = 500
"""Rows that are looked at."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}\S*", re.ASCII)


@dataclass(frozen=True)
class Sample:
    """rows: how many were looked at. counts: in how many of them a key is set. values: one value of each key."""

    rows: int
    counts: Mapping[str, int]
    values: Mapping[str, Any]

    def share(self, key: str) -> str:
        """How common a key is: `412 of 500`."""
        return f"{self.counts.get(key, 0):,} of {self.rows:,}"


NONE: Final = Sample(0, {}, {})


def sample_of(project: Project, related_object: str) -> Sample:
    """The newest rows of a kind of object; NONE for kinds whose rows cannot be read."""
    for kind in KINDS.values():
        if kind.metadata_path and (kind.metadata_object or kind.name) == related_object:
            return look(kind.rows(project), kind.metadata_path)
    return NONE


def look(rows: QuerySet[Any], path: str) -> Sample:
    """The keys of the newest rows."""
    found = list(rows.order_by("-created_at", "-pk").values_list(path, flat=True)[:SAMPLE])
    counts: Counter[str] = Counter()
    values: dict[str, Any] = {}
    for metadata in found:
        for key, value in (metadata or {}).items() if isinstance(metadata, dict) else ():
            counts[key] += 1
            if value is not None:
                values.setdefault(key, value)
    return Sample(len(found), counts, values)


def guess(value: object) -> tuple[str, bool]:
    """The type a value looks like, and whether it is a list: guess(["2026-01-31"]) == ("date", True)."""
    if isinstance(value, list):
        return (guess(value[0])[0] if value else "string"), True
    if isinstance(value, bool):
        return "boolean", False
    if isinstance(value, int | float):
        return "number", False
    if isinstance(value, dict):
        return "object", False
    text = str(value or "")
    if _DATE.fullmatch(text):
        return "date", False
    return ("datetime" if _INSTANT.fullmatch(text) else "string"), False
