import random
from datetime import timedelta

import pytest

from config.kernel.errors import NotFound
from tests.factories import NOW, make_customer, make_project
from tracking.models import Order
from tracking.services import orders, recounts

pytestmark = pytest.mark.django_db


def save(customer=None, *, project=None, status="PAID", at=NOW, **order):
    return orders.save_order(
        project=project or make_project(), order={"amount": 1000} | order, customer=customer, at=at, status=status
    )


def summary(customer):
    customer.refresh_from_db()
    return (
        *(customer.orders_total_count, customer.orders_total_amount),
        *(customer.orders_last_amount, customer.orders_last_at),
    )


NOTHING = (0, 0, 0, None)


def test_a_new_order_keeps_what_was_sent_but_not_what_was_applied():
    customer = make_customer()
    line = {"object": "order_item", "quantity": 2, "amount": 1000, "applied_discount_amount": 10}
    made = save(customer, source_id="o-1", total_amount=900, items=[line], metadata={"till": 1}, status=None)
    order = Order.objects.get()
    assert made == order and order.public_id.startswith("ord_")
    assert (order.source_id, order.status, order.amount, order.total_amount) == ("o-1", "CREATED", 1000, 900)
    assert order.items == [{"object": "order_item", "quantity": 2, "amount": 1000}]
    assert (order.metadata, order.created_at, order.updated_at) == ({"till": 1}, NOW, None)
    assert summary(customer) == NOTHING


def test_only_paid_and_fulfilled_orders_with_a_customer_count():
    customer = make_customer()
    for status in Order.Status.values:
        save(customer, status=status)
    save(None)
    assert summary(customer) == (2, 2000, 1000, NOW)


def test_the_discounted_total_is_what_was_spent():
    customer = make_customer()
    save(customer, total_amount=0)
    assert summary(customer) == (1, 0, 0, NOW)
    save(customer, total_amount=700, at=NOW + timedelta(seconds=1))
    assert summary(customer) == (2, 700, 700, NOW + timedelta(seconds=1))


def test_an_older_order_that_comes_late_is_not_the_last():
    customer = make_customer()
    save(customer, amount=5, at=NOW)
    save(customer, amount=7, at=NOW - timedelta(days=1))
    assert summary(customer) == (2, 12, 5, NOW)


def test_an_order_is_found_again_by_its_ids_and_changed():
    customer = make_customer()
    first = save(customer, source_id="o-1", metadata={"a": 1, "b": 1}, items=[{"quantity": 1}])
    later = NOW + timedelta(hours=1)
    again = save(customer, source_id="o-1", amount=300, metadata={"b": 2}, status=None, at=later)
    assert again.pk == first.pk
    again.refresh_from_db()
    assert (again.amount, again.metadata, again.items, again.status) == (
        300,
        {"a": 1, "b": 2},
        [{"quantity": 1}],
        "PAID",
    )
    assert (again.created_at, again.updated_at) == (NOW, later)
    assert summary(customer) == (1, 300, 300, NOW)
    assert save(id=first.public_id, source_id="o-2", status=None).source_id == "o-1"
    assert Order.objects.count() == 1
    assert summary(customer) == (1, 1000, 1000, NOW)


def test_an_unknown_id_is_not_found_and_an_id_of_another_project_is_unknown():
    foreign = save(project=make_project("Other"), source_id="o-1")
    with pytest.raises(NotFound) as refused:
        save(id=foreign.public_id)
    assert refused.value.details == f"Cannot find order with id {foreign.public_id}"
    assert save(source_id="o-1").pk != foreign.pk
    with pytest.raises(NotFound):
        orders.find(project=make_project(), identifier=foreign.public_id)


def test_canceling_and_restoring_moves_the_counters_back_and_forth():
    customer = make_customer()
    first, second = save(customer, amount=5), save(customer, amount=7, at=NOW + timedelta(days=1))
    orders.set_status(order=second, status="CANCELED", at=NOW)
    assert summary(customer) == (1, 5, 5, NOW)
    orders.set_status(order=first, status="CREATED", at=NOW)
    assert summary(customer) == NOTHING
    orders.set_status(order=second, status="FULFILLED", at=NOW)
    assert summary(customer) == (1, 7, 7, NOW + timedelta(days=1))


def test_an_order_that_changes_hands_is_counted_once():
    first, second = make_customer(), make_customer()
    order = save(first)
    save(second, id=order.public_id)
    assert (summary(first), summary(second)) == (NOTHING, (1, 1000, 1000, NOW))


def test_counters_move_without_touching_the_profile():
    customer = make_customer()
    save(customer)
    customer.refresh_from_db()
    assert (customer.updated_at, customer.version, customer.counted_at) == (None, 1, NOW)


def test_orders_are_found_by_id_and_by_source_id():
    order = save(source_id="o-1")
    project = make_project()
    assert orders.find(project=project, identifier=order.public_id) == order
    assert orders.find(project=project, identifier="o-1") == order
    for unknown in ("o-2", "", "a\0"):
        with pytest.raises(NotFound):
            orders.find(project=project, identifier=unknown)


@pytest.mark.parametrize("seed", range(5))
def test_counters_equal_facts_after_a_random_history(seed):
    chance = random.Random(seed)
    customers = [make_customer() for _ in range(3)]
    made = []
    for step in range(60):
        at = NOW + timedelta(minutes=chance.randrange(500), milliseconds=step)
        values = {"amount": chance.randrange(1000)}
        if chance.random() < 0.5:
            values["total_amount"] = chance.randrange(1000)
        if made and chance.random() < 0.5:
            values["id"] = chance.choice(made).public_id
        status = chance.choice([*Order.Status.values, None])
        made.append(save(chance.choice([*customers, None]), at=at, status=status, **values))
    assert list(recounts.differences(project=make_project(), at=NOW, fix=False)) == []
