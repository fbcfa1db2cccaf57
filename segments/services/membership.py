"""Who is in which segment, answered live."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from config.project.models import Project
from customers.models import Customer
from customers.payloads import CustomerData
from segments import definitions, evaluation
from segments.compiled import Conditions
from segments.models import Segment
from segments.services.profiles import find

AT_ONCE: Final = 100
"""Segments asked about in one statement."""


def members(segment: Segment, at: datetime) -> QuerySet[Customer]:
    """The living customers in the segment at a moment; unordered."""
    scope = definitions.scope_of(segment.project, at)
    return Customer.objects.of(segment.project).alive().filter(definitions.q_of(segment, scope))


def members_of(project: Project, segment_id: str, at: datetime) -> QuerySet[Customer]:
    """`members` by the segment's public id. Raises NotFound."""
    return members(find(project=project, identifier=segment_id), at)


def is_member(*, segment: Segment, customer: Customer | None, data: CustomerData | None = None, at: datetime) -> bool:
    """Whether the customer is in the segment now. data: sent with a request and not stored; it counts as if it were."""
    return bool(which_of(project=segment.project, segments=[segment], customer=customer, data=data, at=at))


def which_of(
    *,
    project: Project,
    segments: Iterable[Segment],
    customer: Customer | None,
    data: CustomerData | None = None,
    at: datetime,
) -> list[Segment]:
    """Those of the segments that the customer is in, in their order; one statement for each hundred."""
    rows, made = list(segments), Conditions(project, at)
    found: list[Segment] = []
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        conditions = [made.of(row) for row in part]
        verdicts, _ = evaluation.ask(project=project, customer=customer, data=data, at=at, conditions=conditions)
        found += [row for row, verdict in zip(part, verdicts, strict=True) if verdict]
    return found


def segments_of(*, project: Project, customer: Customer | None, at: datetime) -> list[Segment]:
    """Every segment the customer is in, newest first; for nobody those that a customer without any data would match."""
    rows = Segment.objects.of(project).newest_first()
    return which_of(project=project, segments=rows, customer=customer, at=at)
