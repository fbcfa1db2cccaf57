from __future__ import annotations

import csv
import resource
from datetime import date, datetime, time

import pytest

from config.imports import workbooks
from config.imports.errors import UnreadableFile
from config.imports.sheet import text_of
from tests.config.imports.workbooks import BOMBS, by_hand, cell_at, inline, workbook

LIMIT = 50_000_000


@pytest.fixture
def convert(tmp_path):
    def converted(content, limit=LIMIT):
        (tmp_path / "book").write_bytes(content)
        rows = workbooks.to_csv(tmp_path / "book", tmp_path / "csv", limit=limit)
        with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
            read = list(csv.reader(file))
        assert len(read) == rows
        return read

    return converted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("=1+1", "=1+1"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (7.0, "7"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (1e20, "1e+20"),
        (4915123456789, "4915123456789"),
        (datetime(1990, 12, 31), "1990-12-31"),  # noqa: DTZ001  a sheet knows no zones
        (datetime(2026, 1, 31, 9, 15), "2026-01-31T09:15:00.000"),  # noqa: DTZ001
        (date(1990, 12, 31), "1990-12-31"),
        (time(9, 15), "09:15:00"),
    ],
)
def test_a_cell_becomes_the_text_a_csv_file_would_hold(value, text):
    assert text_of(value) == text


def test_a_sheet_becomes_its_rows(convert):
    book = workbook(
        ["Source_id", "Name", "Birthdate", "vip"], ["a", "Ada\nLind", date(1990, 12, 31), True], [], ["b"], ["c", "Zoë"]
    )
    assert convert(book) == [
        ["Source_id", "Name", "Birthdate", "vip"],
        ["a", "Ada\nLind", "1990-12-31", "true"],
        [],
        ["b", "", "", ""],
        ["c", "Zoë", "", ""],
    ]


@pytest.mark.parametrize("place", ["XFD1048576", "A1048577", "ZZ2"])
def test_a_cell_far_away_costs_nothing(convert, place):
    if place == "A1048577":
        book = by_hand(inline(1, "Source_id", "Name") + inline(2, "a", "Ada") + inline(1_048_577, "z"))
    else:
        book = cell_at(place)
    assert convert(book) == [["Source_id", "Name"], ["a", "Ada"]]


def test_a_cell_beside_the_header_is_kept_to_be_reported(convert):
    assert convert(workbook(["Source_id", "Name"], ["a", "Ada", "more"]))[1] == ["a", "Ada", "more"]


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_and_this_process_stays_small(convert, name):
    content = BOMBS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableFile):
        convert(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
