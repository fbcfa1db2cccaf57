"""Redeeming over HTTP: the stackable call, the older one, both from browsers, and the record they leave."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from customers.models import Customer
from tests.factories import NOW, CampaignFactory, Shop, make_customer, make_rule, make_segment, make_shop, make_voucher
from tracking.models import Order, Product, Sku
from vouchers.models import PromotionTier, Redemption, Voucher, VoucherTransaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop(client_side=("redeem",))


def voucher_of(shop: Shop, **fields: Any) -> Voucher:
    return make_voucher(project=shop.project, **fields)


def products_of(shop: Shop) -> None:
    """A product without a price, and an SKU with one."""
    at = shop.project.created_at
    Product.objects.create(project=shop.project, public_id="prod_1", name="Mug", created_at=at)
    tee = Product.objects.create(project=shop.project, public_id="prod_2", name="Tee", created_at=at)
    Sku.objects.create(project=shop.project, public_id="sku_2", product=tee, sku="Tee L", price=4900, created_at=at)


def test_one_discount_is_redeemed_and_answered_as_in_the_contract(shop: Shop) -> None:
    voucher = voucher_of(shop, code="TEN")
    body = {
        "redeemables": [{"object": "voucher", "id": "TEN"}],
        "customer": {"source_id": "c-17", "name": "Ada"},
        "order": {"items": [{"source_id": "mug", "related_object": "product", "quantity": "2", "price": 1500}]},
        "metadata": {"shop": "web"},
    }
    response = shop.server().post("/v1/redemptions", body)
    assert response.status_code == 200, response.json()
    wire = response.json()
    entry = wire["redemptions"][0]
    customer = Customer.objects.get()
    order = Order.objects.get()
    key = entry["id"]
    assert key.startswith("r_")
    expected_order = {
        "id": order.public_id,
        "source_id": None,
        "created_at": entry["date"],
        "updated_at": None,
        "status": "PAID",
        "amount": 3000,
        "discount_amount": 300,
        "total_discount_amount": 300,
        "total_amount": 2700,
        "applied_discount_amount": 300,
        "total_applied_discount_amount": 300,
        "items": [
            {
                "object": "order_item",
                "source_id": "mug",
                "related_object": "product",
                "quantity": 2,
                "amount": 3000,
                "price": 1500,
                "subtotal_amount": 3000,
            }
        ],
        "metadata": {},
        "customer": {"id": customer.public_id, "object": "customer"},
        "customer_id": customer.public_id,
        "referrer_id": None,
        "object": "order",
        "redemptions": {
            key: {
                "date": entry["date"],
                "related_object_type": "voucher",
                "related_object_id": voucher.public_id,
            }
        },
    }
    assert wire | {"redemptions": []} == {
        "redemptions": [],
        "order": expected_order,
        "inapplicable_redeemables": [],
        "skipped_redeemables": [],
    }
    shown = entry.pop("voucher")
    assert entry == {
        "id": key,
        "object": "redemption",
        "date": entry["date"],
        "customer_id": customer.public_id,
        "tracking_id": entry["tracking_id"],
        "metadata": {"shop": "web"},
        "result": "SUCCESS",
        "status": "SUCCEEDED",
        "order": expected_order,
        "channel": {"channel_id": shop.secrets["app_id"], "channel_type": "API"},
        "customer": {
            "id": customer.public_id,
            "name": "Ada",
            "email": None,
            "source_id": "c-17",
            "metadata": {},
            "object": "customer",
        },
        "related_object_type": "voucher",
        "related_object_id": voucher.public_id,
    }
    assert entry["tracking_id"].startswith("track_")
    assert shown["redemption"] == {"quantity": None, "redeemed_quantity": 1}
    assert not {"assets", "publish", "categories", "validation_rules_assignments"} & set(shown)
    assert shop.server().get(f"/v1/redemptions/{key}").json() == {**entry, "voucher": shown}
    summary = shop.server().get("/v1/customers/c-17").json()["summary"]
    assert summary["redemptions"]["total_succeeded"] == 1
    assert summary["orders"]["total_amount"] == 2700


def test_a_gift_and_a_discount_are_stacked_under_one_parent(shop: Shop) -> None:
    gift = voucher_of(shop, code="GIFT", gift_amount=500, discount=None)
    voucher_of(shop, code="TWENTY", discount={"type": "PERCENT", "percent_off": 20})
    VoucherTransaction.objects.all().delete()
    body = {
        "redeemables": [{"object": "voucher", "id": "GIFT"}, {"object": "voucher", "id": "TWENTY"}],
        "order": {"amount": 5000},
    }
    response = shop.server().post("/v1/redemptions", body)
    assert response.status_code == 200, response.json()
    wire = response.json()
    first, second = wire["redemptions"]
    parent = wire["parent_redemption"]
    assert (first["amount"], first["gift"], first["redemption"]) == (500, {"amount": 500}, parent["id"])
    assert second["redemption"] == parent["id"]
    assert first["date"] == second["date"] == parent["date"]

    def amounts(order: dict[str, Any]) -> dict[str, int]:
        return {name: value for name, value in order.items() if name.endswith("amount")}

    assert amounts(first["order"]) == {
        "amount": 5000,
        "discount_amount": 500,
        "total_discount_amount": 500,
        "total_amount": 4500,
        "applied_discount_amount": 500,
        "total_applied_discount_amount": 500,
    }
    assert amounts(second["order"]) == {
        "amount": 5000,
        "discount_amount": 1400,
        "total_discount_amount": 1400,
        "total_amount": 3600,
        "applied_discount_amount": 900,
        "total_applied_discount_amount": 900,
    }
    whole = {
        "amount": 5000,
        "discount_amount": 1400,
        "total_discount_amount": 1400,
        "total_amount": 3600,
        "applied_discount_amount": 1400,
        "total_applied_discount_amount": 1400,
    }
    assert amounts(wire["order"]) == amounts(parent["order"]) == whole
    assert wire["order"]["redemptions"] == {
        parent["id"]: {
            "date": parent["date"],
            "related_object_type": "redemption",
            "related_object_id": parent["id"],
            "stacked": [first["id"], second["id"]],
        }
    }
    assert "voucher" not in parent
    gift.refresh_from_db()
    assert gift.gift_balance == 0
    listed = shop.server().get("/v1/redemptions").json()
    assert listed["total"] == 3
    found = shop.server().get(f"/v1/redemptions/{parent['id']}").json()
    assert [row["id"] for row in found["related_redemptions"]["redemptions"]] == [first["id"], second["id"]]


def test_the_older_call_answers_as_in_the_contract_with_quantities_as_texts(shop: Shop) -> None:
    products_of(shop)
    voucher = voucher_of(shop, code="AbC123", discount={"type": "AMOUNT", "amount_off": 1000})
    make_rule(voucher)
    asked = {"redeemables": [{"object": "voucher", "id": "AbC123"}]}
    token = shop.browser().post("/client/v1/validations", asked).json()["tracking_id"]
    body = {
        "customer": {
            "source_id": token,
            "name": "Nora Lind",
            "email": "nora@example.com",
            "metadata": {"language": "de", "visits": 5, "hobbies": ["golf", "chess"]},
        },
        "order": {
            "amount": 20050,
            "items": [{"product_id": "prod_1", "quantity": "2", "price": 10000}, {"sku_id": "sku_2", "quantity": "1"}],
        },
        "metadata": {"till": "web-1"},
        "voucher": "ignored",
    }
    response = shop.server().post("/v1/vouchers/AbC123/redemption", body)
    assert response.status_code == 200, response.json()
    wire = response.json()
    customer = Customer.objects.get()
    assert {name: wire[name] for name in ("object", "result", "metadata", "customer_id", "tracking_id")} == {
        "object": "redemption",
        "result": "SUCCESS",
        "metadata": {"till": "web-1"},
        "customer_id": customer.public_id,
        "tracking_id": token,
    }
    assert wire["customer"] == {
        "id": customer.public_id,
        "name": "Nora Lind",
        "email": "nora@example.com",
        "source_id": token,
        "metadata": {"language": "de", "visits": 5, "hobbies": ["golf", "chess"]},
        "object": "customer",
    }
    order = wire["order"]
    assert {name: order[name] for name in ("status", "amount", "discount_amount", "total_amount")} == {
        "status": "PAID",
        "amount": 20050,
        "discount_amount": 1000,
        "total_amount": 19050,
    }
    assert [(line["quantity"], line["amount"]) for line in order["items"]] == [(2, 20000), (1, 4900)]
    assert wire["voucher"]["redemption"]["redeemed_quantity"] == 1
    assert wire["voucher"]["validation_rules_assignments"]["total"] == 1
    assert wire["voucher"]["applicable_to"] == {"data": [], "total": 0, "data_ref": "data", "object": "list"}
    assert shop.server().get(f"/v1/customers/{customer.public_id}").json()["name"] == "Nora Lind"


def test_an_empty_body_redeems_without_customer_and_order(shop: Shop) -> None:
    voucher_of(shop, code="TEN/1")
    client = shop.server()
    response = client.generic("POST", "/v1/vouchers/TEN%2F1/redemption", b"", content_type="application/json")
    assert response.status_code == 200, response.content
    wire = response.json()
    assert {name: wire[name] for name in ("customer_id", "tracking_id", "metadata", "order", "customer")} == {
        "customer_id": None,
        "tracking_id": None,
        "metadata": None,
        "order": None,
        "customer": None,
    }
    assert (Customer.objects.count(), Order.objects.count()) == (0, 0)


def test_the_tracking_id_of_the_query_names_the_customer(shop: Shop) -> None:
    voucher_of(shop, code="TEN")
    wire = shop.server().post("/v1/vouchers/TEN/redemption?tracking_id=crm-1").json()
    assert Customer.objects.get().source_id == "crm-1"
    assert wire["customer_id"] == Customer.objects.get().public_id


@pytest.mark.parametrize("stackable", [True, False])
def test_a_second_redemption_of_a_single_use_code_is_refused_and_kept(shop: Shop, stackable: bool) -> None:
    voucher_of(shop, code="ONCE", quantity=1)
    customer = make_customer(project=shop.project, source_id="crm-1")
    who = {"customer": {"source_id": "crm-1"}}

    def redeem() -> Any:
        if stackable:
            return shop.server().post("/v1/redemptions", {"redeemables": [{"object": "voucher", "id": "ONCE"}], **who})
        return shop.server().post("/v1/vouchers/ONCE/redemption", who)

    assert redeem().status_code == 200
    response = redeem()
    assert response.status_code == 400
    wire = response.json()
    assert wire.pop("request_id").startswith("v-")
    failed = wire.pop("resource_id")
    assert failed.startswith("rf_")
    assert wire == {
        "code": 400,
        "key": "quantity_exceeded",
        "message": "quantity exceeded",
        "details": "ONCE",
        "resource_type": "redemption",
    }
    kept = shop.server().get(f"/v1/redemptions/{failed}").json()
    assert {name: kept[name] for name in ("result", "status", "failure_code", "failure_message", "order")} == {
        "result": "FAILURE",
        "status": "FAILED",
        "failure_code": "quantity_exceeded",
        "failure_message": "quantity exceeded",
        "order": None,
    }
    assert (kept["customer_id"], kept["voucher"]["code"]) == (customer.public_id, "ONCE")
    attempts = shop.server().get("/v1/vouchers/ONCE/redemption").json()
    assert (attempts["redeemed_quantity"], attempts["total"]) == (1, 2)
    assert [row["result"] for row in attempts["redemption_entries"]] == ["FAILURE", "SUCCESS"]
    summary = shop.server().get("/v1/customers/crm-1").json()["summary"]["redemptions"]
    assert (summary["total_succeeded"], summary["total_failed"]) == (1, 1)


def test_an_unknown_code_is_not_found_and_its_attempt_is_kept(shop: Shop) -> None:
    for response in (
        shop.server().post("/v1/redemptions", {"redeemables": [{"object": "voucher", "id": "NOPE"}]}),
        shop.server().post("/v1/vouchers/NOPE/redemption"),
    ):
        assert response.status_code == 404
        wire = response.json()
        wire.pop("request_id")
        assert wire == {
            "code": 404,
            "key": "not_found",
            "message": "Resource not found",
            "details": "Cannot find voucher with id NOPE",
            "resource_id": "NOPE",
            "resource_type": "voucher",
        }
    rows = shop.server().get("/v1/redemptions").json()["redemptions"]
    assert [(row["failure_code"], row["related_object_type"], row["voucher"]) for row in rows] == [
        ("not_found", "redemption", None)
    ] * 2
    assert [row["related_object_id"] for row in rows] == [row["id"] for row in rows]


def test_a_rules_own_words_come_with_the_refusal(shop: Shop) -> None:
    segment = make_segment(project=shop.project, type="static", definition=None)
    voucher = voucher_of(shop, code="VIP")
    rules = {"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}, "logic": "1"}
    rule = make_rule(voucher, rules=rules, error={"message": "VIP only"})
    body = {"customer": {"source_id": "c-1"}}
    response = shop.server().post("/v1/vouchers/VIP/redemption", body)
    wire = response.json()
    assert (response.status_code, wire["key"]) == (400, "customer_rules_violated")
    assert wire["message"] == "customer does not match segment rules"
    assert wire["error"] == {"message": "VIP only"}
    assert rule.public_id in wire["details"]
    assert Voucher.objects.get(code="VIP").redeemed_quantity == 0


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, "Payload should have required property 'redeemables'"),
        ([], "Payload should be object"),
        ("text", "Payload should be object"),
        ({"redeemables": {}}, "Property .redeemables should be array"),
        ({"redeemables": []}, "Property .redeemables should NOT have fewer than 1 items"),
        ({"redeemables": [{"object": "voucher"}]}, "Property .redeemables[0] should have required property 'id'"),
        ({"redeemables": [{"object": "voucher", "id": 5}]}, "Property .redeemables[0].id should be string"),
        ({"customer": "x"}, "Property .customer should be object"),
        ({"order": []}, "Property .order should be object"),
        ({"order": {"amount": -1}}, "Property .order.amount"),
        ({"order": {"amount": 1.5}}, "Property .order.amount"),
        ({"order": {"items": [{"product_id": "p", "quantity": 0}]}}, "Property .order.items[0].quantity"),
        ({"metadata": []}, "Property .metadata should be object"),
        ({"tracking_id": 7}, "Property .tracking_id should be string"),
        ({"metadata": {"a": "\u0000"}}, "Property"),
    ],
)
def test_a_malformed_body_is_refused_and_nothing_recorded(shop: Shop, body: Any, details: str) -> None:
    voucher_of(shop, code="TEN")
    one = {"redeemables": [{"object": "voucher", "id": "TEN"}]}
    sent = {**one, **body} if isinstance(body, dict) and body and "redeemables" not in body else body
    for path in ("/v1/redemptions", "/v1/validations"):
        response = shop.server().post(path, sent)
        assert response.status_code == 400, path
        assert response.json()["key"] == "invalid_payload"
        assert response.json()["details"].startswith(details)
    assert (Redemption.objects.count(), Customer.objects.count(), Order.objects.count()) == (0, 0, 0)


def test_a_browser_redeems_only_where_the_project_says_so(shop: Shop) -> None:
    voucher_of(shop, code="TEN", quantity=2)
    off = make_shop("Off")
    make_voucher(project=off.project, code="TEN")
    body = {"redeemables": [{"object": "voucher", "id": "TEN"}], "customer": {"source_id": "c-1", "name": "Ada"}}
    for path, sent in (("/client/v1/redemptions", body), ("/client/v1/redeem?code=TEN", {"customer": {}})):
        response = off.browser().post(path, sent)
        assert (response.status_code, response.json()["key"]) == (403, "forbidden")
        assert "client_redeem_enabled" in response.json()["details"]
        assert shop.server().post(path, sent).status_code == 401
        assert APIClient().post(path, sent, format="json").status_code == 401
        assert shop.browser("https://elsewhere.example").post(path, sent).status_code == 403
        assert shop.browser().post(path, sent).status_code == 200
    assert Voucher.objects.get(project=off.project).redeemed_quantity == 0
    assert Redemption.objects.filter(project=off.project).count() == 0
    response = shop.browser().post("/client/v1/redeem", {})
    assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params")


def test_a_browser_sees_and_changes_nothing_that_is_stored_of_a_customer(shop: Shop) -> None:
    stored = make_customer(project=shop.project, source_id="c-1", name="Nora", email="n@example.com", metadata={"x": 1})
    holder = make_customer(project=shop.project, source_id="c-2", name="Holder")
    voucher_of(shop, code="TEN", holder=holder)
    sent = {"source_id": "c-1", "name": "Mallory"}
    wire = shop.browser().post("/client/v1/redeem?code=TEN", {"customer": sent}).json()
    assert wire["customer"] == {
        "id": stored.public_id,
        "name": "Mallory",
        "email": None,
        "source_id": "c-1",
        "metadata": {},
        "object": "customer",
    }
    assert "holder" not in wire["voucher"]
    stored.refresh_from_db()
    assert stored.name == "Nora"
    body = {"redeemables": [{"object": "voucher", "id": "TEN"}], "customer": {"source_id": "c-1"}}
    stacked = shop.browser().post("/client/v1/redemptions", body).json()
    assert stacked["redemptions"][0]["customer"]["email"] is None
    assert "n@example.com" not in str(stacked)


def test_the_list_of_redemptions_is_narrowed_by_each_parameter(shop: Shop) -> None:
    voucher_of(shop, code="TEN", quantity=1)
    server = shop.server()
    good = server.post("/v1/vouchers/TEN/redemption", {"customer": {"source_id": "c-1"}}).json()
    server.post("/v1/vouchers/TEN/redemption", {"customer": {"source_id": "c-1"}})
    server.post("/v1/vouchers/NOPE/redemption")
    make_shop("Other")

    def codes(query: str) -> list[str]:
        response = server.get(f"/v1/redemptions?{query}")
        assert response.status_code == 200, response.json()
        return [row.get("failure_code", "ok") for row in response.json()["redemptions"]]

    assert codes("") == ["not_found", "quantity_exceeded", "ok"]
    assert codes("result=success") == ["ok"]
    assert codes("result=SUCCESS&result=FAILURE&order=created_at") == ["ok", "quantity_exceeded", "not_found"]
    assert codes("customer=c-1") == ["quantity_exceeded", "ok"]
    assert codes(f"customer={good['customer_id']}&limit=1") == ["quantity_exceeded"]
    assert codes("customer=nobody") == []
    assert codes("voucher_code=NOPE") == ["not_found"]
    assert codes("voucher_code=TEN") == ["quantity_exceeded", "ok"]
    assert codes(f"related_object_id={good['related_object_id']}&result=SUCCESS") == ["ok"]
    assert codes("created_at[before]=2020-01-01") == []
    assert codes("filters[failure_code][conditions][$is]=not_found") == ["not_found"]
    assert codes("filters[failure_code][conditions][$has_value]=") == ["not_found", "quantity_exceeded"]
    assert codes("filters[failure_code][conditions][$is_unknown]=") == ["ok"]
    assert codes("order=-customer_id") == ["quantity_exceeded", "ok", "not_found"], "who is nobody's comes last"
    assert codes("filters[voucher_code][conditions][$in][0]=TEN&filters[result][conditions][$is]=SUCCESS") == ["ok"]
    assert codes(f"filters[customer_id][conditions][$is]={good['customer_id']}") == ["quantity_exceeded", "ok"]
    assert codes("filters[object][conditions][$is]=redemption_rollback") == []
    assert codes("filters[parent_redemption_id][conditions][$has_value]=") == []
    assert server.get("/v1/redemptions?result=MAYBE").json()["key"] == "invalid_query_params"


def test_the_list_costs_the_same_queries_for_one_and_for_many(shop: Shop) -> None:
    server = shop.server()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert server.get("/v1/redemptions?limit=100").status_code == 200
        return len(captured)

    voucher_of(shop, code="TEN")
    server.post("/v1/vouchers/TEN/redemption", {"customer": {"source_id": "c-0"}, "order": {"amount": 100}})
    few = queries()
    for number in range(4):
        voucher_of(shop, code=f"N-{number}")
        server.post(f"/v1/vouchers/N-{number}/redemption", {"customer": {"source_id": f"c-{number}"}})
    assert queries() == few == 4


def test_an_unknown_redemption_is_not_found(shop: Shop) -> None:
    response = shop.server().get("/v1/redemptions/r_none")
    assert (response.status_code, response.json()["details"]) == (404, "Cannot find redemption with id r_none")


def test_override_in_a_line_stores_the_product_when_the_order_is_stored_and_not_before() -> None:
    shop = make_shop()
    make_voucher(project=shop.project, code="TEN")
    line = {"source_id": "mug", "related_object": "product", "product": {"name": "Mug", "price": 500, "override": True}}
    body = {"redeemables": [{"object": "voucher", "id": "TEN"}], "order": {"items": [line]}}
    assert shop.server().post("/v1/validations", body).json()["valid"] is True
    assert not Product.objects.filter(source_id="mug").exists()
    wire = shop.server().post("/v1/redemptions", body).json()
    assert wire["order"]["amount"] == 500
    assert wire["order"]["items"][0]["product_id"] == Product.objects.get(source_id="mug", price=500).public_id


def test_a_tier_is_shown_in_full_where_the_request_expands_what_was_redeemed(shop: Shop) -> None:
    campaign = CampaignFactory.create(project=shop.project, campaign_type="PROMOTION", voucher=None)
    tier = PromotionTier.objects.create(
        project=shop.project, campaign=campaign, name="T", created_at=NOW,
        action={"discount": {"type": "AMOUNT", "amount_off": 300}},
    )  # fmt: skip
    body = {"redeemables": [{"object": "promotion_tier", "id": tier.public_id}], "order": {"amount": 1000}}
    server = shop.server()
    short = server.post("/v1/redemptions", body).json()["redemptions"][0]["promotion_tier"]
    assert sorted(short) == ["banner", "campaign", "id", "metadata", "name"]
    full = server.post("/v1/redemptions", {**body, "options": {"expand": ["redeemable"]}}).json()
    shown = full["redemptions"][0]["promotion_tier"]
    assert shown == server.get(f"/v1/promotions/tiers/{tier.public_id}").json()
    assert (shown["summary"]["redemptions"], shown["action"]) == ({"total_redeemed": 2}, tier.action)
