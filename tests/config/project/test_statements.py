"""Statements written by hand: what goes in comes back, and parts of one statement refer to each other."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from config.project import statements
from customers.models import Customer
from customers.services import moved
from tests.factories import NOW, make_customer, make_project, make_voucher
from tracking.models import Event, Order
from vouchers.models import Redemption

pytestmark = pytest.mark.django_db


def draft(source_id: str) -> Order:
    return Order(
        project=make_project(), source_id=source_id, items=[{"quantity": 2}], metadata={"a": None}, created_at=NOW
    )


def test_rows_are_inserted_in_their_order_and_read_back_as_they_were() -> None:
    rows = [draft("one"), draft("two")]
    written = statements.run({"saved": statements.insert(rows)})
    for row, pk in zip(rows, written["saved"], strict=True):
        statements.mark_saved(row, pk)
        stored = Order.objects.get(pk=pk)
        assert (stored.source_id, stored.items, stored.metadata) == (row.source_id, [{"quantity": 2}], {"a": None})
        assert (stored.public_id, stored.created_at, stored.redemptions) == (row.public_id, NOW, {})
    assert rows[0] != rows[1]


def test_parts_share_one_statement_and_its_fate() -> None:
    customer = make_customer()
    parts = {
        "saved": statements.insert([draft("one")]),
        "counted": moved(customer_id=customer.pk, at=NOW, order=(500, NOW), redemptions_succeeded=2),
        "missed": moved(customer_id=0, at=NOW, redemptions_failed=1),
    }
    written = statements.run(parts)
    customer.refresh_from_db()
    assert (len(written["saved"]), written["counted"], written["missed"]) == (1, [customer.pk], [])
    assert (customer.redemptions_succeeded, customer.orders_total_amount, customer.orders_total_count) == (2, 500, 1)
    assert (customer.orders_last_amount, customer.orders_last_at, customer.counted_at) == (500, NOW, NOW)


def test_a_strange_counter_is_no_counter() -> None:
    with pytest.raises(ValueError, match="not a counter: name"):
        moved(customer_id=1, at=NOW, name=1)


def test_a_row_is_loaded_as_the_orm_would() -> None:
    customer = make_customer(
        metadata={"tags": ["a", "b"], "n": 1.5}, address={"city": "Berlin"}, nulled_fields=["phone"]
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {statements.columns(Customer, 'c')} FROM customers_customer c")
        loaded = statements.load(Customer, cursor.fetchone())
    assert loaded == customer
    assert {name: getattr(loaded, name) for name in statements.names(Customer)} == {
        name: getattr(customer, name) for name in statements.names(Customer)
    }


def test_what_is_made_by_hand_is_what_the_model_makes() -> None:
    voucher = make_voucher()
    given = {"code": "A", "created_at": NOW, "metadata": {"a": 1}, "public_id": "r_1"}
    by_hand = statements.make(Redemption, {"project": voucher.project, "voucher": voucher, "order": None}, **given)
    made = Redemption(project=voucher.project, voucher=voucher, order=None, **given)
    names = [field.attname for field in Redemption._meta.concrete_fields]
    assert {name: getattr(by_hand, name) for name in names} == {name: getattr(made, name) for name in names}
    assert statements.make(Event).public_id.startswith("evcus_")
    assert statements.make(Event).public_id != statements.make(Event).public_id
    assert by_hand.voucher is voucher
    assert by_hand._state.adding
    by_hand.save(force_insert=True)
    assert Redemption.objects.get().metadata == {"a": 1}


def test_what_is_loaded_by_hand_is_what_the_orm_loads(django_assert_num_queries: Any) -> None:
    customer = make_customer(metadata={"a": [1]}, address={"city": "Oslo"}, email="a@b.example")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {statements.columns(Customer, 'c')} FROM customers_customer c")
        loaded = statements.load(Customer, cursor.fetchone())
    with django_assert_num_queries(1):
        stored = Customer.objects.get()
    with django_assert_num_queries(0):
        assert {name: getattr(loaded, name) for name in statements.names(Customer)} == {
            name: getattr(stored, name) for name in statements.names(Customer)
        }
    assert loaded == stored
    assert not loaded._state.adding
    loaded.name = "Ann"
    loaded.save(update_fields=["name"])
    assert Customer.objects.get(pk=customer.pk).name == "Ann"


def test_without_its_required_part_nothing_is_written() -> None:
    parts = {"saved": statements.insert([draft("one")]), "counted": moved(customer_id=0, at=NOW, redemptions_failed=1)}
    with pytest.raises(statements.NothingWritten), transaction.atomic():
        statements.run(parts, required="counted")
    assert not Order.objects.exists()
    assert len(statements.run(parts, required="saved")["saved"]) == 1
