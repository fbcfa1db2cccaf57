"""Counters compared with the facts they count; each app that moves counters says how to recount its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Max, Min

from config.project.models import Project
from customers.models import Customer
from tracking.models import Event, EventCounter
from tracking.services import events, orders


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that does not equal its facts. customer: the public id."""

    customer: str
    counter: str
    counted: Any
    facts: Any


Facts = Callable[[Customer], dict[str, Any]]
"""The counter columns of a customer, by name, as the facts have them."""

facts: Final[list[Facts]] = [orders.facts_of]
"""Higher apps add theirs in AppConfig.ready()."""

STEP: Final = 500
"""Customers are read in short steps by key: a long snapshot would keep the updates of counters from being HOT."""


def differences(*, project: Project, at: datetime, fix: bool) -> Iterator[Difference]:
    """Recount every customer of the project; fix: also set right what is wrong."""
    last = 0
    while step := list(
        Customer.objects.of(project).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:STEP]
    ):
        for customer_id in step:
            yield from recount(customer_id=customer_id, at=at, fix=fix)
        last = step[-1]


def recount(*, customer_id: int, at: datetime, fix: bool) -> list[Difference]:
    """Compare one customer's counters with the facts, under the lock that every move of them needs."""
    with transaction.atomic():
        customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
        wanted = {name: value for count in facts for name, value in count(customer).items()}
        wrong = {name: value for name, value in wanted.items() if getattr(customer, name) != value}
        if wrong and fix:
            Customer.objects.filter(pk=customer.pk).update(counted_at=at, **wrong)
        return [
            *(Difference(customer.public_id, name, getattr(customer, name), value) for name, value in wrong.items()),
            *_custom_events(customer, fix=fix),
        ]


def _custom_events(customer: Customer, *, fix: bool) -> list[Difference]:
    recorded = Event.objects.filter(customer_id=customer.pk, type=events.CUSTOM_EVENT).exclude(name="")
    wanted = {
        name: (count, first, last)
        for name, count, first, last in recorded.values_list("name")
        .annotate(count=Count("pk"), first=Min("created_at"), last=Max("created_at"))
        .order_by("name")
    }
    counted = {
        row.name: (row.count, row.first_at, row.last_at) for row in EventCounter.objects.filter(customer=customer)
    }
    wrong = sorted(name for name in wanted.keys() | counted.keys() if wanted.get(name) != counted.get(name))
    if wrong and fix:
        EventCounter.objects.filter(customer=customer, name__in=wrong).delete()
        EventCounter.objects.bulk_create(
            EventCounter(customer=customer, name=name, count=count, first_at=first, last_at=last)
            for name, (count, first, last) in wanted.items()
            if name in wrong
        )
    return [Difference(customer.public_id, f"events.{name}", counted.get(name), wanted.get(name)) for name in wrong]
