"""Amounts, moments and words as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.dashboard import kit

NOON = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (0, "", "0.00"),
        (5, "EUR", "€0.05"),
        (123456789, "USD", "$1,234,567.89"),
        (-1050, "CHF", "−CHF 10.50"),
        (None, "EUR", "–"),
    ],
)
def test_money(amount, currency, text):
    assert kit.money_text(amount, currency) == text


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-3), "in a moment"),
        (timedelta(seconds=50), "1 min ago"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=-1), "in 1 day"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=20), "14 Jan"),
        (timedelta(days=200), "18 Jul 2025"),
    ],
)
def test_relative_times(ago, words):
    assert kit.relative(NOON - ago, NOON) == words


def test_cells_escape_what_people_typed():
    assert "<script>" not in kit.code("<script>") + kit.with_note("a", "<script>") + kit.link("/x", "<script>")


@pytest.mark.parametrize(("value", "text"), [("12.50", "12.5 %"), (20, "20 %"), (0, "0 %")])
def test_percent(value, text):
    assert kit.percent_text(value) == text
