"""`/v1/categories` and the stacking rules of the management API."""

from __future__ import annotations

from typing import Any

import pytest

from config.project.models import AuditEntry, Project
from tests.factories import CampaignFactory, Shop, make_shop, make_voucher
from vouchers.models import Category, StackingRules
from vouchers.stacking_rules import WHOLE

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def category(shop: Shop, name: str = "Spring", hierarchy: int = 1) -> dict[str, Any]:
    response = shop.server().post("/v1/categories", {"name": name, "hierarchy": hierarchy})
    assert response.status_code == 200, response.json()
    return dict(response.json())


def rules_path(shop: Shop) -> str:
    return f"/management/v1/projects/{shop.project.public_id}/stacking-rules"


def test_a_category_is_made_read_listed_changed_and_removed(shop: Shop) -> None:
    server = shop.server()
    made = category(shop, "Spring", 0)
    assert set(made) == {"id", "name", "hierarchy", "object", "created_at"}
    assert (made["name"], made["hierarchy"], made["object"]) == ("Spring", 0, "category")
    assert made["id"].startswith("cat_")
    assert server.get(f"/v1/categories/{made['id']}").json() == made
    later = category(shop, "Summer", 2)
    listed = server.get("/v1/categories").json()
    assert listed == {"object": "list", "data_ref": "data", "data": [later, made], "total": 2, "has_more": False}
    changed = server.put(f"/v1/categories/{made['id']}", {"name": "Easter", "hierarchy": "3"}).json()
    assert (changed["name"], changed["hierarchy"]) == ("Easter", 3)
    assert changed["updated_at"] is not None
    response = server.delete(f"/v1/categories/{made['id']}")
    assert (response.status_code, response.content) == (204, b"")
    missing = server.get(f"/v1/categories/{made['id']}")
    assert missing.status_code == 404
    assert missing.json()["details"] == f"Cannot find category with id {made['id']}"
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        *("category.created", "category.created", "category.changed", "category.deleted")
    ]


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, "Payload should have required property 'name'"),
        ({"name": "A"}, "Payload should have required property 'hierarchy'"),
        ({"name": 1, "hierarchy": 1}, "Property .name should be string"),
        ({"name": "", "hierarchy": 1}, "Property .name should NOT be shorter than 1 characters"),
        ({"name": "A", "hierarchy": -1}, "Property .hierarchy cannot be lower than 0"),
        ({"name": "A", "hierarchy": 2**60}, "Property .hierarchy cannot be higher than 2147483647"),
        ({"name": "A", "hierarchy": 1.5}, "Property .hierarchy should be integer"),
        ({"name": "A\u0000", "hierarchy": 1}, "Property .name must not contain the character U+0000"),
        ([], "Payload should be object"),
    ],
)
def test_a_bad_category_is_refused_and_none_is_made(shop: Shop, body: Any, details: str) -> None:
    response = shop.server().post("/v1/categories", body)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["details"] == details
    assert not Category.objects.exists()


def test_a_removed_category_leaves_vouchers_and_campaigns_without_one(shop: Shop) -> None:
    row = Category.objects.get(public_id=category(shop)["id"])
    campaign = CampaignFactory.create(project=shop.project, category=row)
    voucher = make_voucher(project=shop.project, category=row, category_tag="Spring")
    assert shop.server().delete(f"/v1/categories/{row.public_id}").status_code == 204
    campaign.refresh_from_db()
    voucher.refresh_from_db()
    assert (campaign.category, voucher.category, voucher.category_tag) == (None, None, "Spring")


def test_a_category_of_the_stacking_rules_stays_until_it_is_taken_out_of_them(shop: Shop) -> None:
    made, other = category(shop), category(shop, "Other")
    rules = shop.management().post(
        rules_path(shop),
        {
            "exclusive_categories": [made["id"], other["id"]],
            "applicable_redeemables_category_limits": {made["id"]: 2},
        },
    )
    assert rules.status_code == 200, rules.json()
    refused = shop.server().delete(f"/v1/categories/{made['id']}")
    assert (refused.status_code, refused.json()["key"]) == (400, "resource_in_use")
    assert Category.objects.filter(public_id=made["id"]).exists()
    gone = shop.server().delete(f"/v1/categories/{made['id']}?remove_from_stacking_rules=true")
    assert gone.status_code == 204
    wire = shop.management().get(f"{rules_path(shop)}/{rules.json()['id']}").json()
    assert wire["exclusive_categories"] == [other["id"]]
    assert wire["applicable_redeemables_category_limits"] == {}


