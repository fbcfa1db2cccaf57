"""What webhooks are told of redemptions and rollbacks, in the transaction of both."""

from __future__ import annotations

import json

import pytest

from config.webhooks import outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from tests.factories import NOW, make_shop, make_voucher

pytestmark = pytest.mark.django_db
TYPES = [
    "redemption.succeeded",
    "redemption.failed",
    "redemption.rollback.succeeded",
    "redemption.rollback.failed",
    "customer.redemption.succeeded",
]


@pytest.fixture
def shop():
    shop = make_shop()
    webhooks.create(project=shop.project, body={"target_url": "https://a.example/", "events": TYPES}, at=NOW)
    yield shop
    outbox.forget(shop.project)


def told():
    return [(row.type, json.loads(row.payload)) for row in Delivery.objects.order_by("pk")]


def test_a_redemption_is_told_with_its_objects_and_its_twin_of_the_timeline(shop):
    make_voucher(project=shop.project, code="ONCE", quantity=1)
    body = {
        "redeemables": [{"object": "voucher", "id": "ONCE"}],
        "customer": {"source_id": "crm-1", "name": "Nora"},
        "order": {"amount": 10_000},
    }
    answer = shop.server().post("/v1/redemptions", body).json()
    events = dict(told())
    assert set(events) == {"redemption.succeeded", "customer.redemption.succeeded"}
    data = events["redemption.succeeded"]["data"]
    redemption = answer["redemptions"][0]
    assert data["redemption"]["id"] == redemption["id"] == events["redemption.succeeded"]["event"]["entity_id"]
    assert (data["customer"]["source_id"], data["customer"]["object"]) == ("crm-1", "customer")
    assert (data["voucher"]["code"], data["voucher"]["redemption"]["redeemed_quantity"]) == ("ONCE", 1)
    assert data["order"]["total_amount"] == redemption["order"]["total_amount"]
    assert (data["campaign"], data["promotion_tier"], data["promotion_stack"]) == (None, None, None)
    groups = {event["event"]["group_id"] for event in events.values()}
    assert len(groups) == 1
    assert events["customer.redemption.succeeded"]["event"]["id"].startswith("evcus_")

    Delivery.objects.all().delete()
    shop.server().post("/v1/redemptions", body)
    [(kind, failed)] = told()
    assert (kind, failed["data"]["redemption"]["failure_code"]) == ("redemption.failed", "quantity_exceeded")

    Delivery.objects.all().delete()
    shop.server().post(f"/v1/redemptions/{redemption['id']}/rollback", {"reason": "returned"})
    [(kind, back)] = told()
    assert kind == "redemption.rollback.succeeded"
    assert (back["data"]["redemption"]["id"], back["data"]["redemption_rollback"]["reason"]) == (
        redemption["id"],
        "returned",
    )
    assert "created_at" not in back["data"]
    Delivery.objects.all().delete()
    shop.server().post(f"/v1/redemptions/{redemption['id']}/rollback", {})
    assert [kind for kind, _ in told()] == ["redemption.rollback.failed"]


def test_nobody_asked_and_nothing_is_written():
    shop = make_shop("Quiet")
    make_voucher(project=shop.project, code="A")
    shop.server().post("/v1/vouchers/A/redemption", {"customer": {"source_id": "crm-1"}})
    assert not Delivery.objects.exists()
