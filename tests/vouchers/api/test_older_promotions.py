"""Calls of older libraries about promotions and campaigns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import NOW, CampaignFactory, Shop, make_rule, make_shop, make_voucher
from vouchers.models import Campaign, PromotionTier, RuleAssignment, Voucher

pytestmark = pytest.mark.django_db
TEN = {"discount": {"type": "PERCENT", "percent_off": 10}}
ORDER = {"amount": 10_000}


@pytest.fixture
def shop() -> Shop:
    return make_shop(client_side=("all",))


@pytest.fixture
def tiers(shop: Shop) -> list[PromotionTier]:
    """One that holds, one with a rule about large orders, one switched off."""
    campaign = CampaignFactory.create(project=shop.project, campaign_type="PROMOTION", voucher=None)
    common: dict[str, Any] = {"project": shop.project, "campaign": campaign, "action": TEN, "created_at": NOW}
    rows = [PromotionTier.objects.create(name=name, active=name != "Off", **common) for name in ("One", "Large", "Off")]
    large = {"1": {"name": "order.amount", "conditions": {"$more_than": [99_999]}}, "logic": "1"}
    RuleAssignment.objects.create(
        project=shop.project, rule=make_rule(project=shop.project, rules=large), promotion_tier=rows[1],
        related_object_type="promotion_tier", related_object_id=rows[1].public_id, created_at=NOW,
    )  # fmt: skip
    return rows


def test_all_promotions_that_hold_for_a_cart(shop: Shop, tiers: list[PromotionTier]) -> None:
    wire = shop.server().post("/v1/promotions/validation", {"order": ORDER}).json()
    assert (wire["valid"], [row["id"] for row in wire["promotions"]]) == (True, [tiers[0].public_id])
    row = wire["promotions"][0]
    assert (row["discount_amount"], row["order"]["total_amount"]) == (1000, 9000)
    large = shop.server().post("/v1/promotions/validation", {"order": {"amount": 200_000}}).json()
    assert {row["id"] for row in large["promotions"]} == {tiers[0].public_id, tiers[1].public_id}
    browser = shop.browser().get("/client/v1/promotions/validation", {"amount": "10000"}).json()
    assert [row["id"] for row in browser["promotions"]] == [tiers[0].public_id]
    assert browser["tracking_id"].startswith("track_")
    PromotionTier.objects.update(active=False)
    assert shop.server().post("/v1/promotions/validation").json() == {"valid": False, "promotions": []}
    assert shop.server().post("/v1/promotions/validation", []).status_code in (200, 400)


def test_all_promotions_by_rules_about_customers_alone(shop: Shop, tiers: list[PromotionTier]) -> None:
    rome = {"1": {"name": "customer.metadata", "property": "city", "conditions": {"$is": ["Rome"]}}, "logic": "1"}
    PromotionTier.objects.filter(pk=tiers[2].pk).update(active=True)
    RuleAssignment.objects.create(
        project=shop.project, rule=make_rule(project=shop.project, rules=rome), promotion_tier=tiers[2],
        related_object_type="promotion_tier", related_object_id=tiers[2].public_id, created_at=NOW,
    )  # fmt: skip

    def shown(query: str, **body: Any) -> set[str]:
        response = shop.server().post(f"/v1/promotions/validation{query}", body)
        assert response.status_code == 200, response.json()
        return {row["name"] for row in response.json()["promotions"]}

    assert shown("", order=ORDER) == {"One"}
    assert shown("?audienceRulesOnly=true", order=ORDER) == {"One", "Large"}
    assert shown("?audienceRulesOnly=true") == {"One", "Large"}
    roman = {"source_id": "ada", "metadata": {"city": "Rome"}}
    assert shown("?audienceRulesOnly=true", customer=roman) == {"One", "Large", "Off"}


def test_one_tier_is_validated_and_redeemed(shop: Shop, tiers: list[PromotionTier]) -> None:
    one, large, off = (f"/v1/promotions/tiers/{tier.public_id}" for tier in tiers)
    server = shop.server()
    good = server.post(f"{one}/validation", {"order": ORDER}).json()
    assert (good["valid"], good["id"], good["discount_amount"]) == (True, tiers[0].public_id, 1000)
    bad = server.post(f"{large}/validation", {"order": ORDER, "customer": {"source_id": "ada"}}).json()
    assert (bad["valid"], bad["reason"]) == (False, "order does not match validation rules")
    assert bad["error"]["key"] == "order_rules_violated"
    redeemed = server.post(f"{one}/redemption", {"order": ORDER})
    assert redeemed.status_code == 200, redeemed.json()
    assert (redeemed.json()["result"], redeemed.json()["promotion_tier"]["id"]) == ("SUCCESS", tiers[0].public_id)
    refused = server.post(f"{off}/redemption", {"order": ORDER})
    assert (refused.status_code, refused.json()["key"]) == (400, "promotion_inactive")
    for path in ("validation", "redemption"):
        assert server.post(f"/v1/promotions/tiers/promo_x/{path}").status_code == 404
    tiers[0].refresh_from_db()
    assert tiers[0].redeemed_quantity == 1


def test_campaigns_that_could_give_a_code(shop: Shop) -> None:
    template = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 700}}
    row: Campaign = CampaignFactory.create(project=shop.project, voucher=template)
    CampaignFactory.create(project=shop.project, voucher=template, active=False)
    CampaignFactory.create(project=shop.project, campaign_type="PROMOTION", voucher=None)
    wire = shop.server().post("/v1/campaigns/qualification?audienceRulesOnly=true", {}).json()
    assert ([found["id"] for found in wire["data"]], wire["total"]) == ([row.public_id], 1)
    assert wire["id"].startswith("qfl_")
    second = CampaignFactory.create(project=shop.project, voucher=template, name="Aa")
    sorted_by = shop.server().post("/v1/campaigns/qualification?order=campaign", {}).json()
    assert [found["id"] for found in sorted_by["data"]] == [second.public_id, row.public_id]
    for bad in ("limit=51", "order=x"):
        assert shop.server().post(f"/v1/campaigns/qualification?{bad}").status_code == 400


def test_codes_of_no_campaign_that_a_customer_may_use(shop: Shop) -> None:
    rome = {"1": {"name": "order.metadata", "property": "city", "conditions": {"$is": ["Rome"]}}, "logic": "1"}
    first = make_voucher(project=shop.project, code="B")
    make_rule(make_voucher(project=shop.project, code="A"), rules=rome)
    make_voucher(project=shop.project, code="OFF", active=False)
    make_voucher(project=shop.project, code="CAMPAIGNS", campaign=CampaignFactory.create(project=shop.project))

    def codes(query: str = "", **order: Any) -> list[str]:
        response = shop.server().post(f"/v1/vouchers/qualification?{query}", {"order": {**ORDER, **order}})
        assert response.status_code == 200, response.json()
        return [row["code"] for row in response.json()["data"]]

    assert codes() == ["B"]
    assert codes(metadata={"city": "Rome"}) == ["A", "B"]
    assert codes("audienceRulesOnly=true") == ["A", "B"]
    assert codes("order=-code", metadata={"city": "Rome"}) == ["B", "A"]
    assert codes("limit=1&order=created_at", metadata={"city": "Rome"}) == ["B"]
    wire = shop.server().post("/v1/vouchers/qualification", {"customer": {"source_id": "ada"}}).json()
    assert (wire["object"], wire["data_ref"], wire["total"], wire["id"][:4]) == ("list", "data", 1, "qfl_")
    assert wire["tracking_id"].startswith("track_")
    shown = shop.server().get("/v1/vouchers/B").json()
    nothing = {"data": [], "total": 0, "data_ref": "data", "object": "list"}
    assert wire["data"] == [{**shown, "applicable_to": nothing, "inapplicable_to": nothing}]
    for bad in ("limit=51", "limit=0", "order=name"):
        response = shop.server().post(f"/v1/vouchers/qualification?{bad}")
        assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params")
    assert not Voucher.objects.filter(code="qualification").exists(), "the word is no code"
    first.refresh_from_db()
    assert first.redeemed_quantity == 0
