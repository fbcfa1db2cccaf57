"""The events of profiles that came, changed and went. Source: customers.md section 14."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from config.kernel.causes import Cause
from config.project.models import Project
from customers.models import Customer
from customers.rendering import render_customer
from tracking.services import events
from tracking.services.events import NewEvent


def record(project: Project, type: str, customers: Sequence[Customer], at: datetime, cause: Cause) -> None:
    """Append one event for each, with the profile as it is now."""
    events.record_many(project=project, events=[new_event(type, customer, at, cause) for customer in customers])


def new_event(type: str, customer: Customer, at: datetime, cause: Cause) -> NewEvent:
    """What is appended for one of them."""
    return NewEvent(
        type=type,
        at=at,
        data={"customer": render_customer(customer)},
        customer_id=customer.pk,
        group_id=cause.group_id,
        source=cause.source,
    )
