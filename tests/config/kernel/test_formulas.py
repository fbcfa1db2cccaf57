from __future__ import annotations

import pytest

from config.kernel.formulas import guard, unguard


@pytest.mark.parametrize(
    ("cell", "guarded"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("'=1", "''=1"),
        ("''=1", "'''=1"),
        ("-5", "-5"),
        ("+49 (30) 123-45", "+49 (30) 123-45"),
        ("'quoted'", "'quoted'"),
        ("O'Donnell", "O'Donnell"),
        ("", ""),
        ("-5\n", "'-5\n"),
    ],
)
def test_a_guarded_cell_comes_back_as_it_was(cell, guarded):
    assert guard(cell) == guarded
    assert unguard(guarded) == cell
