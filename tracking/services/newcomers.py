"""Somebody whom nobody knew: profile, tracking id and the event of it in one statement.

What `customers.upsert`, `Book.insert` and `claim` do one after the other, for the one case that is the most frequent at
a till: a name that was never sent before. Two requests that bring the same newcomer at once make one customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from config.kernel.causes import Cause
from config.project import schemas, statements
from config.project.models import Project
from config.project.statements import Part
from customers import happenings
from customers.models import Customer
from customers.payloads import CustomerData, Unset
from customers.services.newcomers import unsaved
from tracking.models import TrackingIdentity
from tracking.services import events, profile_events
from tracking.services.moving import movers

UNLESS_LIVING: Final = "ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING"


def enter(
    *,
    project: Project,
    token: str,
    source_id: str,
    said: CustomerData,
    at: datetime,
    cause: Cause,
    unbound: int | None = None,
) -> tuple[Customer | None, int | None]:
    """Store the customer, whose token is bound to it with what was recorded under it; inside the write's transaction.

    unbound: the token's row; None where nothing was stored when the request began. said: of the profile.
    Returns the customer, None where somebody else was quicker and nothing was written; and how many rows moved to it,
    None where somebody else stored or bound the token meanwhile, and it has to be claimed. Raises
    MetadataValidationFailed.
    """
    if not isinstance(said.metadata, Unset):
        schemas.require(project, "customer", said.metadata, whole=True)
    customer = unsaved(project=project, data=said, source_id=source_id, at=at)
    born = profile_events.new_event(happenings.CREATED, customer, at, cause)
    parts = {"newcomer": statements.insert([customer], conflict=UNLESS_LIVING)}
    parts |= _identified(project, token, source_id, at) if unbound is None else _claimed(project, token, unbound)
    parts |= events.parts(project=project, events=[born], of_newcomer="newcomer")
    written = statements.run(parts)
    if not written["newcomer"]:
        return None, None
    statements.mark_saved(customer, written["newcomer"][0])
    if not written["identified"]:
        return customer, None
    return customer, len(written.get("moved", ())) + _move_waiting(project, token, customer, written)


def _identified(project: Project, token: str, source_id: str, at: datetime) -> dict[str, Part]:
    identity = TrackingIdentity(
        project=project,
        token=token,
        source_id=None if source_id == token else source_id,
        created_at=at,
        last_seen_at=at,
    )
    linked = {"customer_id": "newcomer"}
    return {"identified": statements.insert([identity], linked, "ON CONFLICT DO NOTHING", after="newcomer")}


def _claimed(project: Project, token: str, unbound: int) -> dict[str, Part]:
    """The token's row bound, its events moved and counted, and whether anything of higher apps waits."""
    where = (project.pk, token)
    waiting = {
        f"waiting_{number}": Part(
            f"SELECT 1::bigint AS id WHERE EXISTS (SELECT FROM identified) AND {mover.waiting}",  # noqa: S608
            where,
        )
        for number, mover in enumerate(movers)
    }
    return {
        "identified": Part(_BIND, (unbound,)),
        "moved": Part(_MOVE, where),
        "counted": Part(_COUNT, (events.CUSTOM_EVENT,)),
        **waiting,
    }


_BIND: Final = """UPDATE tracking_trackingidentity SET customer_id = (SELECT id FROM newcomer)
    WHERE id = %s AND customer_id IS NULL AND alias_of_id IS NULL AND EXISTS (SELECT FROM newcomer)
    RETURNING id, created_at"""
_MOVE: Final = """UPDATE tracking_event SET customer_id = (SELECT id FROM newcomer), token = ''
    WHERE project_id = %s AND token = %s AND token <> '' AND customer_id IS NULL
        AND created_at >= (SELECT created_at FROM identified)
    RETURNING id, type, name, created_at"""
"""As `events.claim` does it; the lower bound keeps older partitions out."""
_COUNT: Final = """INSERT INTO tracking_eventcounter (customer_id, name, count, first_at, last_at)
    SELECT (SELECT id FROM newcomer), name, count(*), min(created_at), max(created_at)
    FROM moved WHERE type = %s AND name <> '' GROUP BY name RETURNING customer_id AS id"""


def _move_waiting(project: Project, token: str, customer: Customer, written: Mapping[str, Sequence[int]]) -> int:
    found = [mover for number, mover in enumerate(movers) if written.get(f"waiting_{number}")]
    if not found:
        return 0
    issued_at = TrackingIdentity.objects.get(pk=written["identified"][0]).created_at
    return sum(mover.move(project, token, customer, issued_at) for mover in found)
