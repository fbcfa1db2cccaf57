from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from config.kernel.errors import InvalidPayload, MetadataValidationFailed, NotFound
from config.project import schemas
from customers import services
from customers.models import Customer
from customers.payloads import CustomerData, parse_customer
from customers.rendering import render_customer
from tests.factories import make_customer, make_shop

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def project():
    return make_shop().project


def test_a_new_source_id_creates_and_the_same_one_again_updates(project):
    first = services.upsert(project=project, data=CustomerData(source_id="crm-1", name="Nora"), at=NOON)
    again = services.upsert(project=project, data=CustomerData(source_id="crm-1", email="Nora@Example.COM"), at=LATER)
    assert again.pk == first.pk
    assert (again.name, again.email, again.email_key) == ("Nora", "Nora@Example.COM", "nora@example.com")
    assert (first.updated_at, again.updated_at, again.created_at) == (None, LATER, NOON)
    assert (first.version, again.version) == (1, 2)
    assert Customer.objects.count() == 1


def test_the_same_data_again_writes_nothing(project, django_assert_num_queries):
    body = {
        "source_id": "crm-1",
        "name": "Nora",
        "email": None,
        "birthdate": "1990-05-01",
        "address": {"city": "Berlin", "line_2": None},
        "metadata": {"visits": 5, "vip": None, "tags": ["a", "b"]},
    }
    data = parse_customer(body)
    first = services.upsert(project=project, data=data, at=NOON)
    with django_assert_num_queries(1):
        again = services.upsert(project=project, data=data, at=LATER)
    assert (again.updated_at, again.version) == (None, 1)
    assert again.birthdate == first.birthdate == date(1990, 5, 1)
    assert first.city == "Berlin"


def test_a_change_takes_two_statements_and_one_for_its_event(project, django_assert_num_queries):
    services.upsert(project=project, data=CustomerData(source_id="crm-1", name="Nora"), at=NOON)
    with django_assert_num_queries(3):
        services.upsert(project=project, data=CustomerData(source_id="crm-1", name="Nora Lind"), at=NOON)


def test_partial_data_is_merged_key_by_key(project):
    first = {
        "source_id": "crm-1",
        "name": "Nora",
        "phone": "1",
        "address": {"city": "Berlin", "country": "Germany"},
        "metadata": {"a": 1, "b": {"x": 1}},
    }
    second = {"source_id": "crm-1", "phone": None, "address": {"city": None}, "metadata": {"b": {"y": 2}, "c": None}}
    services.upsert(project=project, data=parse_customer(first), at=NOON)
    wire = render_customer(services.upsert(project=project, data=parse_customer(second), at=LATER))
    assert wire["address"] == {"city": None, "country": "Germany"}
    assert wire["metadata"] == {"a": 1, "b": {"y": 2}, "c": None}
    assert wire["phone"] is None
    assert wire["name"] == "Nora"
    assert "email" not in wire


def test_address_null_clears_it(project):
    services.upsert(project=project, data=parse_customer({"source_id": "a", "address": {"city": "Berlin"}}), at=NOON)
    customer = services.upsert(project=project, data=parse_customer({"source_id": "a", "address": None}), at=LATER)
    assert customer.address is None
    assert customer.city is None
    assert render_customer(customer)["address"] is None


def test_an_id_finds_the_customer_and_ignores_the_source_id(project):
    customer = make_customer(project=project, source_id="crm-1", name="Nora")
    data = CustomerData(id=customer.public_id, source_id="crm-2", name="Nora L.")
    changed = services.upsert(project=project, data=data, at=LATER)
    assert (changed.pk, changed.source_id, changed.name) == (customer.pk, "crm-1", "Nora L.")


def test_an_unknown_id_is_not_found_and_nothing_is_made(project):
    with pytest.raises(NotFound) as caught:
        services.upsert(project=project, data=CustomerData(id="cust_0000", name="x"), at=NOON)
    assert caught.value.details == "Cannot find customer with id cust_0000"
    assert caught.value.resource_id == "cust_0000"
    assert not Customer.objects.exists()


def test_without_identifiers_every_call_creates(project):
    services.upsert(project=project, data=CustomerData(name="Nora"), at=NOON)
    services.upsert(project=project, data=CustomerData(name="Nora"), at=NOON)
    assert Customer.objects.count() == 2


def test_another_project_has_its_own_customers(project):
    there = make_shop("There").project
    theirs = services.upsert(project=there, data=CustomerData(source_id="crm-1", name="Theirs"), at=NOON)
    ours = services.upsert(project=project, data=CustomerData(source_id="crm-1", name="Ours"), at=NOON)
    assert ours.pk != theirs.pk
    with pytest.raises(NotFound):
        services.find(project=project, identifier=theirs.public_id)
    with pytest.raises(NotFound):
        services.upsert(project=project, data=CustomerData(id=theirs.public_id, name="stolen"), at=LATER)
    theirs.refresh_from_db()
    assert theirs.name == "Theirs"


def test_a_deleted_customer_is_gone_and_its_source_id_is_free(project):
    customer = make_customer(project=project, source_id="crm-1")
    services.delete(project=project, customer=customer, at=NOON)
    with pytest.raises(NotFound):
        services.find(project=project, identifier=customer.public_id)
    with pytest.raises(NotFound):
        services.delete(project=project, customer=customer, at=NOON)
    again = services.upsert(project=project, data=CustomerData(source_id="crm-1"), at=LATER)
    assert again.pk != customer.pk


