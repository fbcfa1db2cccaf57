"""Instants and dates on the wire: ISO 8601, UTC, milliseconds, `Z`.

What is stored is cut to milliseconds, so that a cursor made of a wire value meets the stored value exactly.
Only edges (views, commands, tasks, dashboard) call `now()`; everything below takes `at`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

_INSTANT: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<hour>\d{2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<zone>Z|z|[+-]\d{2}(?::?\d{2})?)?)?"
)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def now() -> datetime:
    """The present in UTC, cut to milliseconds. For edges only."""
    return cut(datetime.now(UTC))


def cut(at: datetime) -> datetime:
    """The same instant in UTC without the part below a millisecond."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def to_wire(at: datetime) -> str:
    """2026-01-31T09:15:00.123Z; at: aware."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def to_wire_or_none(at: datetime | None) -> str | None:
    """`to_wire`, or None for None."""
    return None if at is None else to_wire(at)


def parse_instant(text: str) -> datetime:
    """Return the aware UTC instant of an ISO 8601 date or date-time; a missing zone is UTC, a missing time midnight.

    Accepted: 2026-01-31, 2026-01-31T09, T09:15, T09:15:00, fractions, Z and offsets. Cut to milliseconds.
    Raises ValueError for anything else, also for years outside 1 to 9999.
    """
    match = _INSTANT.fullmatch(text.strip())
    if match is None or not text.isascii():
        raise ValueError(f"not an ISO 8601 date or date-time: {text[:40]!r}")
    day = date.fromisoformat(match["date"])
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    at = datetime(
        *(day.year, day.month, day.day),
        *(int(match["hour"] or 0), int(match["minute"] or 0), int(match["second"] or 0), int(fraction or 0)),
        tzinfo=UTC,
    )
    try:
        return cut(at - _offset(match["zone"]))
    except OverflowError as error:
        raise ValueError(f"outside the years 1 to 9999: {text[:40]!r}") from error


def parse_date(text: str) -> date:
    """Return the day of YYYY-MM-DD. Raises ValueError for anything else."""
    if not text.isascii() or _DATE.fullmatch(text) is None:
        raise ValueError(f"not a date: {text[:40]!r}")
    return date.fromisoformat(text)


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset >= timedelta(hours=24):
        raise ValueError(f"not an offset: {zone!r}")
    return -offset if zone[0] == "-" else offset
