"""Identities, orders, event counters and rate limits under real threads."""

import pytest
from django.db import connection

from config.api import limits
from customers.models import Customer
from tests.concurrency.threads import at_once
from tests.factories import NOW, make_customer, make_project
from tracking.custom_events import parse_event
from tracking.models import Event, EventCounter, Order, TrackingIdentity
from tracking.services import custom_events, events, identities, orders, partitions, recounts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

THREADS = 8


def results_of(number, work):
    """What each of the threads returned; fails where one raised."""
    results = []

    def run(index):
        results.append(work(index))
        return "done"

    assert at_once(number, run) == {"done": number}
    return results


def resolve(project, **given):
    names = ("tracking_id", "source_id", "customer_id", "cookie")
    return identities.resolve(project=project, at=NOW, anonymous=True, **{**dict.fromkeys(names), **given})


def test_an_identity_that_arrives_many_times_at_once_is_stored_once():
    project = make_project()
    found = results_of(THREADS, lambda _: resolve(project, tracking_id="nora").token)
    assert len(set(found)) == 1
    assert TrackingIdentity.objects.get().token == found[0]


def test_a_visitor_who_acts_many_times_at_once_is_one_customer():
    project = make_project()
    token = resolve(project).token
    for _ in range(3):
        events.record(project=project, type=events.CUSTOM_EVENT, name="seen", token=token, at=NOW, data={})

    def write(_):
        identity = resolve(project, source_id="nora", cookie=token)
        return identities.write_customer(project=project, identity=identity, data=None, at=NOW)

    results = results_of(THREADS, write)
    assert {customer.pk for customer, _ in results} == {Customer.objects.get().pk}
    assert sum(claim.moved for _, claim in results) == 3
    assert EventCounter.objects.get().count == 3


def test_the_first_events_of_somebody_new_at_once_make_one_customer():
    project = make_project()
    data = parse_event({"event": "seen", "customer": {"source_id": "nora", "name": "Nora"}})

    def act(_):
        return custom_events.track(project=project, data=data, at=NOW).customer["id"]

    found = results_of(THREADS, act)
    customer = Customer.objects.get()
    assert set(found) == {customer.public_id}
    assert TrackingIdentity.objects.get().customer == customer
    assert (
        sorted(Event.objects.values_list("type", flat=True)) == ["customer.created"] + [events.CUSTOM_EVENT] * THREADS
    )
    assert EventCounter.objects.get().count == THREADS


def test_a_newcomer_who_acts_many_times_at_once_is_one_customer():
    project = make_project()

    def write(_):
        identity = resolve(project, source_id="nora", writes=True)
        return identities.write_customer(project=project, identity=identity, data=None, at=NOW)[0].pk

    keys = results_of(THREADS, write)
    assert set(keys) == {Customer.objects.get().pk}
    assert TrackingIdentity.objects.get().customer_id == keys[0]
    assert Event.objects.filter(type="customer.created").count() == 1


def test_an_order_that_arrives_many_times_at_once_is_counted_once():
    customer = make_customer()
    project = customer.project

    def save(number):
        order = {"source_id": "o-1", "amount": 100 + number}
        return orders.save_order(project=project, order=order, customer=customer, at=NOW, status="PAID")

    results_of(THREADS, save)
    customer.refresh_from_db()
    assert (Order.objects.count(), customer.orders_total_count) == (1, 1)
    assert customer.orders_total_amount == Order.objects.get().amount
    assert list(recounts.differences(project=project, at=NOW, fix=False)) == []


def test_orders_of_one_customer_at_once_are_all_counted():
    customer = make_customer()
    project = customer.project
    placed = [
        orders.save_order(project=project, order={"amount": 1}, customer=customer, at=NOW, status="PAID")
        for _ in range(4)
    ]

    def change(number):
        if number < len(placed):
            return orders.set_status(order=placed[number], status="CANCELED", at=NOW)
        return orders.save_order(project=project, order={"amount": 10}, customer=customer, at=NOW, status="PAID")

    results_of(THREADS, change)
    customer.refresh_from_db()
    assert (customer.orders_total_count, customer.orders_total_amount) == (4, 40)
    assert list(recounts.differences(project=project, at=NOW, fix=False)) == []


def test_events_at_once_are_all_counted():
    customer = make_customer()
    project = customer.project

    def act(_):
        events.record(project=project, type=events.CUSTOM_EVENT, name="seen", customer=customer, at=NOW, data={})

    results_of(THREADS, act)
    assert EventCounter.objects.get().count == THREADS


def test_months_made_by_many_processes_at_once_are_made_once():
    at = NOW.replace(year=2051)
    made = results_of(4, lambda _: partitions.ensure_partitions(at=at))
    assert sorted(len(names) for names in made) == [0, 0, 0, 7]


def test_a_limit_lets_exactly_as_many_pass_at_once():
    def hit(_):
        limits.refusals.clear()
        return limits.hit("bucket", (5, 5), 1_800_000_000.0).allowed

    assert sorted(results_of(THREADS * 2, hit)) == [False] * 11 + [True] * 5


def test_an_event_nobody_waits_for_is_one_statement_and_whole(django_assert_num_queries):
    customer = make_customer()
    project = make_project()
    with django_assert_num_queries(1):
        events.record_unhurried(
            project=project, type="customer.validation.failed", at=NOW, data={"validation": {"id": "é"}},
            customer=customer, token="track_a", group_id="v-1", source={"channel": "API"},
        )  # fmt: skip
    row = Event.objects.get()
    assert row.public_id.startswith("evcus_")
    assert (row.type, row.category, row.name, row.customer_id, row.token, row.group_id, row.created_at) == (
        *("customer.validation.failed", "ACTION", "", customer.pk, "track_a", "v-1", NOW),
    )
    assert (row.data, row.source) == ({"validation": {"id": "é"}}, {"channel": "API"})
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        before = cursor.fetchone()
        cursor.execute("SELECT set_config('synchronous_commit', 'off', true)")
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == before  # local to the statement
