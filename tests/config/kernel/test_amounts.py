"""Rounding: exact values, and what holds for every split."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.amounts import GREATEST, average, percent_of, rounded, split


@pytest.mark.parametrize(
    ("amount", "percent", "expected"),
    [
        (11499, "10", 1150),
        (103350, "3", 3101),
        (50350, "3", 1511),
        (1999, "12.5", 250),
        (20050, "15", 3008),
        (105, "10", 11),
        (104, "10", 10),
        (0, "50", 0),
        (700, "0", 0),
        (700, "100", 700),
        (GREATEST, "100", GREATEST),
    ],
)
def test_percent_of_rounds_half_up(amount: int, percent: str, expected: int) -> None:
    assert percent_of(amount, Decimal(percent)) == expected


@pytest.mark.parametrize(("exact", "expected"), [("999/2", 500), ("1/3", 0), ("2/3", 1), ("7", 7), ("5/2", 3)])
def test_rounded_moves_ties_up(exact: str, expected: int) -> None:
    assert rounded(Fraction(exact)) == expected


@pytest.mark.parametrize(("total", "count", "expected"), [(0, 0, 0), (10, 4, 3), (10, 3, 3), (11, 3, 4)])
def test_average(total: int, count: int, expected: int) -> None:
    assert average(total, count) == expected


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (300, [3300, 3400], [148, 152]),
        (1000, [1000, 1000, 1000], [334, 333, 333]),
        (1000, [2000, 4500, 6000], [160, 360, 480]),
        (1000, [2, 3, 3], [250, 375, 375]),
        (5, [0, 0], [0, 0]),
        (0, [1, 2], [0, 0]),
        (7, [], []),
        (1, [0, 1], [0, 1]),
    ],
)
def test_split_by_largest_remainder(total: int, weights: list[int], parts: list[int]) -> None:
    assert split(total, weights) == parts


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**7), min_size=1, max_size=40))
def test_parts_of_a_split_add_up_and_are_never_a_whole_unit_off(total: int, weights: list[int]) -> None:
    parts = split(total, weights)
    whole = sum(weights)
    assert sum(parts) == (total if whole else 0)
    shares = [Fraction(total * weight, whole) if whole else Fraction(0) for weight in weights]
    assert all(abs(part - share) < 1 for part, share in zip(parts, shares, strict=True))
