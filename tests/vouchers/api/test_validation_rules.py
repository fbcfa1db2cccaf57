"""`/v1/validation-rules` and the assignments below and beside it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import NOW, CampaignFactory, Shop, make_rule, make_segment, make_shop, make_voucher
from vouchers.models import PromotionTier, RuleAssignment, ValidationRule
from vouchers.services import rule_events

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def test_a_rule_comes_back_as_it_was_sent_with_its_logic_filled_in(shop: Shop) -> None:
    segment = make_segment(project=shop.project)
    rules = {
        "1": {
            "name": "customer.segment",
            "conditions": {"$is": [segment.public_id]},
            "rules": {},
            "error": {"message": "VIP only"},
        },
        "2": {"name": "order.amount", "conditions": {"$more_than_or_equal": [5000]}, "rules": {}},
    }
    body = {"name": "VIP", "rules": rules, "error": {"message": "Offer not available"}, "unknown": 1}
    response = shop.server().post("/v1/validation-rules", body)
    assert response.status_code == 200, response.json()
    wire = response.json()
    assert wire == {
        "id": wire["id"],
        "name": "VIP",
        "rules": {**rules, "logic": "1 and 2"},
        "error": {"message": "Offer not available"},
        "applicable_to": None,
        "type": "expression",
        "context_type": "global",
        "created_at": wire["created_at"],
        "object": "validation_rules",
    }
    assert wire["id"].startswith("val_")
    assert shop.server().get(f"/v1/validation-rules/{wire['id']}").json() == wire
    assert shop.server().get("/v1/validation-rules").json() == {
        "object": "list",
        "data_ref": "data",
        "data": [wire],
        "total": 1,
    }


def test_a_rule_with_only_a_name_always_holds(shop: Shop) -> None:
    wire = shop.server().post("/v1/validation-rules", {"name": "Anything", "type": "basic"}).json()
    assert (wire["rules"], wire["type"]) == ({}, "basic")


@pytest.mark.parametrize(
    ("body", "key", "details"),
    [
        ({}, "invalid_payload", "Payload should have required property 'name'"),
        ({"name": ""}, "invalid_payload", "Property .name should NOT be shorter than 1 characters"),
        ({"name": "R", "rules": []}, "invalid_payload", "Property .rules should be object,null"),
        ({"name": "R", "type": "odd"}, "invalid_payload", "Property .type should be equal to one of"),
        ({"name": "R", "context_type": "moon"}, "invalid_payload", "Property .context_type should be equal to one of"),
        (
            {"name": "R", "rules": {"1": {"name": "custom_event.metadata", "conditions": {"$is": [1]}}}},
            "invalid_validation_rules",
            "Rule 'custom_event.metadata' must have a 'property'",
        ),
        ({"name": "R", "rules": {"1": {"name": "moon.phase", "conditions": {}}}}, "invalid_validation_rules", "Rule"),
        ({"name": "R", "rules": {"logic": "1"}}, "invalid_validation_rules", "Property .rules.logic"),
        (
            {"name": "R", "applicable_to": {"included": [{"id": "p"}]}},
            "invalid_validation_rules",
            "Property .applicable_to",
        ),
        ({"name": "R", "applicable_to": {"included": [1] * 1001}}, "invalid_payload", "Property .applicable_to"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_and_not_stored(shop: Shop, body: Any, key: str, details: str) -> None:
    response = shop.server().post("/v1/validation-rules", body)
    assert response.status_code == 400
    assert response.json()["key"] == key
    assert response.json()["details"].startswith(details)
    assert ValidationRule.objects.count() == 0


def test_an_update_replaces_the_rules_as_a_whole_and_keeps_the_rest(shop: Shop) -> None:
    rule = make_rule(project=shop.project, name="Old", error={"message": "No"})
    new = {"1": {"name": "order.amount", "conditions": {"$more_than": [100]}}}
    wire = shop.server().put(f"/v1/validation-rules/{rule.public_id}", {"rules": new}).json()
    assert (wire["name"], wire["error"]) == ("Old", {"message": "No"})
    assert wire["rules"] == {**new, "logic": "1"}
    assert wire["updated_at"] > wire["created_at"]


def test_a_rule_is_assigned_once_listed_everywhere_and_unassigned(shop: Shop) -> None:
    rule = make_rule(project=shop.project)
    voucher = make_voucher(project=shop.project, code="TEN")
    campaign = CampaignFactory.create(project=shop.project)
    server, base = shop.server(), f"/v1/validation-rules/{rule.public_id}"
    body = {"related_object_type": "voucher", "related_object_id": voucher.public_id}
    first = server.post(f"{base}/assignments", body)
    assert first.status_code == 200
    assert first.json() == {
        "id": first.json()["id"],
        "rule_id": rule.public_id,
        "related_object_id": voucher.public_id,
        "related_object_type": "voucher",
        "created_at": first.json()["created_at"],
        "object": "validation_rules_assignment",
    }
    again = server.post(f"{base}/assignments", body)
    assert (again.status_code, again.json()["key"]) == (409, "duplicate_found")
    assert again.json()["details"] == f"Duplicated validation_rules_assignment exists with id {first.json()['id']}"
    assert again.json()["resource_id"] == first.json()["id"]
    second = server.post(
        f"{base}/assignments", {"related_object_type": "campaign", "related_object_id": campaign.public_id}
    ).json()
    both = [second, first.json()]
    assert server.get(f"{base}/assignments").json() == {"object": "list", "data_ref": "data", "data": both, "total": 2}
    everywhere = "/v1/validation-rules-assignments"
    assert server.get(everywhere).json()["data"] == both
    assert server.get(f"{everywhere}?related_object_id={campaign.public_id}").json()["data"] == [second]
    assert server.get(f"{everywhere}?rule=val_none").json()["total"] == 0
    assert server.get(base).json()["assignments_count"] == 2
    assert server.get("/v1/vouchers/TEN").json()["validation_rules_assignments"]["data"] == [first.json()]
    response = server.delete(f"{base}/assignments/{second['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert server.delete(f"{base}/assignments/{second['id']}").status_code == 404
    assert server.delete(base).status_code == 204
    assert (ValidationRule.objects.count(), RuleAssignment.objects.count()) == (0, 0)


def test_an_assignment_to_nothing_is_not_found(shop: Shop) -> None:
    rule = make_rule(project=shop.project)
    path = f"/v1/validation-rules/{rule.public_id}/assignments"
    response = shop.server().post(path, {"related_object_id": "v_none"})
    assert (response.status_code, response.json()["details"]) == (404, "Cannot find voucher with id v_none")
    response = shop.server().post(path, {})
    assert response.json()["details"] == "Payload should have required property 'related_object_id'"
    assert shop.server().post("/v1/validation-rules/val_none/assignments", {}).status_code in (400, 404)


def test_a_rule_of_another_project_is_unknown(shop: Shop) -> None:
    rule = make_rule(project=make_shop("Other").project)
    for method, path in (("get", ""), ("put", ""), ("delete", ""), ("get", "/assignments")):
        response = getattr(shop.server(), method)(f"/v1/validation-rules/{rule.public_id}{path}")
        assert (response.status_code, response.json()["key"]) == (404, "not_found")
    assert shop.server().get("/v1/validation-rules").json()["total"] == 0
    assert shop.browser().get("/v1/validation-rules").status_code == 401


def test_the_list_costs_the_same_queries_for_one_and_for_many(shop: Shop) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert shop.server().get("/v1/validation-rules").status_code == 200
        return len(captured)

    make_rule(make_voucher(project=shop.project))
    queries()
    few = queries()
    for _ in range(5):
        make_rule(make_voucher(project=shop.project))
    assert queries() == few == 2


def test_the_list_is_narrowed_by_the_window_of_creation(shop: Shop) -> None:
    make_rule(project=shop.project, name="Old", created_at="2026-01-01T00:00:00Z")
    make_rule(project=shop.project, name="New")
    server = shop.server()

    def names(query: str) -> list[str]:
        return [row["name"] for row in server.get(f"/v1/validation-rules?{query}").json()["data"]]

    assert names("end_date=2026-01-15") == ["Old"]
    assert names("start_date=2026-01-15") == ["New"]
    assert names("order=name") == ["New", "Old"]


def test_a_rule_is_assigned_to_a_promotion_tier(shop: Shop) -> None:
    campaign = CampaignFactory.create(project=shop.project, campaign_type="PROMOTION")
    tier = PromotionTier.objects.create(project=shop.project, campaign=campaign, name="Tier", created_at=NOW)
    rule = make_rule(project=shop.project)
    path = f"/v1/validation-rules/{rule.public_id}/assignments"
    body = {"related_object_type": "promotion_tier", "related_object_id": tier.public_id}
    wire = shop.server().post(f"{path}?force=true", body).json()
    assert (wire["related_object_type"], wire["related_object_id"]) == ("promotion_tier", tier.public_id)
    assert RuleAssignment.objects.get().promotion_tier == tier
    assert shop.server().post(path, body).status_code == 409
    listed = shop.server().get(f"/v1/validation-rules-assignments?related_object_id={tier.public_id}").json()
    assert listed["data"] == [wire]
    for kind in ("promotion_tier", "earning_rule", "distribution", "reward_assignment"):
        missing = shop.server().post(path, {"related_object_type": kind, "related_object_id": "nope"})
        assert (missing.status_code, missing.json()["resource_type"]) == (404, kind)
    assert shop.server().delete(f"{path}/{wire['id']}").status_code == 204


def test_webhooks_are_told_of_rules_and_assignments(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(rule_events.outbox, "record", lambda project, happening: told.append(happening.type))
    server, voucher = shop.server(), make_voucher(project=shop.project)
    path = f"/v1/validation-rules/{server.post('/v1/validation-rules', {'name': 'A'}).json()['id']}"
    server.put(path, {"name": "B"})
    made = server.post(f"{path}/assignments", {"related_object_id": voucher.public_id}).json()
    server.delete(f"{path}/assignments/{made['id']}")
    server.delete(path)
    kinds = ("created", "updated", "assignment.created", "assignment.deleted", "deleted")
    assert told == [f"business_validation_rule.{kind}" for kind in kinds]