def test_a_project_has_the_default_rules_without_an_id(shop: Shop) -> None:
    wire = shop.management().get(rules_path(shop)).json()
    assert wire == {"object": "list", "data_ref": "data", "data": [dict(WHOLE)], "total": 1}


def test_stacking_rules_are_set_once_changed_and_taken_back(shop: Shop) -> None:
    manager = shop.management()
    made = manager.post(rules_path(shop), {"redeemables_application_mode": "PARTIAL", "unknown": 1})
    assert made.status_code == 200, made.json()
    wire = made.json()
    assert wire["redeemables_application_mode"] == "PARTIAL"
    assert wire["redeemables_limit"] == 30
    assert wire["id"].startswith("stk_")
    assert "updated_at" not in wire
    again = manager.post(rules_path(shop), {})
    assert (again.status_code, again.json()["key"]) == (409, "stacking_rules_exist")
    path = f"{rules_path(shop)}/{wire['id']}"
    changed = manager.put(path, {"redeemables_limit": 3}).json()
    assert (changed["redeemables_limit"], changed["applicable_redeemables_limit"]) == (3, 3)
    assert changed["redeemables_application_mode"] == "PARTIAL"
    assert changed["updated_at"] is not None
    assert manager.get(path).json() == changed
    assert manager.get(rules_path(shop)).json()["data"] == [changed]
    assert manager.delete(path).status_code == 204
    assert manager.get(path).status_code == 404
    assert Project.objects.get(pk=shop.project.pk).stacking_rules == {}
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        *("stacking_rules.created", "stacking_rules.changed", "stacking_rules.deleted")
    ]


def test_validations_obey_the_rules_at_once_and_answer_them(shop: Shop) -> None:
    make_voucher(project=shop.project, code="A")
    make_voucher(project=shop.project, code="B")
    body = {"redeemables": [{"object": "voucher", "id": code} for code in "AB"], "order": {"amount": 1000}}
    assert shop.server().post("/v1/validations", body).json()["valid"] is True
    shop.management().post(rules_path(shop), {"redeemables_limit": 1})
    refused = shop.server().post("/v1/validations", body)
    assert (refused.status_code, refused.json()["key"]) == (400, "redeemables_limit_exceeded")
    one = shop.server().post("/v1/validations", {**body, "redeemables": body["redeemables"][:1]}).json()
    assert one["stacking_rules"]["redeemables_limit"] == 1
    assert "id" not in one["stacking_rules"]


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"redeemables_limit": 31}, "Property .redeemables_limit must be <= 30"),
        ({"redeemables_limit": 0}, "Property .redeemables_limit must be >= 1"),
        ({"redeemables_limit": True}, "Property .redeemables_limit must be integer"),
        ({"redeemables_limit": "3"}, "Property .redeemables_limit must be integer"),
        ({"redeemables_limit": 2, "applicable_redeemables_limit": 3},
         "Property .applicable_redeemables_limit must be <= 2"),
        ({"applicable_redeemables_category_limits": {"cat_x": 11}},
         "Property .applicable_redeemables_category_limits.cat_x must be <= 10"),
        ({"redeemables_sorting_rule": []},
         "Property .redeemables_sorting_rule must be equal to one of the allowed values"
         " [ CATEGORY_HIERARCHY, REQUESTED_ORDER ]"),
        ({"joint_categories": "x"}, "Property .joint_categories must be array"),
        ({"joint_categories": ["a" * 65]}, "Property .joint_categories[0] must be the id of a category"),
        ({"joint_categories": ["a"], "exclusive_categories": ["a"]},
         "Property .exclusive_categories must NOT have a category of .joint_categories: a"),
        ([], "Payload should be object"),
    ],
)  # fmt: skip
def test_bad_stacking_rules_are_refused_and_change_nothing(shop: Shop, body: Any, details: str) -> None:
    response = shop.management().post(rules_path(shop), body)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["details"] == details
    assert not StackingRules.objects.exists()
    assert Project.objects.get(pk=shop.project.pk).stacking_rules == {}


def test_an_unknown_category_cannot_stand_in_the_rules(shop: Shop) -> None:
    response = shop.management().post(rules_path(shop), {"joint_categories": ["cat_nobody"]})
    assert response.status_code == 404
    assert response.json()["details"] == "Cannot find category with id cat_nobody"
    assert not StackingRules.objects.exists()