def test_find_by_id_then_by_source_id(project):
    customer = make_customer(project=project, source_id="nora/über@example.com")
    odd = make_customer(project=project, source_id="cust_mine")
    assert services.find(project=project, identifier=customer.public_id) == customer
    assert services.find(project=project, identifier="nora/über@example.com") == customer
    assert services.find(project=project, identifier="cust_mine") == odd
    with pytest.raises(NotFound):
        services.find(project=project, identifier="a\0b")


def test_counters_move_and_nothing_else(project):
    customer = make_customer(project=project)
    before = render_customer(customer)
    services.move_counters(customer_id=customer.pk, at=LATER, orders_total_amount=500, orders_total_count=1)
    services.move_counters(customer_id=customer.pk, at=LATER, orders_total_amount=-200, redemptions_failed=1)
    customer.refresh_from_db()
    after = render_customer(customer)
    assert customer.counted_at == LATER
    expected = {"total_amount": 300, "total_count": 1, "average_amount": 300, "last_order_amount": 0}
    assert after["summary"]["orders"] == expected
    assert after["summary"]["redemptions"]["total_redeemed"] == 1
    assert {**after, "summary": None} == {**before, "summary": None}


def test_a_counter_that_does_not_exist_is_refused(project):
    customer = make_customer(project=project)
    with pytest.raises(ValueError, match="not a counter: version"):
        services.move_counters(customer_id=customer.pk, at=LATER, version=1)


@pytest.mark.parametrize("count", [4, 400])
def test_many_report_what_became_of_each_row(project, count):
    half = count // 2
    old = [CustomerData(source_id=f"crm-{number}", name="Old") for number in range(half)]
    services.upsert_many(project=project, rows=old, at=NOON)
    rows = [CustomerData(source_id=f"crm-{number}", name="Old" if number % 2 else "New") for number in range(count)]
    rows.append(CustomerData(id="cust_nobody", name="x"))
    loaded = services.upsert_many(project=project, rows=rows, at=LATER)
    outcome = (loaded.created, loaded.updated, loaded.unchanged, loaded.unknown)
    assert outcome == (half, half // 2, half - half // 2, [count])
    again = services.upsert_many(project=project, rows=rows, at=LATER)
    assert (again.created, again.updated, again.unchanged, again.unknown) == (0, 0, count, [count])


def test_the_same_key_twice_in_one_load_is_applied_in_order(project):
    rows = [
        CustomerData(source_id="a", name="One", phone="1", metadata={"x": 1, "y": 1}),
        CustomerData(source_id="a", name="Two", metadata={"y": 2}),
    ]
    loaded = services.upsert_many(project=project, rows=rows, at=NOON)
    assert (loaded.created, loaded.updated, loaded.unchanged) == (1, 1, 0)
    customer = services.find(project=project, identifier="a")
    assert (customer.name, customer.phone, customer.metadata) == ("Two", "1", {"x": 1, "y": 2})


@pytest.mark.parametrize("filler", [0, 300])
def test_hostile_text_comes_back_as_it_was_sent_through_both_ways_in(project, filler):
    texts = ["\\N", "\\", "a\tb", "line\nbreak\r\n", '"quoted"', "{x}", "é🎟", "\x1f\x1e", "' OR 1=1 --", "%s", ""]
    rows = [
        CustomerData(source_id=f"k{n}", name=text, metadata={"t": text, text or "e": [text]}, address={"city": text})
        for n, text in enumerate(texts)
    ]
    others = [CustomerData(source_id=f"f{number}") for number in range(filler)]
    services.upsert_many(project=project, rows=[*rows, *others], at=NOON)
    for number, row in enumerate(rows):
        customer = services.find(project=project, identifier=f"k{number}")
        assert (customer.name, customer.metadata, customer.address) == (row.name, row.metadata, row.address)


def test_rows_of_one_load_get_times_that_a_cursor_can_follow(project):
    services.upsert_many(project=project, rows=[CustomerData(source_id=f"c{n}") for n in range(120)], at=NOON)
    times = list(Customer.objects.order_by("created_at").values_list("created_at", flat=True))
    assert times[0] == NOON
    assert times[-1] == NOON + timedelta(milliseconds=2)
    assert max(times.count(at) for at in set(times)) == 50


def test_what_would_be_stored_can_be_seen_without_storing(project):
    make_customer(project=project, source_id="crm-1", name="Nora", metadata={"a": 1})
    profile = services.preview(project=project, data=parse_customer({"source_id": "crm-1", "metadata": {"b": 2}}))
    assert (profile.name, profile.metadata) == ("Nora", {"a": 1, "b": 2})
    assert Customer.objects.get().metadata == {"a": 1}


def test_an_empty_source_id_is_none():
    assert not parse_customer({"source_id": ""}).source_id
    with pytest.raises(InvalidPayload):
        parse_customer({"source_id": 5})


def test_metadata_must_meet_the_schema(project):
    schemas.create(
        project=project, body={"related_object": "customer", "properties": {"visits": {"type": "number"}}}, at=NOON
    )
    with pytest.raises(MetadataValidationFailed) as caught:
        services.upsert(project=project, data=parse_customer({"source_id": "a", "metadata": {"visits": "x"}}), at=NOON)
    assert caught.value.details == "visits: must be a number (actual value is 'x')"
    assert not Customer.objects.exists()
