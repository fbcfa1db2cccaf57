from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import NOW, make_customer, make_project
from tracking.models import EventCounter
from tracking.services import events, orders, recounts
from tracking.services.recounts import Difference

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    customer = make_customer()
    orders.save_order(project=customer.project, order={"amount": 1000}, customer=customer, at=NOW, status="PAID")
    for name in ("a", "a", "b"):
        events.record(project=customer.project, type=events.CUSTOM_EVENT, name=name, customer=customer, at=NOW, data={})
    return customer


def test_there_is_nothing_to_report_while_counters_equal_facts(customer):
    assert list(recounts.differences(project=customer.project, at=NOW, fix=True)) == []


def test_recounting_reports_and_mends_what_is_wrong(customer):
    type(customer).objects.update(orders_total_count=9, orders_last_amount=1)
    EventCounter.objects.filter(name="a").update(count=7)
    EventCounter.objects.filter(name="b").delete()
    EventCounter.objects.create(customer=customer, name="c", count=1, first_at=NOW, last_at=NOW)
    wrong = [
        Difference(customer.public_id, "orders_total_count", 9, 1),
        Difference(customer.public_id, "orders_last_amount", 1, 1000),
        Difference(customer.public_id, "events.a", (7, NOW, NOW), (2, NOW, NOW)),
        Difference(customer.public_id, "events.b", None, (1, NOW, NOW)),
        Difference(customer.public_id, "events.c", (1, NOW, NOW), None),
    ]
    project = customer.project
    assert list(recounts.differences(project=project, at=NOW, fix=False)) == wrong
    assert list(recounts.differences(project=project, at=NOW, fix=True)) == wrong
    assert list(recounts.differences(project=project, at=NOW, fix=True)) == []
    customer.refresh_from_db()
    assert (customer.orders_total_count, customer.orders_last_amount, customer.updated_at) == (1, 1000, None)


def test_the_command_fails_where_counters_differ_and_mends_on_demand(customer):
    type(customer).objects.update(orders_total_count=9)
    other = make_project("Other")
    out = StringIO()
    call_command("recount", project=other.public_id, stdout=out)
    assert out.getvalue() == "0 differences\n"
    with pytest.raises(CommandError):
        call_command("recount", stdout=out)
    assert f"{customer.public_id} orders_total_count: counted 9, facts 1" in out.getvalue()
    call_command("recount", fix=True, stdout=out)
    assert out.getvalue().endswith("1 differences mended\n")
    call_command("recount", stdout=out)
