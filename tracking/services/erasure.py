"""A person taken out of identities, events and orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.db.models import TextField
from django.db.models.functions import Cast

from config.webhooks.models import Delivery
from customers.erasing import Person
from customers.models import Customer
from tracking.models import Event, EventCounter, Order, TrackingIdentity

CHUNK = 500


def tokens_of(customer: Customer) -> Iterator[str]:
    """Every token that was issued to the person, those from before the name was known included."""
    identities = TrackingIdentity.objects.filter(project_id=customer.project_id)
    own = set(identities.filter(customer=customer).values_list("pk", "token"))
    if customer.source_id is not None:
        own |= set(identities.filter(source_id=customer.source_id).values_list("pk", "token"))
    own |= set(identities.filter(alias_of__in=[pk for pk, _ in own]).values_list("pk", "token"))
    return (token for _, token in own)


def erase(person: Person) -> Mapping[str, int]:
    """Delete events, their counters and identities; keep orders and their amounts, without the person."""
    customer = person.customer
    orders = _blank_orders(person)
    events = Event.objects.filter(project_id=customer.project_id)
    of_orders = gone = 0
    # One index each: told to look for both at once, the database would read the whole log.
    for mine in (events.filter(customer_id=customer.pk), events.filter(token__in=person.tokens).exclude(token="")):
        of_orders += mine.filter(type__startswith="customer.order.").count()
        gone += mine.delete()[0]
    _blank_mentions(person)
    _drop_deliveries(person)
    counters, _ = EventCounter.objects.filter(customer=customer).delete()
    TrackingIdentity.objects.filter(project_id=customer.project_id, token__in=person.tokens).delete()
    return {
        "events": gone,
        "customer_events": gone,
        "daily_events": counters,
        "orders": orders,
        "order_events": of_orders,
    }


def _blank_orders(person: Person) -> int:
    customer = person.customer
    Order.objects.filter(referrer=customer).update(referrer=None)
    orders = list(Order.objects.filter(customer=customer).order_by("pk"))
    for order in orders:
        order.customer = None
        order.metadata = None
        order.source_id = None if order.source_id is None or person.is_in(order.source_id) else order.source_id
        order.items = person.out_of_record(order.items)
        order.redemptions = person.out_of_record(order.redemptions)
    columns = ["customer", "metadata", "source_id", "items", "redemptions"]
    Order.objects.bulk_update(orders, columns, batch_size=CHUNK)
    return len(orders)


def _blank_mentions(person: Person) -> None:
    """Events about a voucher, a segment or an order that name the person in passing stay, without the name."""
    customer = person.customer
    subjects = Event.objects.filter(project_id=customer.project_id, customer=None).exclude(name="")
    texts = subjects.annotate(data_text=Cast("data", TextField()))
    for event in texts.filter(data_text__contains=customer.public_id):
        Event.objects.filter(pk=event.pk, created_at=event.created_at).update(data=person.out_of_record(event.data))


def _drop_deliveries(person: Person) -> None:
    """What webhooks were told, or are about to be told, of the person. Some name them without being about them."""
    customer = person.customer
    told = Delivery.objects.filter(project_id=customer.project_id)
    told.filter(customer_id=customer.pk).delete()
    for text in {customer.public_id, *person.tokens}:
        told.filter(payload__contains=text).delete()
