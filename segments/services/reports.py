"""The events of who entered and left, for the customer's timeline and for webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from config.kernel import ids
from config.project.models import Project
from customers.models import Customer
from customers.rendering import render_customer
from segments.models import Segment
from segments.rendering import render_simple
from segments.services.differences import Difference
from tracking.services import events
from tracking.services.events import NewEvent

ENTERED: Final = "customer.segment.entered"
LEFT: Final = "customer.segment.left"
SOURCE: Final = {"channel": "INTERNAL"}
AT_ONCE: Final = 1_000


def report(*, project: Project, segments: Mapping[int, Segment], found: Sequence[Difference], at: datetime) -> None:
    """Append the events in the transaction that moves the members. Whoever was deleted leaves without one.

    segments: by row id; found: by customer.
    """
    group_id = ids.new("v-")
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        people = Customer.objects.of(project).alive().in_bulk({row.customer for row in part})
        rendered: dict[int, dict[str, Any]] = {pk: render_customer(person) for pk, person in people.items()}
        new = [
            NewEvent(
                type=ENTERED if row.entered else LEFT,
                at=at,
                data={"customer": rendered[row.customer], "segment": render_simple(segments[row.segment])},
                customer_id=row.customer,
                category="EFFECT",
                group_id=group_id,
                source=SOURCE,
            )
            for row in part
            if row.customer in rendered
        ]
        if new:
            events.record_many(project=project, events=new)
