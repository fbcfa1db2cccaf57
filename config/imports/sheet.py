"""A workbook's first sheet as a CSV file; runs as a process of its own, with bounds on memory and time.

python -I sheet.py <workbook> <csv to write> <most bytes to write>

Prints JSON objects, one a line: {"progress": n} while it works; last {"rows": n} (rows of the sheet up to the last one
that holds something) or {"error": sentence}.
Row n of the sheet is record n of the CSV, so lines in reports are the rows people see. Knows nothing of the project:
whatever a hostile file does to it, it does it here.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import openpyxl

MEMORY: Final = 512 * 1024 * 1024
SECONDS: Final = 120
MOST_COLUMNS: Final = 300
MOST_ROWS: Final = 1_048_576
PROGRESS_ROWS: Final = 2_000
MIDNIGHT: Final = time()


class Refused(Exception):
    """The sentence for the person."""


def text_of(value: Any) -> str:
    """A cell as a CSV file would hold it: dates and date-times in ISO 8601, `true`, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == MIDNIGHT else value.isoformat(timespec="milliseconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)


def records(rows: Iterable[Sequence[Any]], wide: int) -> Iterator[list[str]]:
    """Rows as texts: at least `wide` cells where there is one at all, blank rows empty, none after the last one."""
    blank = 0
    for row in rows:
        cells = [text_of(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            blank += 1
            continue
        for _ in range(blank):
            yield []
        blank = 0
        yield [*cells, *[""] * (wide - len(cells))]


def width_of(sheet: Any) -> int:
    """Columns of the first row that holds something. Raises Refused where it has too many."""
    for row in sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS + 1, values_only=True):
        filled = [number for number, value in enumerate(row, start=1) if value is not None]
        if filled:
            if filled[-1] > MOST_COLUMNS:
                raise Refused(f"The file has more than {MOST_COLUMNS} columns; {MOST_COLUMNS} are the most")
            return filled[-1]
    raise Refused("The file is empty")


def say(answer: dict[str, Any]) -> None:
    """Tell the process that waits."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def convert(source: str, target: str, limit: int) -> int:
    """Write the first sheet and return its number of rows."""
    book = openpyxl.load_workbook(open(source, "rb"), read_only=True, data_only=True, keep_links=False)  # noqa: SIM115
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    if not sheets:
        raise Refused("The workbook has no sheet")
    sheet = sheets[0]
    sheet.reset_dimensions()  # what the file says about its size may be wrong
    wide = width_of(sheet)
    rows = sheet.iter_rows(max_row=MOST_ROWS, max_col=min(wide + 1, MOST_COLUMNS + 1), values_only=True)
    written = size = 0
    with open(target, "wb") as file:
        for cells in records(rows, wide):
            line = io.StringIO()
            csv.writer(line).writerow(cells)
            size += file.write(line.getvalue().encode("utf-8", "replace"))
            written += 1
            if written % PROGRESS_ROWS == 0:
                say({"progress": written})
            if size > limit:
                raise Refused(f"The workbook's text is larger than {limit:,} bytes")
    return written


def bound() -> None:
    """Give this process its limits, and let whoever answers requests go first."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(source: str, target: str, limit: str) -> dict[str, Any]:
    """Convert and say how it went."""
    bound()
    warnings.simplefilter("ignore")
    try:
        return {"rows": convert(source, target, int(limit))}
    except Refused as refusal:
        return {"error": str(refusal)}
    except MemoryError:
        return {"error": "The workbook needs more memory than is allowed; save it as CSV"}
    except Exception as error:  # noqa: BLE001  a hostile file may raise anything; its kind is all that leaves
        return {"error": f"The workbook cannot be read ({type(error).__name__}); save it as CSV"}


if __name__ == "__main__":
    say(main(*sys.argv[1:4]))
