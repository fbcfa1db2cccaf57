"""Windows in the project's zone, with their bounds and the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from vouchers.engine import validity
from vouchers.engine.terms import Validity
from vouchers.engine.validity import Duration

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT1H", Duration(0, timedelta(hours=1))),
        ("P1D", Duration(0, timedelta(days=1))),
        ("P2W", Duration(0, timedelta(weeks=2))),
        ("P1Y2M", Duration(14, timedelta())),
        ("P1M1DT30M", Duration(1, timedelta(days=1, minutes=30))),
    ],
)
def test_durations(text: str, duration: Duration) -> None:
    assert validity.parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "P", "PT", "P0D", "1H", "PT1H2", "P-1D", "P1.5D", None, 5, "PT٣H"])
def test_what_is_no_duration(text: Any) -> None:
    with pytest.raises(ValueError, match="should be"):
        validity.parse_duration(text)


DAILY = {"duration": "PT1H", "interval": "P1D"}
MONTHLY = {"duration": "P2D", "interval": "P1M"}


@pytest.mark.parametrize(
    ("_case", "timeframe", "start", "moment", "inside"),
    [
        ("first instant", DAILY, "2026-03-01T08:00", "2026-03-01T08:00", True),
        ("last instant is outside", DAILY, "2026-03-01T08:00", "2026-03-01T09:00", False),
        ("just before the end", DAILY, "2026-03-01T08:00", "2026-03-01T08:59:59.999", True),
        ("tenth day", DAILY, "2026-03-01T08:00", "2026-03-11T08:30", True),
        ("between", DAILY, "2026-03-01T08:00", "2026-03-11T10:30", False),
        ("before the start", DAILY, "2026-03-01T08:00", "2026-02-28T08:30", False),
        ("first of the month, by the calendar", MONTHLY, "2026-01-31T00:00", "2026-02-28T12:00", True),
        ("two days from the last of February", MONTHLY, "2026-01-31T00:00", "2026-03-02T00:00", False),
        ("no drift after February", MONTHLY, "2026-01-31T00:00", "2026-03-31T01:00", True),
        ("not yet in March", MONTHLY, "2026-01-31T00:00", "2026-03-30T23:00", False),
    ],
)
def test_timeframes(_case: str, timeframe: dict[str, str], start: str, moment: str, inside: bool) -> None:
    window = Validity(start_date=at(start), timeframe=timeframe)
    assert (validity.outside(window, at(moment), UTC_ZONE) is None) is inside


def test_a_month_is_counted_on_the_calendar_of_the_zone() -> None:
    # 1 March 00:00 in Berlin is 23:00 UTC of February; after the change of clocks the month begins at 22:00 UTC.
    window = Validity(start_date=at("2026-02-28T23:00"), timeframe={"duration": "PT1H", "interval": "P1M"})
    assert validity.outside(window, at("2026-03-31T22:30"), BERLIN) is None
    assert validity.outside(window, at("2026-03-31T23:30"), BERLIN) == "validity_timeframe"


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-03-08T12:00", UTC_ZONE, 0),
        ("2026-03-14T12:00", UTC_ZONE, 6),
        ("2026-03-08T23:30", UTC_ZONE, 0),
        ("2026-03-08T23:30", BERLIN, 1),
    ],
)
def test_weekday_is_the_zones(moment: str, zone: ZoneInfo, day: int) -> None:
    assert validity.weekday(at(moment), zone) == day
    assert validity.outside(Validity(day_of_week=(day,)), at(moment), zone) is None
    assert validity.outside(Validity(day_of_week=((day + 1) % 7,)), at(moment), zone) == "validity_day_of_week"


def opening(start: str, end: str, *days: int) -> dict[str, Any]:
    return {"start_time": start, "expiration_time": end} | ({"days_of_week": list(days)} if days else {})


@pytest.mark.parametrize(
    ("_case", "daily", "moment", "zone", "inside"),
    [
        ("start counts", [opening("09:00", "11:00", 2)], "2026-03-10T09:00", UTC_ZONE, True),
        ("end does not", [opening("09:00", "11:00", 2)], "2026-03-10T11:00", UTC_ZONE, False),
        ("wrong day", [opening("09:00", "11:00", 3)], "2026-03-10T10:00", UTC_ZONE, False),
        ("every day", [opening("09:00", "11:00")], "2026-03-13T10:59", UTC_ZONE, True),
        ("local hours", [opening("09:00", "11:00", 2)], "2026-03-10T08:30", BERLIN, True),
        ("past midnight", [opening("22:00", "02:00", 2)], "2026-03-11T01:59", UTC_ZONE, True),
        ("past midnight of Saturday", [opening("22:00", "02:00", 6)], "2026-03-15T01:00", UTC_ZONE, True),
        ("until midnight", [opening("18:00", "00:00", 2)], "2026-03-10T23:59", UTC_ZONE, True),
        ("second window", [opening("09:00", "11:00", 2), opening("15:00", "16:00", 2)], "2026-03-10T15:30", UTC_ZONE,
         True),
    ],
)  # fmt: skip
def test_hours(_case: str, daily: list[Any], moment: str, zone: ZoneInfo, inside: bool) -> None:
    assert (validity.outside(Validity(hours={"daily": daily}), at(moment), zone) is None) is inside


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"daily": [opening("09:00", "11:00"), opening("10:59", "12:00", 3)]}, "overlap"),
        ({"daily": [opening("22:00", "02:00", 6), opening("01:00", "03:00", 0)]}, "overlap"),
        ({"daily": []}, "'daily'"),
        ({}, "'daily'"),
        ("09:00", "'daily'"),
        ({"daily": ["x"]}, "objects"),
        ({"daily": [opening("9:00", "11:00")]}, "'start_time'"),
        ({"daily": [opening("09:00", "24:00")]}, "'expiration_time'"),
        ({"daily": [opening("09:00", "11:00", 7)]}, "weekdays"),
    ],
)
def test_hours_that_are_refused(value: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        validity.parse_hours(value)


@pytest.mark.parametrize("value", [[7], [-1], "12", [True], [1.0], 3])
def test_days_that_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="weekdays"):
        validity.parse_days(value)
