from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from config.kernel import instants


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T09", datetime(2026, 1, 31, 9, tzinfo=UTC)),
        ("2026-01-31T09:15", datetime(2026, 1, 31, 9, 15, tzinfo=UTC)),
        ("2018-08-09T11:39:22Z", datetime(2018, 8, 9, 11, 39, 22, tzinfo=UTC)),
        ("2026-01-31T09:15:00.123Z", datetime(2026, 1, 31, 9, 15, 0, 123000, tzinfo=UTC)),
        ("2026-01-31T09:15:00.123456789+02:00", datetime(2026, 1, 31, 7, 15, 0, 123000, tzinfo=UTC)),
        ("2026-01-31 09:15:00-0530", datetime(2026, 1, 31, 14, 45, tzinfo=UTC)),
    ],
)
def test_parse_instant(text, expected):
    assert instants.parse_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "20240101", "2024-W01-1", "2024-13-01", "2024-02-30", "0000-01-01", "Jan 5 99"),
        *("2026-01-31T25:00", "2026-01-31T09:15:60Z", "２０２６-01-31", "0001-01-01T00:00:00+05:00", "infinity"),
        *("9999-12-31T23:59:59-01:00", "2026-01-31T09:15:00+24:00"),
    ],
)
def test_parse_instant_refuses(text):
    with pytest.raises(ValueError, match=r"."):
        instants.parse_instant(text)


def test_to_wire_is_utc_with_milliseconds():
    berlin = timezone(timedelta(hours=1))
    assert instants.to_wire(datetime(2026, 1, 31, 9, 15, 0, 123999, tzinfo=berlin)) == "2026-01-31T08:15:00.123Z"
    assert instants.to_wire(datetime(33, 1, 1, tzinfo=UTC)) == "0033-01-01T00:00:00.000Z"
    assert instants.to_wire_or_none(None) is None


def test_now_survives_the_wire_unchanged():
    now = instants.now()
    assert instants.parse_instant(instants.to_wire(now)) == now


@pytest.mark.parametrize("text", ["1990-5-1", "19900501", "1990-02-30", "1990-05-01T00:00", ""])
def test_parse_date_refuses(text):
    with pytest.raises(ValueError, match=r"."):
        instants.parse_date(text)


def test_parse_date():
    assert instants.parse_date("1990-05-01") == date(1990, 5, 1)
