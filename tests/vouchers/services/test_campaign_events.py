"""What webhooks are told of campaigns, their codes, tiers and stacks, in the transaction of each change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from config.jobs import runner
from config.jobs.models import AsyncAction
from config.kernel.causes import Cause
from config.webhooks import catalogue, outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from tests.factories import NOW, Shop, make_shop
from tests.jobs import run_queued
from vouchers import tasks
from vouchers.errors import InvalidCodeConfig
from vouchers.models import Campaign
from vouchers.services import drafts, generation, minting

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


def test_a_generation_that_is_stopped_is_told_once_however_often_its_job_runs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "BATCH", 2)
    shop.server().post("/v1/campaigns", COUPONS | {"vouchers_count": 5})
    action = AsyncAction.objects.get()
    runner.request_stop(action)
    run_queued()
    assert kinds() == ["created", "vouchers.generation.started", "vouchers.generation.failed"]
    campaign = Campaign.objects.get()
    assert campaign.vouchers_generation_status == campaign.creation_status == "DONE"
    AsyncAction.objects.update(status="IN_PROGRESS", stop_requested=False)
    tasks.generate_codes.defer(action_id=action.pk)
    run_queued()
    assert kinds() == []
    shop.server().post(f"/v1/campaigns/{campaign.public_id}/vouchers?vouchers_count=2", {})
    run_queued()
    assert kinds() == ["vouchers.generation.started", "vouchers.generation.completed"]


def test_a_killed_generation_that_goes_on_is_told_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.server().post("/v1/campaigns", COUPONS | {"vouchers_count": 3})
    run_queued()
    told()
    AsyncAction.objects.update(status="IN_PROGRESS")  # killed between its last batch's end and its own
    tasks.generate_codes.defer(action_id=AsyncAction.objects.get().pk)
    run_queued()
    assert kinds() == []
    assert Campaign.objects.get().vouchers_count == 3


@pytest.mark.parametrize("what", ["generation", "change", "import"])
def test_a_job_that_is_given_up_frees_its_campaign_and_is_told(shop: Shop, what: str) -> None:
    shop.server().post("/v1/campaigns", COUPONS | {"vouchers_count": 3})
    url = f"/v1/campaigns/{Campaign.objects.get().public_id}"
    if what != "generation":
        run_queued()
        told()
        if what == "change":
            shop.server().put(url, {"discount": {"type": "PERCENT", "percent_off": 5}})
        else:
            shop.server().post(f"{url}/import", [{"code": "MADE-1"}])
    AsyncAction.objects.update(tries=runner.MOST_TRIES)
    run_queued()
    assert AsyncAction.objects.order_by("-pk")[0].failure.startswith("Gave up")
    expected = {"generation": ["created", "vouchers.generation.started", "vouchers.generation.failed"]}
    assert kinds() == expected.get(what, ["updated"] if what == "change" else [])
    assert Campaign.objects.get().vouchers_generation_status == "FAILED"
    assert shop.server().put(url, {"description": "x"}).status_code == 200


def test_a_change_that_is_stopped_leaves_the_campaign_free(shop: Shop) -> None:
    shop.server().post("/v1/campaigns", COUPONS | {"vouchers_count": 3})
    run_queued()
    url = f"/v1/campaigns/{Campaign.objects.get().public_id}"
    for change in (
        lambda: shop.server().put(url, {"discount": {"type": "PERCENT", "percent_off": 5}}),
        lambda: shop.server().post(f"{url}/import", [{"code": "MADE-1"}]),
    ):
        change()
        runner.request_stop(AsyncAction.objects.order_by("-pk")[0])
        run_queued()
        assert AsyncAction.objects.order_by("-pk")[0].stopped
        assert Campaign.objects.get().vouchers_generation_status == "DONE"


def test_publishing_a_draft_tells_of_its_rule_by_whom_it_was_assigned(shop: Shop) -> None:
    body = {"target_url": "https://b.example/", "events": list(catalogue.GROUPS["Validation rules"])}
    webhooks.create(project=shop.project, body=body, at=NOW)
    cause = Cause({"channel": "INTERNAL", "user": {"id": "user_1", "name": "Ann"}}, "req-1")
    draft = drafts.begin(project=shop.project, steps={}, at=NOW)
    drafts.publish(draft=draft, data=COUPONS, rule={"name": "R"}, rule_ids=[], at=NOW, cause=cause)
    rows = list(Delivery.objects.order_by("pk"))
    assert [row.type for row in rows][-1] == "business_validation_rule.assignment.created"
    payloads = [json.loads(row.payload)["event"] for row in rows]
    assert {event["group_id"] for event in payloads} == {"req-1"}
    assert all(event["event_source"]["user"]["id"] == "user_1" for event in payloads)


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
