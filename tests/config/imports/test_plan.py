from __future__ import annotations

from config.imports.plan import Change, Outcome, PlannedRow, Problem, Summary, plan, reason_of
from config.imports.reader import RawRow


class Doubling:
    def parse(self, row, cells):
        if cells[0] == "bad":
            return None, [Problem("a", "bad", "bad is no value")]
        return [cell * 2 for cell in cells], []


def test_each_row_is_ready_or_says_what_is_wrong():
    raw = [
        RawRow(1, 2, ["x", "y"]),
        RawRow(2, 3, ["bad", "y"]),
        RawRow(3, 4, ["x"]),
        RawRow(4, 5, ["x", "y", ""]),
        RawRow(5, 6, ["x", "y", "z"]),
        RawRow(6, 7, ['x,"y'], "has a quote that is opened and never closed"),
    ]
    rows = list(plan(raw, Doubling(), 2))
    assert [(row.outcome, row.values) for row in rows] == [
        (Outcome.READY, ["xx", "yy"]),
        (Outcome.INVALID, None),
        (Outcome.INVALID, None),
        (Outcome.READY, ["xx", "yy"]),
        (Outcome.INVALID, None),
        (Outcome.INVALID, None),
    ]
    assert [reason_of(row.problems) for row in rows if row.problems] == [
        "a: bad is no value",
        "has 1 cells, the header has 2",
        "has 3 cells, the header has 2",
        "has a quote that is opened and never closed",
    ]
    assert rows[4].cells == ["x", "y", "z"]


def test_a_summary_counts_groups_and_keeps_the_first_rows():
    summary = Summary()
    summary.add(
        PlannedRow(n, n + 1, Outcome.INVALID, None, [str(n)], [Problem("Birthdate", str(n), f"{n} is not a date")])
        for n in range(100, 160)
    )
    changes = [Change("name", "Nora", "Nora L."), Change("email", None, "n@example.com")]
    summary.add([PlannedRow(1, 2, Outcome.CHANGED, object(), ["a"], (), changes)])
    shown = summary.as_json()
    assert (shown["failed"], shown["changed"], shown["new"], shown["overwritten"]) == (60, 1, 0, 1)
    assert shown["problems"] == [{"column": "Birthdate", "reason": "… is not a date", "rows": 60}]
    assert len(shown["samples"]["failed"]) == 50
    assert shown["samples"]["changed"][0]["changes"][0] == {"target": "name", "old": "Nora", "new": "Nora L."}
