"""`/v1/promotions`: tiers and stacks, and what validations and redemptions make of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.project.models import AuditEntry
from tests.factories import NOW, CampaignFactory, Shop, make_rule, make_shop
from vouchers.models import Campaign, Category, PromotionStack, PromotionTier, Redemption

pytestmark = pytest.mark.django_db
TEN = {"discount": {"type": "PERCENT", "percent_off": 10}}


@pytest.fixture
def shop() -> Shop:
    return make_shop(client_side=("all",))


@pytest.fixture
def campaign(shop: Shop) -> Campaign:
    return CampaignFactory.create(project=shop.project, name="Promo", campaign_type="PROMOTION", voucher=None)


def tier(shop: Shop, name: str = "Tier", **fields: Any) -> dict[str, Any]:
    response = shop.server().post("/v1/promotions/Promo/tiers", {"name": name, "action": TEN, **fields})
    assert response.status_code == 200, response.json()
    return dict(response.json())


def stack(shop: Shop, *ids: str, **fields: Any) -> Any:
    return shop.server().post("/v1/promotions/Promo/stacks", {"name": "Stack", "tiers": {"ids": list(ids)}, **fields})


def asked(*ids: str, kind: str = "promotion_tier") -> dict[str, Any]:
    return {"redeemables": [{"object": kind, "id": name} for name in ids], "order": {"amount": 10_000}}


def test_a_tier_shows_its_campaigns_limits_and_no_updated_at(shop: Shop, campaign: Campaign) -> None:
    Campaign.objects.update(expiration_date=NOW.replace(year=2099))
    rule = make_rule(project=shop.project)
    wire = tier(shop, banner="10 %", metadata={"level": "B"}, validation_rules=[rule.public_id])
    assert wire["validation_rule_assignments"]["data"][0]["related_object_type"] == "promotion_tier"
    assert wire == {
        "id": wire["id"],
        "created_at": wire["created_at"],
        "name": "Tier",
        "banner": "10 %",
        "action": TEN,
        "metadata": {"level": "B"},
        "hierarchy": 1,
        "promotion_id": campaign.public_id,
        "campaign": {
            "id": campaign.public_id,
            "start_date": None,
            "expiration_date": "2099-02-03T10:00:00.000Z",
            "active": True,
            "category_id": None,
            "object": "campaign",
        },
        "campaign_id": campaign.public_id,
        "active": True,
        "expiration_date": "2099-02-03T10:00:00.000Z",
        "summary": {
            "redemptions": {"total_redeemed": 0},
            "orders": {"total_amount": 0, "total_discount_amount": 0},
        },
        "object": "promotion_tier",
        "validation_rule_assignments": wire["validation_rule_assignments"],
        "category_id": None,
        "categories": [],
    }
    assert shop.server().get(f"/v1/promotions/tiers/{wire['id']}").json() == wire


def test_tiers_are_listed_by_rank_and_all_of_them_newest_first(shop: Shop, campaign: Campaign) -> None:
    first, second = tier(shop, "One"), tier(shop, "Two", active=False)
    assert (first["hierarchy"], second["hierarchy"]) == (1, 2)
    of_campaign = shop.server().get(f"/v1/promotions/{campaign.public_id}/tiers").json()
    assert ([row["name"] for row in of_campaign["tiers"]], of_campaign["total"]) == (["One", "Two"], 2)
    listed = shop.server().get("/v1/promotions/tiers").json()
    assert {key: listed[key] for key in ("object", "data_ref", "total", "has_more")} == {
        "object": "list",
        "data_ref": "tiers",
        "total": 2,
        "has_more": False,
    }
    assert [row["name"] for row in listed["tiers"]] == ["Two", "One"]
    for query, names in (("true", ["One"]), ("false", ["Two"])):
        found = shop.server().get("/v1/promotions/tiers", {"is_available": query}).json()["tiers"]
        assert [row["name"] for row in found] == names
    browser = shop.browser().get("/client/v1/promotions/tiers", {"limit": 1}).json()
    assert ([row["name"] for row in browser["tiers"]], browser["has_more"]) == (["Two"], True)
    with CaptureQueriesContext(connection) as few:
        shop.server().get("/v1/promotions/tiers?limit=1")
    tier(shop, "Three")
    with CaptureQueriesContext(connection) as many:
        shop.server().get("/v1/promotions/tiers")
    assert len(few) == len(many)


def test_a_tier_is_changed_switched_and_removed(shop: Shop, campaign: Campaign) -> None:
    wire = tier(shop, metadata={"a": 1, "b": 2}, start_date="2026-01-01")
    other = tier(shop, "Other")
    made = stack(shop, wire["id"], other["id"]).json()
    alone = stack(shop, wire["id"]).json()
    path = f"/v1/promotions/tiers/{wire['id']}"
    server = shop.server()
    changed = server.put(path, {"name": "New", "metadata": {"b": 3}, "start_date": None, "hierarchy": 7}).json()
    assert (changed["name"], changed["metadata"], changed["hierarchy"]) == ("New", {"a": 1, "b": 3}, 7)
    assert "start_date" not in changed
    assert changed["updated_at"] is not None
    rule = make_rule(project=shop.project)
    ruled = server.put(path, {"validation_rules": [rule.public_id]}).json()
    assert [row["rule_id"] for row in ruled["validation_rule_assignments"]["data"]] == [rule.public_id]
    assert server.put(path, ruled).json()["validation_rule_assignments"] == ruled["validation_rule_assignments"]
    assert "validation_rule_assignments" not in server.put(path, {"validation_rules": []}).json()
    again = server.put(path, {"validation_rule_assignments": {"data": [{"rule_id": rule.public_id}]}}).json()
    assert [row["rule_id"] for row in again["validation_rule_assignments"]["data"]] == [rule.public_id]
    for bad in ({}, {"data": 5}, {"data": [5]}, {"data": [{}]}):
        refused = server.put(path, {"name": "No", "validation_rule_assignments": bad})
        assert refused.status_code == 400
        assert refused.json()["details"].startswith("Property .validation_rule_assignments.data should")
    assert server.post(f"{path}/disable").json()["active"] is False
    assert server.post(f"{path}/enable").json()["active"] is True
    assert server.delete(path).status_code == 204
    assert server.get(path).status_code == 404
    assert PromotionStack.objects.get().public_id == made["id"] != alone["id"]
    assert PromotionStack.objects.get().tier_ids == [other["id"]]
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert {"promotion_tier.created", "promotion_tier.changed", "promotion_tier.deleted"} <= set(actions)


@pytest.mark.parametrize(
    ("body", "status", "key", "details"),
    [
        ({}, 400, "invalid_payload", "Payload should have required property 'name'"),
        ({"name": "A", "action": {}}, 400, "invalid_payload",
         "Property .action should have required property 'discount'"),
        ({"name": "A", "action": {"discount": {"type": "AMOUNT"}}}, 400, "invalid_voucher",
         "Property .discount should have required property 'amount_off'"),
        ({"name": "A", "validation_rules": ["val_x"]}, 404, "not_found", "Cannot find validation_rules with id val_x"),
        ({"name": "A", "category_id": "cat_x"}, 404, "not_found", "Cannot find category with id cat_x"),
        ({"name": "A", "hierarchy": "x"}, 400, "invalid_payload", "Property .hierarchy should be number,null"),
        ({"name": "A", "validity_day_of_week": [9]}, 400, "invalid_payload",
         "Property .validity_day_of_week should be an array of weekdays 0 to 6"),
    ],
)  # fmt: skip
def test_a_bad_tier_is_refused(shop: Shop, campaign: Campaign, body: Any, status: int, key: str, details: str) -> None:
    wire = shop.server().post("/v1/promotions/Promo/tiers", body)
    assert (wire.status_code, wire.json()["key"], wire.json()["details"]) == (status, key, details)
    assert not PromotionTier.objects.exists()
    assert shop.server().post("/v1/promotions/nobody/tiers", {"name": "A"}).status_code == 404


def test_only_promotions_have_tiers(shop: Shop) -> None:
    CampaignFactory.create(project=shop.project, name="Promo")
    for path, body in (("tiers", {"name": "A"}), ("stacks", {"name": "A", "tiers": {"ids": ["promo_x"]}})):
        response = shop.server().post(f"/v1/promotions/Promo/{path}", body)
        assert (response.status_code, response.json()["key"]) == (400, "invalid_campaign")


def test_a_tier_is_validated_redeemed_and_counted(shop: Shop, campaign: Campaign) -> None:
    wire = tier(shop)
    server = shop.server()
    validation = server.post("/v1/validations", asked(wire["id"])).json()
    assert (validation["valid"], validation["order"]["total_amount"]) == (True, 9000)
    redeemed = server.post("/v1/redemptions", asked(wire["id"]))
    assert redeemed.status_code == 200, redeemed.json()
    entry = redeemed.json()["redemptions"][0]
    assert (entry["related_object_type"], entry["related_object_id"]) == ("promotion_tier", wire["id"])
    assert entry["promotion_tier"]["id"] == wire["id"]
    summary = server.get(f"/v1/promotions/tiers/{wire['id']}").json()["summary"]
    assert summary == {
        "redemptions": {"total_redeemed": 1},
        "orders": {"total_amount": 10_000, "total_discount_amount": 1000},
    }
    back = server.post(f"/v1/redemptions/{entry['id']}/rollback")
    assert back.status_code == 200, back.json()
    after = server.get(f"/v1/promotions/tiers/{wire['id']}").json()["summary"]
    assert after["redemptions"] == {"total_redeemed": 0}
    numbers = server.get("/v1/campaigns/Promo/summary").json()
    assert (numbers["redemptions_succeeded"], numbers["rollbacks_succeeded"]) == (1, 1)
    assert {"vouchers_created", "publications"} & set(numbers) == set()


def test_a_rule_guards_a_tier(shop: Shop, campaign: Campaign) -> None:
    rules = {"1": {"name": "order.amount", "conditions": {"$more_than": [50_000]}}, "logic": "1"}
    rule = make_rule(project=shop.project, rules=rules)
    wire = tier(shop, validation_rules=[rule.public_id])
    entry = shop.server().post("/v1/validations", asked(wire["id"])).json()["redeemables"][0]
    assert entry["result"]["error"]["key"] == "order_rules_violated"
    assert entry["result"]["error"]["details"].startswith("Promotion Tier cannot be redeemed")


@pytest.mark.parametrize(
    ("fields", "key"),
    [({"active": False}, "promotion_inactive"), ({"start_date": "2099-01-01"}, "promotion_not_active_now")],
)
def test_a_tier_that_is_off_is_refused(shop: Shop, campaign: Campaign, fields: dict[str, Any], key: str) -> None:
    wire = tier(shop, **fields)
    response = shop.server().post("/v1/redemptions", asked(wire["id"]))
    assert (response.status_code, response.json()["key"]) == (400, key)
    assert PromotionTier.objects.get().redeemed_quantity == 0
    assert Redemption.objects.get().result == "FAILURE"


def test_a_tier_without_a_discount_takes_nothing_off(shop: Shop, campaign: Campaign) -> None:
    wire = tier(shop, action=None)
    validation = shop.server().post("/v1/validations", asked(wire["id"])).json()
    assert (validation["valid"], validation["order"]["total_amount"]) == (True, 10_000)
    redeemed = shop.server().post("/v1/redemptions", asked(wire["id"])).json()
    assert redeemed["order"]["total_amount"] == 10_000


def test_a_stack_is_its_tiers_in_order(shop: Shop, campaign: Campaign) -> None:
    category = Category.objects.create(project=shop.project, name="C", created_at=NOW)
    one = tier(shop, "One", action={"discount": {"type": "AMOUNT", "amount_off": 5000}})
    two = tier(shop, "Two")
    response = stack(shop, two["id"], one["id"], category_id=category.public_id)
    wire = response.json()
    assert response.status_code == 200, wire
    assert wire == {
        "id": wire["id"],
        "name": "Stack",
        "tiers": {"ids": [two["id"], one["id"]]},
        "created_at": wire["created_at"],
        "campaign_id": campaign.public_id,
        "object": "promotion_stack",
        "category_id": category.public_id,
        "categories": wire["categories"],
    }
    validation = shop.server().post("/v1/validations", asked(wire["id"], kind="promotion_stack")).json()
    assert [row["id"] for row in validation["redeemables"]] == [two["id"], one["id"]]
    assert {row["object"] for row in validation["redeemables"]} == {"promotion_tier"}
    redeemed = shop.server().post("/v1/redemptions", asked(wire["id"], kind="promotion_stack")).json()
    totals = [row["order"]["total_discount_amount"] for row in redeemed["redemptions"]]
    assert totals[0] == 1000
    unknown = shop.server().post("/v1/validations", asked("stack_x", kind="promotion_stack")).json()
    assert unknown["redeemables"][0]["result"]["error"]["key"] == "not_found"


def test_stacks_are_listed_changed_and_removed(shop: Shop, campaign: Campaign) -> None:
    one, two = tier(shop, "One"), tier(shop, "Two")
    wire = stack(shop, one["id"]).json()
    path = f"/v1/promotions/Promo/stacks/{wire['id']}"
    changed = shop.server().put(path, {"name": "New", "tiers": {"ids": [two["id"]], "hierarchy_mode": "MANUAL"}})
    assert changed.json()["tiers"] == {"ids": [two["id"]], "hierarchy_mode": "MANUAL"}
    assert shop.server().get(path).json() == changed.json()
    for listed in ("/v1/promotions/stacks?order=-name", "/v1/promotions/Promo/stacks"):
        assert shop.server().get(listed).json()["data"] == [changed.json()]
    assert shop.server().delete(path).status_code == 204
    assert shop.server().get(path).status_code == 404


def test_a_bad_stack_is_refused(shop: Shop, campaign: Campaign) -> None:
    one = tier(shop)
    foreign = CampaignFactory.create(project=shop.project, name="Else", campaign_type="PROMOTION", voucher=None)
    other = PromotionTier.objects.create(project=shop.project, campaign=foreign, name="X", created_at=NOW)
    for ids, status in (
        ([], 400),
        (["promo_unknown"], 404),
        ([other.public_id], 404),
        ([one["id"], one["id"]], 400),
        ([one["id"]] * 31, 400),
        ([5], 400),
        ("x", 400),
    ):
        response = shop.server().post("/v1/promotions/Promo/stacks", {"name": "S", "tiers": {"ids": ids}})
        assert response.status_code == status, response.json()
    assert shop.server().post("/v1/promotions/Promo/stacks", {"name": "S"}).status_code == 400
    assert not PromotionStack.objects.exists()
