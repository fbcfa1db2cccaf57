"""What happens to profiles stands in the event log, once, with who did it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from config.kernel.causes import Cause, of_person
from config.kernel.errors import MetadataValidationFailed, NotFound
from config.project import schemas
from customers import services
from customers.errors import ChangedMeanwhile
from customers.models import Customer
from customers.payloads import CustomerData
from customers.rendering import render_customer
from customers.services import editing
from tests.factories import NOW, make_customer, make_project, make_shop, make_voucher
from tests.jobs import run_queued
from tracking.models import Event
from tracking.services import identities

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
SHOP = Cause({"channel": "API", "api_key": {"name": "Shop", "app_id": "a"}}, "v-1")


def logged():
    """Type and customer of every event, in order."""
    return list(Event.objects.order_by("pk").values_list("type", "customer_id"))


def test_create_change_and_delete_are_three_events_with_the_profile_as_it_was():
    project = make_project()
    nora = services.upsert(project=project, data=CustomerData(source_id="crm-1", name="Nora"), at=NOW, cause=SHOP)
    changed = services.upsert(project=project, data=CustomerData(source_id="crm-1", name="Lind"), at=LATER, cause=SHOP)
    services.delete(project=project, customer=changed, at=LATER, cause=of_person("user_1", "v-2"))
    assert logged() == [(f"customer.{what}", nora.pk) for what in ("created", "updated", "deleted")]
    first, second, third = Event.objects.order_by("pk")
    assert (first.data, second.data) == ({"customer": render_customer(nora)}, {"customer": render_customer(changed)})
    assert third.data["customer"]["name"] == "Lind"
    assert (first.created_at, second.created_at, first.category) == (NOW, LATER, "ACTION")
    assert (first.source, first.group_id) == (SHOP.source, "v-1")
    assert (third.source, third.group_id) == ({"channel": "USER_PORTAL", "user": {"id": "user_1"}}, "v-2")


def test_a_write_that_changes_nothing_is_no_event():
    project = make_project()
    data = CustomerData(source_id="crm-1", name="Nora")
    services.upsert(project=project, data=data, at=NOW)
    services.upsert(project=project, data=data, at=LATER)
    assert len(logged()) == 1


def test_refused_writes_are_no_events():
    project = make_project()
    body = {"related_object": "customer", "properties": {"n": {"type": "number"}}}
    schemas.create(project=project, body=body, at=NOW)
    ann = make_customer(project=project)
    with pytest.raises(MetadataValidationFailed):
        services.upsert(project=project, data=CustomerData(source_id="x", metadata={"n": "one"}), at=NOW)
    with pytest.raises(NotFound):
        services.upsert(project=project, data=CustomerData(id="cust_nobody", name="x"), at=NOW)
    with pytest.raises(ChangedMeanwhile):
        editing.edit(project=project, customer=ann, data=CustomerData(name="x"), version=7, at=NOW)
    assert logged() == []


def test_an_event_goes_with_its_transaction():
    project = make_project()
    with pytest.raises(RuntimeError), transaction.atomic():
        services.upsert(project=project, data=CustomerData(source_id="crm-1"), at=NOW)
        raise RuntimeError
    assert (logged(), Customer.objects.count()) == ([], 0)


def test_many_at_once_tell_whom_they_created_and_not_whom_they_changed():
    project = make_project()
    old = make_customer(project=project, source_id="old", name="Old")
    rows = [CustomerData(source_id=source_id, name="New") for source_id in ("old", "a", "b", "a")]
    services.upsert_many(project=project, rows=rows, at=LATER, cause=SHOP)
    services.upsert_each(project=project, rows=[CustomerData(source_id="c")], at=LATER)
    born = Customer.objects.exclude(pk=old.pk).order_by("pk")
    assert [person.source_id for person in born] == ["a", "b", "c"]
    assert sorted(logged()) == [("customer.created", person.pk) for person in born]


def test_the_visitor_who_gets_a_name_is_a_changed_profile():
    project = make_project()
    asked = {"project": project, "customer_id": None, "at": NOW, "anonymous": True}
    visitor = identities.resolve(**asked, tracking_id=None, source_id=None, cookie=None)
    own, _ = identities.write_customer(project=project, identity=visitor, data=CustomerData(name="N"), at=NOW)
    named = identities.resolve(**asked, tracking_id=None, source_id="crm-1", cookie=visitor.token)
    identities.write_customer(project=project, identity=named, data=None, at=LATER, cause=SHOP)
    assert logged() == [("customer.created", own.pk), ("customer.updated", own.pk)]
    assert Event.objects.order_by("pk").last().data["customer"]["source_id"] == "crm-1"


def test_calls_of_the_api_are_told_with_their_key_and_request():
    shop = make_shop()
    api = shop.server()
    made = api.post("/v1/customers", {"source_id": "crm-1", "name": "Nora"})
    api.put("/v1/customers/crm-1", {"name": "Lind"})
    listed = api.get("/v1/customers/crm-1/activity").json()["data"]
    assert [row["type"] for row in listed] == ["customer.updated", "customer.created"]
    assert listed[1]["data"]["customer"] == made.json()
    assert listed[1]["data"]["event_source"]["api_key"]["app_id"] == shop.secrets["app_id"]
    assert listed[1]["group_id"] == made.headers["X-Request-Id"]
    api.delete("/v1/customers/crm-1")
    assert Event.objects.filter(type="customer.deleted").count() == 1


def test_a_redemption_that_creates_its_customer_tells_both_with_one_group():
    shop = make_shop()
    voucher = make_voucher(project=shop.project, code="BLCK")
    shop.server().post(f"/v1/vouchers/{voucher.code}/redemption", {"customer": {"source_id": "crm-1"}})
    rows = Event.objects.order_by("pk").values_list("type", "group_id")
    types, groups = zip(*rows, strict=True)
    assert types == ("customer.created", "customer.redemption.succeeded")
    assert len(set(groups)) == 1
    assert groups[0]


def test_bulk_calls_tell_whom_they_created(data_folder):
    shop = make_shop()
    make_customer(project=shop.project, source_id="old")
    shop.server().post("/v1/customers/bulk/async", [{"source_id": "old", "name": "x"}, {"source_id": "new"}])
    shop.server().post("/v1/customers/metadata/async", {"source_ids": ["old", "more"], "metadata": {"vip": True}})
    run_queued()
    born = Customer.objects.filter(source_id__in=["new", "more"])
    assert sorted(logged()) == sorted(("customer.created", person.pk) for person in born)
