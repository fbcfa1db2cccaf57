"""Members, entered and left per day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from config.project.models import Project
from segments.models import Segment, SegmentDay


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the project's calendar. members: at its end; entered counts the first members on the first day."""

    day: date
    members: int
    entered: int
    left: int


def day_of(project: Project, at: datetime) -> date:
    """The day of the project's calendar."""
    return at.astimezone(ZoneInfo(project.timezone)).date()


def add(*, project: Project, counted: Mapping[int, tuple[int, int, int]], at: datetime) -> None:
    """Add to the day's numbers: segment's row id → (filled, entered, left). In the transaction that moves members."""
    rows = sorted((segment, *numbers) for segment, numbers in counted.items() if any(numbers))
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO segments_segmentday AS stored (segment_id, day, filled, entered, "left")
            SELECT moved.segment_id, %s, moved.filled, moved.entered, moved.gone
            FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[]) AS moved (segment_id, filled, entered, gone)
            ON CONFLICT (segment_id, day) DO UPDATE SET filled = stored.filled + EXCLUDED.filled,
                entered = stored.entered + EXCLUDED.entered, "left" = stored."left" + EXCLUDED."left"
            """,
            [day_of(project, at), *(list(column) for column in zip(*rows, strict=True))],
        )


def of(segment: Segment, *, days: int, at: datetime) -> list[Day]:
    """The last days up to today, each one, oldest first; none before the segment was made."""
    today = day_of(segment.project, at)
    first = max(today - timedelta(days=days - 1), day_of(segment.project, segment.created_at))
    rows = SegmentDay.objects.filter(segment=segment)
    moved = {row.day: row for row in rows.filter(day__gte=first)}
    net = Sum(F("filled") + F("entered") - F("left"))
    members = rows.filter(day__lt=first).aggregate(net=Coalesce(net, 0))["net"]
    found = []
    for offset in range((today - first).days + 1):
        day = first + timedelta(days=offset)
        row = moved.get(day)
        entered, left, filled = (row.entered, row.left, row.filled) if row else (0, 0, 0)
        members += filled + entered - left
        found.append(Day(day, members, entered, left))
    return found
