"""Which of the segments that rules name a customer is in, at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from config.project.models import Project
from customers.models import Customer
from customers.payloads import CustomerData
from segments.models import Membership, Segment


def of(
    *, project: Project, segment_ids: Iterable[str], customer: Customer | None, data: CustomerData | None, at: datetime
) -> frozenset[str]:
    """The public ids of those segments that the customer is in. data: sent with the request and not stored."""
    rows = Segment.objects.of(project).filter(public_id__in=list(segment_ids))
    return frozenset(row.public_id for row in rows if _is_member(row, customer))


def _is_member(segment: Segment, customer: Customer | None) -> bool:
    if segment.type != Segment.Type.STATIC:
        raise NotImplementedError("segments that describe their members cannot be evaluated yet")
    return customer is not None and Membership.objects.filter(segment=segment, customer=customer).exists()
