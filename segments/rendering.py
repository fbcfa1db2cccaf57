"""A segment as the wire shows it. Source: segments.md section 1."""

from __future__ import annotations

from typing import Any

from config.kernel.instants import to_wire, to_wire_or_none
from segments import definitions
from segments.models import Segment


def render_segment(segment: Segment) -> dict[str, Any]:
    """The object; members are never listed in it, the filter stands as it was sent."""
    return {
        "id": segment.public_id,
        "name": segment.name,
        "created_at": to_wire(segment.created_at),
        "updated_at": to_wire_or_none(segment.updated_at),
        "metadata": segment.metadata,
        "filter": definitions.body_of(segment),
        "customers": None,
        "type": segment.type,
        "initial_sync_status": "IN_PROGRESS" if segment.is_counting else "DONE",
        "object": "segment",
    }


def render_simple(segment: Segment) -> dict[str, Any]:
    """The form in a customer's segments."""
    return {"id": segment.public_id, "name": segment.name, "object": "segment"}
