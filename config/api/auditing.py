"""What keys change, written into the audit log at the API's edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from config.api.authentication import access_of
from config.jobs.models import AsyncAction
from config.kernel import instants
from config.project import audit


def note(
    request: Request,
    action: str,
    object_type: str,
    object_id: str = "",
    *,
    name: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write down what the key of this request did; inside the transaction of the change, at its end."""
    access = access_of(request)
    audit.record(
        project=access.project,
        actor=audit.of_key(access.key),
        action=action,
        object_type=object_type,
        object_id=object_id,
        name=name,
        before=before,
        after=after,
        at=instants.now(),
        channel=audit.Channel.API,
        request_id=access.group_id,
    )


def note_started(request: Request, action: str, started: AsyncAction) -> None:
    """Write down that a key began work on many rows; inside the transaction that queues it."""
    note(request, action, "async_action", started.public_id, name=started.title, after={"rows": started.rows_total})
