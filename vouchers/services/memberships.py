"""Which of the segments that rules name a customer is in, at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from config.project.models import Project
from customers.models import Customer
from customers.payloads import CustomerData
from segments import services as segments
from segments.models import Segment


def of(
    *, project: Project, segment_ids: Iterable[str], customer: Customer | None, data: CustomerData | None, at: datetime
) -> frozenset[str]:
    """The public ids of those segments that the customer is in. data: sent with the request and not stored."""
    wanted = list(segment_ids)
    if not wanted:
        return frozenset()
    rows = Segment.objects.of(project).filter(public_id__in=wanted)
    found = segments.which_of(project=project, segments=rows, customer=customer, data=data, at=at)
    return frozenset(row.public_id for row in found)
