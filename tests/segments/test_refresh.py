"""Who enters and leaves an auto-update segment is written down and reported, once, and nothing else is."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from config.project import schemas
from customers import services as customers
from customers import watching
from customers.models import ChangedCustomer, Customer, Watch
from customers.payloads import parse_customer
from segments import services
from segments.models import Membership, Segment, SegmentDay
from segments.services import growth, refresh
from tests.factories import NOW, make_customer, make_project
from tracking.models import Event
from tracking.services import events

pytestmark = pytest.mark.django_db

BERLIN = {"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}}
GOLD = {"junction": "and", "metadata.tier": {"conditions": {"$is": "gold"}}}
BONN = {"city": "Bonn"}


def make(filter=BERLIN, type="auto-update", name="S", project=None):
    return services.create(project=project or make_project(), name=name, type=type, filter=filter, at=NOW)


def settle(at=NOW):
    """Do all that waits. A test is one transaction, which would wait for its own end."""
    for _ in range(100):
        Segment.objects.filter(pass_to__isnull=False).update(pass_after=refresh.AT_ONCE)
        if not refresh.step(at):
            return
    raise AssertionError("the refresh never ends")


def update(customer, at=NOW, **body):
    return customers.update(project=customer.project, customer=customer, data=parse_customer(body), at=at)


def told():
    """(who, entered or left, segment) of every event so far."""
    rows = Event.objects.filter(type__startswith="customer.segment.").order_by("created_at", "pk")
    return [(row.data["customer"]["name"], row.type.rsplit(".", 1)[1], row.data["segment"]["name"]) for row in rows]


def inside(segment):
    return sorted(Membership.objects.filter(segment=segment).values_list("customer__name", flat=True))


def test_the_first_members_are_written_down_without_events():
    make_customer(name="Ann", address={"city": "Berlin"})
    make_customer(name="Bob", address=BONN)
    segment = make()
    assert segment.is_counting
    settle()
    segment.refresh_from_db()
    assert (inside(segment), told(), segment.is_counting, segment.pass_to) == (["Ann"], [], False, None)
    assert [(day.members, day.entered, day.left) for day in growth.of(segment, days=7, at=NOW)] == [(1, 0, 0)]


def test_a_change_lets_customers_enter_and_leave_once():
    ann, bob = make_customer(name="Ann", address={"city": "Berlin"}), make_customer(name="Bob")
    segment = make()
    settle()
    update(ann, address=BONN)
    update(bob, address={"city": "Berlin"})
    settle()
    settle()
    assert inside(segment) == ["Bob"]
    assert told() == [("Ann", "left", "S"), ("Bob", "entered", "S")]
    assert not ChangedCustomer.objects.exists()
    [day] = SegmentDay.objects.all()
    assert (day.filled, day.entered, day.left) == (1, 1, 1)
    update(bob, name="Bobby")
    update(bob, address=BONN)
    update(bob, address={"city": "Berlin"})
    settle()
    assert len(told()) == 2


def test_the_event_holds_the_full_customer_and_the_segment():
    ann = make_customer(name="Ann")
    segment = make()
    settle()
    ann = update(ann, address={"city": "Berlin"}, at=NOW + timedelta(minutes=1))
    settle(NOW + timedelta(minutes=2))
    event = Event.objects.get(type="customer.segment.entered")
    assert event.data["segment"] == {"id": segment.public_id, "name": "S", "object": "segment"}
    assert (event.data["customer"]["id"], event.data["customer"]["object"]) == (ann.public_id, "customer")
    assert "summary" in event.data["customer"]
    assert (event.category, event.source, event.customer_id) == ("EFFECT", {"channel": "INTERNAL"}, ann.pk)
    assert event.created_at == NOW + timedelta(minutes=2)


def test_new_and_deleted_customers_are_seen_and_the_deleted_go_without_an_event():
    project = make_project()
    segment = make()
    settle()
    data = parse_customer({"source_id": "a", "name": "Ann", "address": {"city": "Berlin"}})
    ann = customers.upsert(project=project, data=data, at=NOW)
    settle()
    assert (inside(segment), told()) == (["Ann"], [("Ann", "entered", "S")])
    customers.delete(project=project, customer=ann, at=NOW)
    settle()
    assert (inside(segment), len(told())) == ([], 1)
    assert SegmentDay.objects.get().left == 1


def test_only_auto_update_segments_are_kept_and_other_projects_untouched():
    other = make_project("Other")
    make(type="passive")
    make(project=other)
    ann = make_customer(name="Ann")
    update(ann, address={"city": "Berlin"})
    settle()
    assert (Membership.objects.count(), told(), ChangedCustomer.objects.count()) == (0, [], 0)
    assert list(Watch.objects.values_list("project__name", "keys")) == [("Other", ["city"])]


def test_events_counters_and_metadata_are_followed():
    ann = make_customer(name="Ann")
    make({"junction": "and", "events.cart.left.count": {"conditions": {"$more_than": [1]}}}, name="carts")
    make({"junction": "and", "summary.redemptions.total_succeeded": {"conditions": {"$is": 1}}}, name="redeemed")
    make(GOLD, name="gold")
    settle()
    for _ in range(2):
        events.record(project=ann.project, type=events.CUSTOM_EVENT, name="cart.left", at=NOW, data={}, customer=ann)
    customers.move_counters(customer_id=ann.pk, at=NOW, redemptions_succeeded=1)
    settle()
    update(ann, metadata={"tier": "gold"})
    settle()
    assert told() == [("Ann", "entered", "carts"), ("Ann", "entered", "redeemed"), ("Ann", "entered", "gold")]


def test_a_bulk_load_is_followed():
    project = make_project()
    segment = make(GOLD)
    settle()
    rows = [
        parse_customer({"source_id": f"s{n}", "name": f"N{n}", "metadata": {"tier": "gold" if n % 2 else "tin"}})
        for n in range(300)
    ]
    customers.upsert_many(project=project, rows=rows, at=NOW)
    settle()
    assert (Membership.objects.filter(segment=segment).count(), len(told())) == (150, 150)


def test_filters_relative_to_now_are_swept():
    ann = make_customer(name="Ann", orders_last_at=NOW - timedelta(days=29))
    make_customer(name="Bob", orders_last_at=NOW - timedelta(days=1))
    segment = make({"junction": "and", "summary.orders.last_order_date": {"conditions": {"$less_than": [30]}}})
    make(name="not relative")
    settle()
    assert inside(segment) == ["Ann", "Bob"]
    later = NOW + timedelta(days=2)
    settle(later)
    assert inside(segment) == ["Ann", "Bob"]
    assert refresh.begin_passes(relative_only=True) == 1
    settle(later)
    assert (inside(segment), told()) == (["Bob"], [(ann.name, "left", "S")])
    assert [(day.members, day.left) for day in growth.of(segment, days=7, at=later)] == [(2, 0), (2, 0), (1, 1)]


def test_a_pass_goes_in_stretches_and_sees_who_changes_on_the_way(monkeypatch):
    monkeypatch.setattr(refresh, "STRETCH", 2)
    people = [make_customer(name=f"C{n}", address={"city": "Berlin"}) for n in range(5)]
    segment = make()
    for _ in range(2):
        Segment.objects.update(pass_after=refresh.AT_ONCE)
        assert refresh.go_on(segment.project, NOW)
    segment.refresh_from_db()
    assert (segment.pass_to, len(inside(segment)), segment.is_counting) == (people[3].pk, 4, True)
    update(people[0], address=BONN)
    update(people[4], address=BONN)
    refresh.digest(segment.project, NOW)
    assert told() == [("C0", "left", "S")]
    settle()
    assert (inside(segment), len(told())) == (["C1", "C2", "C3"], 1)
    assert [(day.members, day.left) for day in growth.of(segment, days=1, at=NOW)] == [(3, 1)]


def test_a_changed_passive_segment_moves_the_members_of_who_names_it():
    make_customer(name="Ann", address={"city": "Berlin"})
    make_customer(name="Bob", metadata={"tier": "gold"})
    inner = make(type="passive")
    outer = make({"junction": "and", "segments": {"conditions": {"$is": [inner.public_id]}}}, name="outer")
    settle()
    assert inside(outer) == ["Ann"]
    services.update(segment=inner, at=NOW, version=1, filter=GOLD)
    assert Watch.objects.get().keys == ["metadata.tier"]
    settle()
    assert (inside(outer), told()) == (["Bob"], [("Ann", "left", "outer"), ("Bob", "entered", "outer")])


def test_deleting_a_segment_reports_nothing_and_ends_the_watch():
    make_customer(name="Ann", address={"city": "Berlin"})
    segment = make()
    settle()
    services.delete(project=segment.project, identifier=segment.public_id)
    settle()
    assert (Membership.objects.count(), SegmentDay.objects.count(), told()) == (0, 0, [])
    assert not Watch.objects.exists()


def test_a_filter_that_cannot_be_answered_keeps_nobody_else_waiting():
    ann = make_customer(name="Ann")
    broken, fine = make(name="broken"), make(name="fine")
    settle()
    Segment.objects.filter(pk=broken.pk).update(
        definition='{"junction":"and","segments":{"conditions":{"$is":["seg_gone"]}}}'
    )
    update(ann, address={"city": "Berlin"})
    settle()
    assert (inside(fine), inside(broken)) == (["Ann"], [])


def test_a_schema_declared_later_is_met_by_the_next_pass():
    project = make_project()
    make_customer(name="Ann", metadata={"n": "10"})
    segment = make({"junction": "and", "metadata.n": {"conditions": {"$more_than": [9]}}})
    settle()
    assert inside(segment) == ["Ann"]
    assert schemas.schema_of(project, "customer") is not None
    assert refresh.begin_passes(relative_only=False) == 1
    settle()
    assert (inside(segment), told()) == (["Ann"], [])


@pytest.mark.alone  # waits for every transaction of the server that is older, also those of other tests
@pytest.mark.django_db(transaction=True)
def test_the_first_members_wait_for_whoever_could_not_see_the_watch():
    """A transaction that changed a customer before the segment was there commits after it; no change is lost."""
    ann = make_customer(name="Ann")
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute('UPDATE customers_customer SET address = \'{"city": "Berlin"}\' WHERE id = %s', [ann.pk])
        segment = make()
        for _ in range(5):
            refresh.step(NOW)
        segment.refresh_from_db()
        assert segment.is_counting
        other.commit()
    finally:
        other.close()
    while refresh.step(NOW):
        pass
    segment.refresh_from_db()
    assert (segment.is_counting, inside(segment)) == (False, ["Ann"])


@pytest.mark.alone  # waits for every transaction of the server that is older, also those of other tests
@pytest.mark.django_db(transaction=True)
def test_a_project_is_refreshed_by_one_worker_at_a_time_and_a_failure_puts_everything_back(monkeypatch):
    ann = make_customer(name="Ann")
    segment = make()
    while refresh.step(NOW):
        pass
    update(ann, address={"city": "Berlin"})
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [refresh.LOCK, segment.project_id])
        assert not refresh.step(NOW)
        other.rollback()
    finally:
        other.close()

    def fail(**arguments):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(growth, "add", fail)
        with pytest.raises(RuntimeError):
            refresh.step(NOW)
    assert (inside(segment), told(), ChangedCustomer.objects.count()) == ([], [], 1)
    with transaction.atomic():
        assert refresh.step(NOW)
    assert (inside(segment), told()) == (["Ann"], [("Ann", "entered", "S")])
    assert not watching.is_past(watching.horizon() + 1)
    assert Customer.objects.count() == 1
