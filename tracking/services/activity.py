"""Pages of the event log: a customer's activity, and that of anything else that events are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db.models import Q

from config.project.models import Project
from config.project.querysets import ScopedQuerySet
from customers.models import Customer
from tracking.activity import Asked
from tracking.models import Event
from tracking.services import events

CampaignFinder = Callable[[Project, str], int | None]
campaign_finders: Final[list[CampaignFinder]] = []
"""The app that owns campaigns adds what turns their public id into the row id that events carry."""


def of_customer(*, project: Project, customer: Customer, asked: Asked) -> tuple[list[Event], bool]:
    """One page, and whether more follow."""
    return _page(project, Q(customer_id=customer.pk), asked)


def count_of_customer(*, project: Project, customer: Customer, asked: Asked) -> int:
    """How many there are on all pages."""
    return _matching(project, Q(customer_id=customer.pk), asked).count()


def of_subject(*, project: Project, subject: str, prefix: str, asked: Asked) -> tuple[list[Event], bool]:
    """One page of events that no customer did. subject: the public id in their `name`; prefix: of their types."""
    owner = Q(project_id=project.pk, customer=None, name=subject, type__startswith=prefix) & ~Q(name="")
    return _page(project, owner, asked)


def _page(project: Project, owner: Q, asked: Asked) -> tuple[list[Event], bool]:
    rows = _matching(project, owner, asked)
    return events.page(rows, limit=asked.limit, newest_first=asked.newest_first, after=asked.after, owner=owner)


def _matching(project: Project, owner: Q, asked: Asked) -> ScopedQuerySet[Event]:
    """What is asked for, of all pages."""
    wanted = owner
    if asked.type is not None:
        wanted &= Q(type=events.ALIASES.get(asked.type, asked.type))
    if asked.category is not None:
        wanted &= Q(category=asked.category)
    if asked.campaign_type is not None:
        wanted &= Q(campaign_type=asked.campaign_type)
    if asked.campaign is not None:
        found = (find(project, asked.campaign) for find in campaign_finders)
        wanted &= Q(campaign_id=next((pk for pk in found if pk is not None), -1))
    if asked.product is not None:
        wanted &= Q(data__contains={"order": {"items": [{"product_id": asked.product}]}})
    if asked.since is not None:
        wanted &= Q(created_at__gte=asked.since)
    if asked.until is not None:
        wanted &= Q(created_at__lte=asked.until)
    if asked.beyond is not None:
        wanted &= Q(created_at__lt=asked.beyond) if asked.newest_first else Q(created_at__gt=asked.beyond)
    return Event.objects.filter(wanted)
