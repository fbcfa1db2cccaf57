"""Somebody whom nobody knew: profile, tracking id and the event of it in one statement.

What `customers.upsert`, `Book.insert` and `claim` do one after the other, for the one case that is the most frequent at
a till: a name that was never sent before. Two requests that bring the same newcomer at once make one customer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from config.kernel.causes import Cause
from config.project import schemas, statements
from config.project.models import Project
from customers import happenings
from customers.models import Customer
from customers.payloads import CustomerData, Unset
from customers.services.newcomers import unsaved
from tracking.models import TrackingIdentity
from tracking.services import events, profile_events

UNLESS_LIVING: Final = "ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING"


def enter(
    *, project: Project, token: str, source_id: str, said: CustomerData, at: datetime, cause: Cause
) -> tuple[Customer | None, bool]:
    """Store the customer and its token, which was not stored when the request began; inside the write's transaction.

    Returns the customer, None where somebody else was quicker and nothing was written; and whether the token is bound
    to it: not where somebody else stored the token meanwhile. said: of the profile.
    Raises MetadataValidationFailed.
    """
    if not isinstance(said.metadata, Unset):
        schemas.require(project, "customer", said.metadata, whole=True)
    customer = unsaved(project=project, data=said, source_id=source_id, at=at)
    identity = TrackingIdentity(
        project=project,
        token=token,
        source_id=None if source_id == token else source_id,
        created_at=at,
        last_seen_at=at,
    )
    born = profile_events.new_event(happenings.CREATED, customer, at, cause)
    parts = {
        "newcomer": statements.insert([customer], conflict=UNLESS_LIVING),
        "identified": statements.insert(
            [identity], {"customer_id": "newcomer"}, "ON CONFLICT DO NOTHING", after="newcomer"
        ),
        **events.parts(project=project, events=[born], of_newcomer="newcomer"),
    }
    written = statements.run(parts)
    if not written["newcomer"]:
        return None, False
    statements.mark_saved(customer, written["newcomer"][0])
    return customer, bool(written["identified"])
