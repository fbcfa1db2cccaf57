"""The next open windows, in the project's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from vouchers import windows
from vouchers.engine import validity
from vouchers.engine.terms import Validity

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 2, 3, 10, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Berlin


def local(found):
    return [
        (f"{begin.astimezone(BERLIN):%a %d %H:%M}", f"{end.astimezone(BERLIN):%a %d %H:%M}" if end else None)
        for begin, end in found
    ]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (Validity(), [("Tue 03 11:00", None)]),
        (Validity(expiration_date=NOW - timedelta(days=1)), []),
        (
            Validity(start_date=NOW + timedelta(days=1), expiration_date=NOW + timedelta(days=2)),
            [("Wed 04 11:00", "Thu 05 11:00")],
        ),
        (
            Validity(day_of_week=(2, 6)),
            [("Tue 03 11:00", "Wed 04 00:00"), ("Sat 07 00:00", "Sun 08 00:00"), ("Tue 10 00:00", "Wed 11 00:00")],
        ),
        (
            Validity(hours={"daily": [{"start_time": "09:00", "expiration_time": "12:00", "days_of_week": [2, 3]}]}),
            [("Tue 03 11:00", "Tue 03 12:00"), ("Wed 04 09:00", "Wed 04 12:00"), ("Tue 10 09:00", "Tue 10 12:00")],
        ),
        (
            Validity(start_date=NOW - timedelta(hours=2), timeframe={"duration": "PT1H", "interval": "P1D"}),
            [("Wed 04 09:00", "Wed 04 10:00"), ("Thu 05 09:00", "Thu 05 10:00"), ("Fri 06 09:00", "Fri 06 10:00")],
        ),
        (
            Validity(
                start_date=NOW,
                expiration_date=NOW + timedelta(days=5),
                timeframe={"duration": "P1D", "interval": "P3D"},
            ),
            [("Tue 03 11:00", "Wed 04 11:00"), ("Fri 06 11:00", "Sat 07 11:00")],
        ),
        (Validity(day_of_week=(0, 1, 2, 3, 4, 5, 6)), [("Tue 03 11:00", None)]),
    ],
)
def test_the_next_three_windows(terms, expected):
    assert local(windows.upcoming(terms, NOW, BERLIN)) == expected


def test_the_engine_agrees_at_both_ends_of_every_window():
    terms = Validity(
        start_date=NOW - timedelta(days=40),
        timeframe={"duration": "PT36H", "interval": "P1M"},
        day_of_week=(1, 2, 3, 4),
    )
    for begin, end in windows.upcoming(terms, NOW, BERLIN):
        assert end is not None
        assert validity.outside(terms, begin, BERLIN) is None
        assert validity.outside(terms, end - timedelta(seconds=1), BERLIN) is None
        assert validity.outside(terms, end + timedelta(seconds=1), BERLIN) is not None
