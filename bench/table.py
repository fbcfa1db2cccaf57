"""One line of what `make bench` prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Line(NamedTuple):
    """goal: as in bench/README.md. ratio: ours to the yardstick; must: what the goal asks at least."""

    goal: str
    what: str
    ours: str
    yardstick: str
    ratio: str
    must: str = ""


def show(lines: Iterable[tuple[str, ...]]) -> str:
    """The lines in columns."""
    head = ("goal", "what", "ours", "yardstick", "ratio", "must")
    rows = [head, *((*line, "", "", "")[:6] for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
