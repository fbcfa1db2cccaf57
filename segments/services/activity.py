"""What was done to a segment, in the event log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from config.project.models import User
from segments.models import Segment
from segments.rendering import render_segment
from tracking.activity import Asked
from tracking.models import Event
from tracking.services import activity, events

CREATED: Final = "segment.created"
UPDATED: Final = "segment.updated"
FILTERS_UPDATED: Final = "segment.filters_updated"
ACTIVATED: Final = "segment.activated"
"""A passive segment became one that reports."""
PREFIX: Final = "segment."


def source_of(user: User | None) -> dict[str, Any]:
    """The wire's event_source of a person in the dashboard, or of a caller of the API."""
    if user is None:
        return {"channel": "API"}
    return {"channel": "USER_PORTAL", "user": {"id": user.public_id}}


def note(
    *,
    segment: Segment,
    type: str,
    at: datetime,
    source: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> None:
    """Append to the log in the caller's transaction. before: the segment as it was, rendered."""
    data = {"segment": render_segment(segment)} | ({} if before is None else {"previous": before})
    events.record(project=segment.project, type=type, at=at, name=segment.public_id, data=data, source=source)


def of(segment: Segment, asked: Asked) -> tuple[list[Event], bool]:
    """One page, and whether more follow."""
    return activity.of_subject(project=segment.project, subject=segment.public_id, prefix=PREFIX, asked=asked)
