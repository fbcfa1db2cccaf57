"""What a redemption and its rollback tell of the order: on the customer's timeline, and to webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from config.webhooks import outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from tests.factories import NOW, Shop, make_shop, make_voucher
from tracking.models import Event

pytestmark = pytest.mark.django_db
BODY = {
    "redeemables": [{"object": "voucher", "id": "TEN"}],
    "customer": {"source_id": "crm-1"},
    "order": {"amount": 10_000},
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = make_shop()
    make_voucher(project=shop.project, code="TEN")
    yield shop
    outbox.forget(shop.project)


def listen(shop: Shop) -> None:
    types = ["order.created", "order.paid", "order.updated", "order.canceled", "customer.order.paid"]
    webhooks.create(project=shop.project, body={"target_url": "https://a.example/", "events": types}, at=NOW)


def timeline() -> list[str]:
    types = list(Event.objects.filter(type__startswith="customer.order").order_by("pk").values_list("type", flat=True))
    Event.objects.all().delete()
    return types


def told() -> list[str]:
    types = list(Delivery.objects.order_by("pk").values_list("type", flat=True))
    Delivery.objects.all().delete()
    return types


def test_a_redemption_tells_of_the_order_that_it_makes_and_a_rollback_that_it_cancels_it(shop: Shop) -> None:
    listen(shop)
    answer = shop.server().post("/v1/redemptions", BODY).json()
    [redemption] = answer["redemptions"]
    event = Event.objects.get(type="customer.order.paid")
    assert event.data["order"]["id"] == redemption["order"]["id"]
    assert (event.data["order"]["status"], event.data["customer"]["source_id"]) == ("PAID", "crm-1")
    assert event.data["redemption"] == {"id": redemption["id"], "object": "redemption", "result": "SUCCESS"}
    assert len(set(Event.objects.values_list("group_id", flat=True))) == 1
    payload = json.loads(Delivery.objects.get(type="order.created").payload)
    assert payload["data"] == event.data
    assert payload["event"]["entity_id"] == redemption["order"]["id"]
    assert timeline() == ["customer.order.created", "customer.order.paid"]
    assert sorted(told()) == ["customer.order.paid", "order.created", "order.paid"]
    shop.server().post(f"/v1/redemptions/{redemption['id']}/rollback", {})
    event = Event.objects.get(type="customer.order.canceled")
    assert (event.data["order"]["status"], event.data["redemption"]["object"]) == ("CANCELED", "redemption_rollback")
    assert timeline() == ["customer.order.updated", "customer.order.canceled"]
    assert told() == ["order.updated", "order.canceled"]


def test_a_stored_order_is_updated_and_paid(shop: Shop) -> None:
    made = shop.server().post("/v1/orders", {"amount": 10_000, "customer": {"source_id": "crm-1"}}).json()
    assert timeline() == ["customer.order.created"]
    listen(shop)
    shop.server().post("/v1/redemptions", BODY | {"order": {"id": made["id"]}})
    assert timeline() == ["customer.order.updated", "customer.order.paid"]
    assert sorted(told()) == ["customer.order.paid", "order.paid", "order.updated"]


def test_a_stack_tells_of_its_order_once(shop: Shop) -> None:
    make_voucher(project=shop.project, code="MORE")
    redeemables = [{"object": "voucher", "id": code} for code in ("TEN", "MORE")]
    answer = shop.server().post("/v1/redemptions", BODY | {"redeemables": redeemables}).json()
    data = Event.objects.get(type="customer.order.paid").data
    assert data["redemption"]["id"] == answer["parent_redemption"]["id"]
    assert timeline() == ["customer.order.created", "customer.order.paid"]
    assert told() == []


def test_a_refusal_and_a_redemption_without_an_order_tell_of_none(shop: Shop) -> None:
    listen(shop)
    make_voucher(project=shop.project, code="OFF", active=False)
    off = [{"object": "voucher", "id": "OFF"}]
    assert shop.server().post("/v1/redemptions", BODY | {"redeemables": off}).status_code == 400
    shop.server().post("/v1/redemptions", {"redeemables": BODY["redeemables"], "customer": {"source_id": "crm-1"}})
    assert (timeline(), told()) == ([], [])


def test_an_order_of_nobody_is_told_to_webhooks_only(shop: Shop) -> None:
    listen(shop)
    shop.server().post("/v1/redemptions", {"redeemables": BODY["redeemables"], "order": BODY["order"]})
    assert (timeline(), sorted(told())) == ([], ["order.created", "order.paid"])
