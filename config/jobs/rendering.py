"""An AsyncAction on the wire. Source: imports-exports-async.md §1."""

from __future__ import annotations

from typing import Any

from config.jobs.models import AsyncAction
from config.kernel.instants import to_wire, to_wire_or_none


def percent(action: AsyncAction) -> int:
    """0 to 100; 100 only when it has ended well."""
    if action.status == AsyncAction.Status.DONE:
        return 100
    if not action.rows_total:
        return 0
    return min(99, action.rows_done * 100 // action.rows_total)


def processing_time(action: AsyncAction) -> int | None:
    """Milliseconds from start to end; None while it runs."""
    if action.started_at is None or action.finished_at is None:
        return None
    return round((action.finished_at - action.started_at).total_seconds() * 1000)


def render(action: AsyncAction, *, with_result: bool = True) -> dict[str, Any]:
    """The wire's object; items of a list come without `result`."""
    content: dict[str, Any] = {
        "id": action.public_id,
        "type": action.type,
        "status": action.status,
        "operation_status": action.operation_status,
        "created_at": to_wire(action.created_at),
        "updated_at": to_wire_or_none(action.updated_at),
        "request_id": action.request_id or None,
        "progress": percent(action),
        "object": "async_action",
    }
    if with_result:
        content["result"] = action.result
    time = processing_time(action)
    if time is not None:
        content["processing_time"] = time
    return content
