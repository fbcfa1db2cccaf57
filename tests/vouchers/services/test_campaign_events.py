"""What webhooks are told of campaigns, their codes, tiers and stacks, in the transaction of each change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from config.webhooks import catalogue, outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from tests.factories import NOW, Shop, make_shop
from tests.jobs import run_queued
from vouchers.errors import InvalidCodeConfig
from vouchers.models import Campaign
from vouchers.services import minting

pytestmark = pytest.mark.django_db
DISCOUNT = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
COUPONS: dict[str, Any] = {"name": "Autumn", "campaign_type": "DISCOUNT_COUPONS", "voucher": DISCOUNT}
TIER = {"name": "Ten", "action": {"discount": {"type": "AMOUNT", "amount_off": 10}}}


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = make_shop()
    body = {"target_url": "https://a.example/", "events": list(catalogue.GROUPS["Campaigns"])}
    webhooks.create(project=shop.project, body=body, at=NOW)
    yield shop
    outbox.forget(shop.project)


def told() -> list[tuple[str, dict[str, Any]]]:
    """What was told since the last call: (the type without `campaign.`, data)."""
    rows = [(row.type.removeprefix("campaign."), json.loads(row.payload)) for row in Delivery.objects.order_by("pk")]
    Delivery.objects.all().delete()
    assert all(payload["event"]["id"].startswith("evcam_") and payload["event"]["entity_id"] for _, payload in rows)
    return [(kind, payload["data"]) for kind, payload in rows]


def kinds() -> list[str]:
    return [kind for kind, _ in told()]


def test_a_campaign_is_told_as_it_is_answered(shop: Shop) -> None:
    answer = shop.server().post("/v1/campaigns", COUPONS).json()
    assert told() == [("created", {"campaign": answer})]
    url = f"/v1/campaigns/{answer['id']}"
    changed = shop.server().put(url, {"description": "Leaves"}).json()
    assert told() == [("updated", {"campaign": changed})]
    shop.server().post(f"{url}/disable", {})
    shop.server().post(f"{url}/disable", {})
    shop.server().post(f"{url}/enable", {})
    assert kinds() == ["disabled", "enabled"]
    assert shop.server().put(url, {"discount": {"type": "AMOUNT", "amount_off": 5}}).status_code == 400
    assert kinds() == []
    shop.server().delete(url)
    [(kind, data)] = told()
    assert (kind, data["campaign"]["id"], data["campaign"]["description"]) == ("deleted", answer["id"], "Leaves")


def test_codes_are_told_when_they_start_and_are_there(shop: Shop) -> None:
    answer = shop.server().post("/v1/campaigns", COUPONS | {"vouchers_count": 3}).json()
    assert kinds() == ["created", "vouchers.generation.started"]
    run_queued()
    [(kind, data)] = told()
    assert (kind, data["campaign"]["vouchers_count"]) == ("vouchers.generation.completed", 3)
    assert data["campaign"]["vouchers_generation_status"] == "DONE"
    url = f"/v1/campaigns/{answer['id']}/vouchers"
    shop.server().post(f"{url}/LEAF", {})
    [(kind, data)] = told()
    assert (kind, data["voucher"]["code"], data["campaign"]["id"]) == ("vouchers.added", "LEAF", answer["id"])
    shop.server().post(f"{url}?vouchers_count=2", {})
    run_queued()
    assert kinds() == ["vouchers.generation.started", "vouchers.generation.completed"]
    shop.server().post(f"/v1/campaigns/{answer['id']}/import", [{"code": "MADE-1"}, {"code": "MADE-2"}])
    run_queued()
    [(kind, data)] = told()
    assert (kind, data["voucher"], data["campaign"]["vouchers_count"]) == ("vouchers.added", None, 8)


def test_a_generation_that_fails_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> Any:
        raise InvalidCodeConfig("no free codes left")

    shop.server().post("/v1/campaigns", COUPONS | {"vouchers_count": 3})
    assert kinds() == ["created", "vouchers.generation.started"]
    monkeypatch.setattr(minting, "load", refuse)
    run_queued()
    [(kind, data)] = told()
    assert (kind, data["campaign"]["vouchers_generation_status"]) == ("vouchers.generation.failed", "FAILED")


def test_tiers_and_stacks_are_told_with_their_campaign(shop: Shop) -> None:
    body = {"name": "Sale", "campaign_type": "PROMOTION", "promotion": {"tiers": [TIER]}}
    campaign = shop.server().post("/v1/campaigns", body).json()
    [(tier_made, first), (made, _)] = told()
    assert (tier_made, made) == ("promotion_tier.created", "created")
    assert (first["promotion_tier"]["name"], first["campaign"]["name"]) == ("Ten", "Sale")
    promotion, tier = f"/v1/promotions/{campaign['id']}", campaign["promotion"]["tiers"][0]["id"]
    stack = shop.server().post(f"{promotion}/stacks", {"name": "Both", "tiers": {"ids": [tier]}}).json()
    assert [(kind, data["promotion_stack"]) for kind, data in told()] == [("promotion_stack.created", stack)]
    changed = shop.server().put(f"{promotion}/stacks/{stack['id']}", {"name": "One"}).json()
    assert [(kind, data["promotion_stack"]) for kind, data in told()] == [("promotion_stack.updated", changed)]
    url = f"/v1/promotions/tiers/{tier}"
    changed = shop.server().put(url, {"banner": "Ten off"}).json()
    assert [(kind, data["promotion_tier"]) for kind, data in told()] == [("promotion_tier.updated", changed)]
    shop.server().post(f"{url}/disable", {})
    shop.server().post(f"{url}/enable", {})
    assert kinds() == ["promotion_tier.disabled", "promotion_tier.enabled"]
    shop.server().delete(url)
    assert kinds() == ["promotion_tier.deleted", "promotion_stack.deleted"]


def test_a_stack_is_told_when_it_goes_or_loses_a_tier(shop: Shop) -> None:
    body = {"name": "Sale", "campaign_type": "PROMOTION", "promotion": {"tiers": [TIER, TIER]}}
    campaign = shop.server().post("/v1/campaigns", body).json()
    ids = [tier["id"] for tier in campaign["promotion"]["tiers"]]
    url = f"/v1/promotions/{campaign['id']}/stacks"
    stack = shop.server().post(url, {"name": "Both", "tiers": {"ids": ids}}).json()
    told()
    shop.server().delete(f"/v1/promotions/tiers/{ids[0]}")
    [(_, _), (kind, data)] = told()
    assert (kind, data["promotion_stack"]["tiers"]["ids"]) == ("promotion_stack.updated", ids[1:])
    shop.server().delete(f"{url}/{stack['id']}")
    [(kind, data)] = told()
    assert (kind, data["promotion_stack"]["id"]) == ("promotion_stack.deleted", stack["id"])


def test_nobody_asked_and_nothing_is_written() -> None:
    shop = make_shop("Quiet")
    body = {"name": "Sale", "campaign_type": "PROMOTION", "promotion": {"tiers": [TIER]}}
    campaign = shop.server().post("/v1/campaigns", body).json()
    shop.server().put(f"/v1/campaigns/{campaign['id']}", {"description": "Leaves"})
    assert Campaign.objects.get().description == "Leaves"
    assert not Delivery.objects.exists()


def test_a_publication_is_told_with_its_voucher(shop: Shop) -> None:
    types = ["publication.succeeded", "voucher.published"]
    webhooks.create(project=shop.project, body={"target_url": "https://b.example/", "events": types}, at=NOW)
    campaign = shop.server().post("/v1/campaigns", COUPONS).json()
    shop.server().post(f"/v1/campaigns/{campaign['id']}/vouchers/LEAF", {})
    Delivery.objects.all().delete()
    body = {"campaign": {"name": "Autumn"}, "customer": {"source_id": "crm-1"}}
    answer = shop.server().post("/v1/publications", body).json()
    rows = {row.type: json.loads(row.payload)["data"] for row in Delivery.objects.all()}
    assert set(rows) == set(types)
    for data in rows.values():
        assert (data["customer"]["source_id"], data["campaign"]["id"]) == ("crm-1", campaign["id"])
        assert (data["publication"]["id"], data["voucher"]["code"]) == (answer["id"], "LEAF")
    assert rows["voucher.published"]["created_at"] == answer["created_at"]
    assert rows["publication.succeeded"]["user"] is None
