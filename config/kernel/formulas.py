"""Cells that a spreadsheet might run, guarded by an apostrophe in what people download and freed of it on import."""

from __future__ import annotations

import re
from typing import Final

FORMULA: Final = r"^'*[=+@\-\t\r]"
"""What a spreadsheet might run; also with apostrophes in front, so that taking one off again loses nothing.

Means the same to Python and to PostgreSQL.
"""
HARMLESS: Final = r"^[+-]?[0-9][0-9 ().,/-]*$"
"""Numbers and telephone numbers, which keep their sign."""

_formula: Final = re.compile(FORMULA).match
_harmless: Final = re.compile(HARMLESS).fullmatch


def guard(cell: str) -> str:
    """The cell with an apostrophe in front where a spreadsheet might run it: `=1+1` becomes `'=1+1`."""
    return "'" + cell if _formula(cell) and not _harmless(cell) else cell


def unguard(cell: str) -> str:
    """Take off what `guard` put in front; other cells stay as they are."""
    return cell[1:] if cell.startswith("'") and _formula(cell) else cell
