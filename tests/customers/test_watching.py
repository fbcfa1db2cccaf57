"""Changes of customers are noted in the transaction that makes them, and only where somebody watches."""

from datetime import timedelta

import pytest

from customers import fields, services, watching
from customers.models import ChangedCustomer, Customer
from customers.payloads import parse_customer
from segments.fields import ROWS
from tests.factories import NOW, make_customer, make_project
from tracking.services import events, orders

pytestmark = pytest.mark.django_db


def noted():
    """Who is noted for what, in order; the queue is empty afterwards."""
    rows = ChangedCustomer.objects.order_by("pk").values_list("customer_id", "keys")
    found = [(pk, sorted(keys)) for pk, keys in rows]
    ChangedCustomer.objects.all().delete()
    return found


def update(customer, **body):
    services.update(project=customer.project, customer=customer, data=parse_customer(body), at=NOW)


def test_nothing_is_noted_where_nobody_watches():
    ann = make_customer()
    update(ann, name="Other", metadata={"tier": "gold"})
    services.move_counters(customer_id=ann.pk, at=NOW, redemptions_succeeded=1)
    watching.watch(make_project("Other"), ["name"])
    update(ann, name="Third")
    assert noted() == []


def test_a_change_is_noted_with_the_watched_keys_that_changed():
    ann = make_customer(name="Ann", metadata={"tier": "gold", "n": 1})
    watching.watch(ann.project, ["name", "city", "metadata.tier", "orders_total_amount"])
    update(ann, phone="+49")
    assert noted() == []
    update(ann, name="Anna", phone="+49 30", address={"city": "Berlin"})
    assert noted() == [(ann.pk, ["city", "name"])]
    update(ann, metadata={"n": 2})
    assert noted() == []
    update(ann, metadata={"tier": "silver"})
    assert noted() == [(ann.pk, ["metadata.tier"])]
    services.move_counters(customer_id=ann.pk, at=NOW, redemptions_succeeded=1)
    assert noted() == []
    orders.save_order(project=ann.project, order={"amount": 100}, customer=ann, at=NOW, status="PAID")
    assert noted() == [(ann.pk, ["orders_total_amount"])]


def test_whoever_comes_or_goes_is_noted_for_everything():
    project = make_project()
    watching.watch(project, [])
    ann = services.upsert(project=project, data=parse_customer({"source_id": "a"}), at=NOW)
    assert noted() == [(ann.pk, ["*"])]
    services.delete(project=project, customer=ann, at=NOW)
    assert noted() == [(ann.pk, ["*"])]


def test_a_load_of_many_is_noted_by_one_statement(django_assert_num_queries):
    project = make_project()
    watching.watch(project, ["name"])
    rows = [parse_customer({"source_id": f"s{number}", "name": "N"}) for number in range(300)]
    services.upsert_many(project=project, rows=rows, at=NOW)
    assert len(noted()) == 300
    services.upsert_many(project=project, rows=rows, at=NOW)
    assert noted() == []
    with django_assert_num_queries(1):
        Customer.objects.of(project).update(name="M")
    assert len(noted()) == 300


def test_custom_events_are_noted_by_name():
    ann = make_customer()
    watching.watch(ann.project, ["events.cart.left"])
    for name in ("cart.left", "other", "cart.left"):
        events.record(
            project=ann.project, type=events.CUSTOM_EVENT, name=name, at=NOW + timedelta(hours=1), data={}, customer=ann
        )
    assert noted() == [(ann.pk, ["events.cart.left"])] * 2


def test_a_watch_ends():
    ann = make_customer()
    watching.watch(ann.project, ["name"])
    watching.watch(ann.project, None)
    update(ann, name="Other")
    assert noted() == []


def test_every_field_says_what_changes_it_and_every_column_is_noted():
    keys = {key for field in fields.FIELDS for key in watching.keys_of(field)}
    assert {"name", "email_key", "birthdate", "birthday", "orders_last_at", "gift_cards_held"} <= keys
    ann = make_customer()
    columns = {key for key in keys if "." not in key and key not in ("public_id", "system_metadata")}
    watching.watch(ann.project, columns)
    values = {"birthdate": NOW.date(), "birthday": NOW.date(), "source_id": "other", "email_key": "e"}
    address = dict.fromkeys(("city", "state", "country", "postal_code", "line_1", "line_2"), "x")
    texts = dict.fromkeys(("name", "description", "phone"), "x")
    times = dict.fromkeys(("created_at", "updated_at", "orders_last_at"), NOW + timedelta(days=1))
    numbers = dict.fromkeys(columns - values.keys() - address.keys() - texts.keys() - times.keys(), 7)
    Customer.objects.filter(pk=ann.pk).update(address=address, **values, **texts, **times, **numbers)
    assert noted() == [(ann.pk, sorted(columns))]
    assert watching.keys_of(ROWS[0]) == frozenset()


def test_a_metadata_key_with_dots_is_watched_literally_and_as_a_path():
    assert watching.keys_of(fields.FIELDS["metadata.a.b"]) == {"metadata.a.b", "metadata.a"}
