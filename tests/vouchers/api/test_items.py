"""Discounts of lines over the API: what is answered, what is stored, what a rollback restores."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import NOW, ProductFactory, Shop, make_rule, make_shop, make_voucher
from vouchers.models import RuleAssignment, Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def voucher_for(shop: Shop, discount: dict[str, Any], applicable_to: dict[str, Any] | None = None) -> Voucher:
    voucher = make_voucher(project=shop.project, code="CODE", discount=discount)
    rule = make_rule(project=shop.project, rules={}, applicable_to=applicable_to)
    RuleAssignment.objects.create(
        project=shop.project,
        rule=rule,
        voucher=voucher,
        related_object_type="voucher",
        related_object_id=voucher.public_id,
        created_at=NOW,
    )
    return voucher


BODY: dict[str, Any] = {"redeemables": [{"object": "voucher", "id": "CODE"}]}
TEN = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}


def test_what_belongs_to_a_request_is_answered_and_not_stored(shop: Shop) -> None:
    mug = ProductFactory(project=shop.project, price=1000)
    voucher_for(shop, TEN, {"included": [{"object": "product", "id": mug.public_id}]})
    order = {"items": [{"product_id": mug.public_id, "quantity": "2"}, {"product_id": "other", "amount": 500}]}
    wire = shop.server().post("/v1/redemptions", {**BODY, "order": order}).json()
    line = wire["order"]["items"][0]
    assert (line["discount_amount"], line["applied_discount_amount"], line["subtotal_amount"]) == (200, 200, 1800)
    assert (wire["order"]["items_discount_amount"], wire["order"]["items_applied_discount_amount"]) == (200, 200)
    assert "discount_amount" not in wire["order"] and "applied_discount_amount" not in wire["order"]
    stored = shop.server().get(f"/v1/orders/{wire['order']['id']}").json()
    assert (stored["items_discount_amount"], stored["total_amount"]) == (200, 2300)
    assert not [name for name in (*stored, *stored["items"][0]) if "applied" in name]


def test_a_stored_order_goes_on_with_the_discounts_it_has(shop: Shop) -> None:
    mug = ProductFactory(project=shop.project, price=1000)
    voucher_for(shop, TEN, {"included_all": True})
    order = {"source_id": "o-1", "items": [{"product_id": mug.public_id, "quantity": 2}]}
    first = shop.server().post("/v1/redemptions", {**BODY, "order": order}).json()
    second = shop.server().post("/v1/redemptions", {**BODY, "order": {"id": first["order"]["id"]}}).json()
    line = second["order"]["items"][0]
    assert (line["discount_amount"], line["applied_discount_amount"]) == (380, 180)
    assert second["order"]["total_amount"] == 1620


def test_a_rollback_takes_free_units_out_again(shop: Shop) -> None:
    mug = ProductFactory(project=shop.project, price=1000)
    voucher_for(shop, {"type": "UNIT", "unit_off": 2, "unit_type": mug.public_id, "effect": "ADD_NEW_ITEMS"})
    order = {"items": [{"product_id": mug.public_id, "quantity": 1}]}
    wire = shop.server().post("/v1/redemptions", {**BODY, "order": order}).json()
    assert (wire["order"]["amount"], wire["order"]["total_amount"], wire["order"]["initial_amount"]) == (
        3000,
        1000,
        1000,
    )
    undone = shop.server().post(f"/v1/redemptions/{wire['redemptions'][0]['id']}/rollback", {}).json()
    assert (undone["order"]["amount"], undone["order"]["total_amount"]) == (1000, 1000)
    stored = shop.server().get(f"/v1/orders/{wire['order']['id']}").json()
    assert [(line["quantity"], line["amount"]) for line in stored["items"]] == [(1, 1000)]


def test_calculated_numbers_of_a_request_come_back_where_they_mean_nothing(shop: Shop) -> None:
    make_voucher(project=shop.project, code="CODE")
    order = {"amount": 1000, "discount_amount": 0, "items": [{"product_id": "p", "discount_quantity": 1}]}
    wire = shop.server().post("/v1/validations", {**BODY, "order": order}).json()
    assert wire["order"]["items"] == [
        {"object": "order_item", "product_id": "p", "quantity": 1, "discount_quantity": 1}
    ]


def test_a_rule_may_be_made_with_everything_the_contract_names(shop: Shop) -> None:
    part = {"name": "order.items.any", "conditions": {"$is": [{"id": "pc_1", "type": "products_collection",
                                                               "object": "products_collection"}]},
            "rules": {"1": {"name": "order.items.aggregated_quantity", "conditions": {"$is": [1]}, "rules": {}},
                      "logic": "1"}}  # fmt: skip
    body = {
        "name": "All",
        "rules": {"1": {"name": "redemption.count.per_customer", "conditions": {"$is": [1]}, "rules": {}}},
        "bundle_rules": {"limit": 2, "1": part, "logic": "1"},
        "applicable_to": {"included": [{"object": "product", "id": "prod_1"}]},
    }  # fmt: skip
    wire = shop.server().post("/v1/validation-rules", body).json()
    assert wire["rules"] == {**body["rules"], "logic": "1"}  # type: ignore[dict-item]
    assert wire["bundle_rules"] == body["bundle_rules"]
    assert wire["applicable_to"] == {
        "included": [
            {
                "strict": False,
                "effect": "APPLY_TO_EVERY",
                "repeat": 1,
                "skip_initially": 0,
                "target": "ITEM",
                "object": "product",
                "id": "prod_1",
            }
        ],
        "included_all": False,
    }
    removed = shop.server().put(f"/v1/validation-rules/{wire['id']}", {"bundle_rules": None}).json()
    assert removed["bundle_rules"] == {}


@pytest.mark.parametrize("thing", [{"id": ["p"]}, {"id": {}, "metadata": "x"}, {"metadata": [1]}, {"source_id": 5}])
@pytest.mark.parametrize("kind", ["product", "sku"])
def test_what_a_line_says_of_its_product_may_be_anything(shop: Shop, kind: str, thing: dict[str, Any]) -> None:
    mug = ProductFactory(project=shop.project, price=1000)
    known = {"object": "products_collection", "id": "pc_a11pr0dUc75"}
    voucher_for(shop, TEN, {"included": [known, {"object": "product", "id": "x"}]})
    order = {"items": [{"product_id": mug.public_id, kind: thing}, {kind: thing, "amount": 100}]}
    answer = shop.server().post("/v1/validations", {**BODY, "order": order})
    assert answer.status_code in (200, 400), answer.json()
    if answer.status_code == 200:
        assert answer.json()["order"]["items_discount_amount"] == 110


@pytest.mark.parametrize(
    "discount",
    [
        {"type": "UNIT", "unit_off": 1, "unit_type": "prod_1", "effect": "ADD_NEW_ITEMS"},
        {
            "type": "UNIT",
            "effect": "ADD_MANY_ITEMS",
            "units": [{"unit_off": 1, "unit_type": "prod_1", "effect": "ADD_MISSING_ITEMS"}],
        },
        {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"},
        {"type": "PERCENT", "percent_off": 12.5, "percent_off_formula": "IF(ORDER_AMOUNT > 1;2;3)", "amount_limit": 5},
        {"type": "FIXED", "effect": "APPLY_TO_ITEMS"},
    ],
)
def test_every_kind_of_discount_is_made_and_comes_back_as_sent(shop: Shop, discount: dict[str, Any]) -> None:
    answer = shop.server().post("/v1/vouchers/MADE", {"type": "DISCOUNT_VOUCHER", "discount": discount})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["discount"] == discount
    body = {"redeemables": [{"object": "voucher", "id": "MADE"}], "order": {"amount": 1000}}
    wire = shop.server().post("/v1/validations", body).json()
    assert wire["valid"], wire
    assert wire["redeemables"][0]["result"]["discount"]["is_dynamic"] is ("percent_off_formula" in discount)


def test_a_gift_card_for_items_is_made_and_pays_for_its_lines(shop: Shop) -> None:
    gift = {"amount": 5000, "effect": "APPLY_TO_ITEMS"}
    card = shop.server().post("/v1/vouchers/CARD", {"type": "GIFT_VOUCHER", "gift": gift}).json()
    rule = {"name": "Lines", "applicable_to": {"included": [{"object": "product", "id": "a"}]}}
    made = shop.server().post("/v1/validation-rules", rule).json()
    target = {"related_object_id": card["id"], "related_object_type": "voucher"}
    shop.server().post(f"/v1/validation-rules/{made['id']}/assignments", target)
    order = {"items": [{"product_id": "a", "amount": 3000}, {"product_id": "b", "amount": 2000}]}
    body = {"redeemables": [{"object": "voucher", "id": "CARD"}], "order": order}
    wire = shop.server().post("/v1/redemptions", body).json()
    assert (wire["redemptions"][0]["amount"], wire["order"]["total_amount"]) == (3000, 2000)
    assert wire["redemptions"][0]["voucher"]["gift"]["balance"] == 2000
    assert wire["order"]["items"][0]["subtotal_amount"] == 0
