"""`/v1/validations` and `/client/v1/validations`: what would happen, and that nothing did."""

from __future__ import annotations

from typing import Any

import pytest

from customers.models import Customer
from tests.factories import CampaignFactory, Shop, make_customer, make_rule, make_segment, make_shop, make_voucher
from tracking.models import Order
from vouchers.models import Category, Redemption, Voucher

pytestmark = pytest.mark.django_db
NO_PRODUCTS = {"data": [], "total": 0, "data_ref": "data", "object": "list"}


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def voucher_of(shop: Shop, **fields: Any) -> Voucher:
    return make_voucher(project=shop.project, **fields)


def body_of(*codes: str, **more: Any) -> dict[str, Any]:
    return {"redeemables": [{"object": "voucher", "id": code} for code in codes], **more}


def test_a_valid_code_is_answered_as_in_the_contract(shop: Shop) -> None:
    voucher_of(shop, code="FIFTEEN", discount={"type": "AMOUNT", "amount_off": 1500})
    response = shop.server().post("/v1/validations", body_of("FIFTEEN", order={"amount": 48000}))
    assert response.status_code == 200, response.json()
    wire = response.json()
    assert wire.pop("id").startswith("valid_")
    assert wire.pop("stacking_rules")["redeemables_limit"] == 30
    order = {
        "amount": 48000,
        "discount_amount": 1500,
        "total_discount_amount": 1500,
        "total_amount": 46500,
        "applied_discount_amount": 1500,
        "total_applied_discount_amount": 1500,
        "metadata": {},
        "customer_id": None,
        "referrer_id": None,
        "object": "order",
    }
    assert wire == {
        "valid": True,
        "redeemables": [
            {
                "status": "APPLICABLE",
                "id": "FIFTEEN",
                "object": "voucher",
                "order": order,
                "applicable_to": NO_PRODUCTS,
                "inapplicable_to": NO_PRODUCTS,
                "result": {
                    "discount": {
                        "type": "AMOUNT",
                        "effect": "APPLY_TO_ORDER",
                        "amount_off": 1500,
                        "is_dynamic": False,
                    }
                },
                "metadata": {},
            }
        ],
        "order": order,
    }
    assert "tracking_cookie" not in response.cookies
    assert (Redemption.objects.count(), Order.objects.count(), Customer.objects.count()) == (0, 0, 0)


def test_a_gift_card_shows_its_balance_before_and_the_credits_it_would_use(shop: Shop) -> None:
    voucher_of(shop, code="GIFT", gift_amount=5000, discount=None)
    body = {
        "redeemables": [{"object": "voucher", "id": "GIFT", "gift": {"credits": "1200"}}],
        "order": {"amount": 4200},
    }
    wire = shop.server().post("/v1/validations", body).json()
    assert wire["redeemables"][0]["result"] == {"gift": {"balance": 5000, "credits": 1200}}
    assert wire["order"]["total_amount"] == 3000


def test_the_first_failure_skips_what_follows_where_all_must_apply(shop: Shop) -> None:
    voucher_of(shop, code="GOOD")
    voucher_of(shop, code="OLD", expiration_date="2020-01-01T00:00:00Z", metadata={"x": 1})
    voucher_of(shop, code="LAST")
    wire = shop.server().post("/v1/validations", body_of("GOOD", "OLD", "LAST", order={"amount": 1000})).json()
    assert wire["valid"] is False
    assert [(row["id"], row["status"]) for row in wire["redeemables"]] == [
        ("GOOD", "APPLICABLE"),
        ("OLD", "INAPPLICABLE"),
        ("LAST", "SKIPPED"),
    ]
    failed = wire["redeemables"][1]
    request_id = failed["result"]["error"].pop("request_id")
    assert request_id.startswith("v-")
    assert failed == {
        "status": "INAPPLICABLE",
        "id": "OLD",
        "object": "voucher",
        "result": {
            "error": {"code": 400, "key": "voucher_expired", "message": "voucher expired", "details": "OLD"},
            "details": {"message": "voucher expired", "key": "voucher_expired"},
        },
        "metadata": {"x": 1},
    }
    assert wire["redeemables"][2]["result"] == {
        "details": {
            "key": "preceding_validation_failed",
            "message": "Redeemable cannot be applied due to preceding validation failure",
        }
    }
    assert [row["id"] for row in wire["inapplicable_redeemables"]] == ["OLD"]
    assert [row["id"] for row in wire["skipped_redeemables"]] == ["LAST"]
    assert wire["order"]["total_amount"] == 900


def test_where_some_may_fail_the_lists_are_split(shop: Shop) -> None:
    shop.project.stacking_rules = {"redeemables_application_mode": "PARTIAL"}
    shop.project.save(update_fields=["stacking_rules"])
    voucher_of(shop, code="GOOD")
    wire = shop.server().post("/v1/validations", body_of("NOPE", "GOOD", order={"amount": 1000})).json()
    assert wire["valid"] is True
    assert [row["id"] for row in wire["redeemables"]] == ["GOOD"]
    assert [row["id"] for row in wire["inapplicable_redeemables"]] == ["NOPE"]
    assert "skipped_redeemables" not in wire
    none = shop.server().post("/v1/validations", body_of("NOPE", order={"amount": 1000})).json()
    assert none["valid"] is False
    assert [row["id"] for row in none["redeemables"]] == ["NOPE"]
    assert "order" not in none


def test_an_unknown_code_is_an_answer_not_an_error(shop: Shop) -> None:
    response = shop.server().post("/v1/validations", body_of("NOPE"))
    assert response.status_code == 200
    (entry,) = response.json()["redeemables"]
    error = entry["result"]["error"]
    error.pop("request_id")
    assert error == {
        "code": 404,
        "key": "not_found",
        "message": "Resource not found",
        "details": "Cannot find voucher with id NOPE",
    }
    assert "metadata" not in entry
    assert "tracking_id" not in response.json()


def test_a_rules_own_words_stand_in_the_details(shop: Shop) -> None:
    segment = make_segment(project=shop.project, type="static", definition=None)
    voucher = voucher_of(shop, code="VIP")
    condition = {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}
    rules = {"1": {**condition, "error": {"message": "VIP only"}}, "logic": "1"}
    make_rule(voucher, rules=rules, error={"message": "Fallback"})
    nobody = shop.server().post("/v1/validations", body_of("VIP")).json()
    assert nobody["redeemables"][0]["result"]["error"]["key"] == "missing_customer"
    wire = shop.server().post("/v1/validations", body_of("VIP", customer={"source_id": "c-1"})).json()
    result = wire["redeemables"][0]["result"]
    assert result["details"] == {"message": "VIP only", "key": "customer_rules_violated"}
    assert result["error"]["error"] == {"message": "VIP only"}
    assert result["error"]["message"] == "customer does not match segment rules"
    assert wire["tracking_id"].startswith("track_")
    assert Customer.objects.count() == 0


def test_expansions_decide_what_a_redeemable_shows(shop: Shop) -> None:
    category = Category.objects.create(project=shop.project, name="Shoes", created_at=shop.project.created_at)
    campaign = CampaignFactory.create(project=shop.project, name="Spring")
    voucher_of(shop, code="TEN", campaign=campaign, category=category)

    def keys(*expand: str) -> set[str]:
        body = body_of("TEN", order={"amount": 100}, options={"expand": list(expand)})
        (row,) = shop.server().post("/v1/validations", body).json()["redeemables"]
        return set(row)

    plain = {"status", "id", "object", "applicable_to", "inapplicable_to", "result", "metadata"}
    assert keys() == plain
    assert keys("order") == plain | {"order"}
    assert keys("redeemable", "category") == plain | {"campaign_name", "campaign_id", "categories"}
    assert keys("include_orders") == plain


def test_a_visitor_gets_a_tracking_id_and_keeps_it_in_the_cookie(shop: Shop) -> None:
    voucher_of(shop, code="TEN")
    browser = shop.browser()
    first = browser.post("/client/v1/validations", body_of("TEN"))
    assert first.status_code == 200
    token = first.json()["tracking_id"]
    cookie = first.cookies["tracking_id"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["secure"]) == (
        *("/client/v1", True, "None", True),
    )
    second = browser.post("/client/v1/validations", body_of("TEN"))
    assert second.json()["tracking_id"] == token
    named = browser.post("/client/v1/validations", body_of("TEN", tracking_id="nora@example.com"))
    assert named.json()["tracking_id"] != token
    assert shop.browser().post("/client/v1/validations", body_of("TEN")).json()["tracking_id"] != token


def test_a_browser_is_told_nothing_about_a_stored_customer(shop: Shop) -> None:
    voucher_of(shop, code="TEN")
    make_customer(project=shop.project, source_id="c-1", name="Nora", email="n@example.com")

    def answer(source_id: str) -> dict[str, Any]:
        wire = shop.browser().post("/client/v1/validations", body_of("TEN", customer={"source_id": source_id})).json()
        return {name: value for name, value in wire.items() if name not in ("id", "tracking_id")}

    assert answer("c-1") == answer("c-unknown")


def test_keys_and_origins_decide_who_may_validate(shop: Shop) -> None:
    other = make_shop("Other")
    voucher_of(shop, code="TEN")
    assert shop.browser().post("/v1/validations", body_of("TEN")).status_code == 401
    assert shop.server().post("/client/v1/validations", body_of("TEN")).status_code == 401
    assert shop.browser("https://evil.example").post("/client/v1/validations", body_of("TEN")).status_code == 403
    assert shop.browser("").post("/client/v1/validations", body_of("TEN")).status_code == 403
    foreign = other.server().post("/v1/validations", body_of("TEN")).json()
    assert foreign["redeemables"][0]["result"]["error"]["key"] == "not_found"


def test_duplicates_and_too_many_redeemables_are_refused(shop: Shop) -> None:
    voucher = voucher_of(shop, code="TEN")
    server = shop.server()
    twice = server.post("/v1/validations", body_of("TEN", "TEN"))
    assert (twice.status_code, twice.json()["key"]) == (400, "duplicated_redeemables")
    by_id = server.post("/v1/validations", body_of("TEN", voucher.public_id))
    assert (by_id.status_code, by_id.json()["key"]) == (400, "duplicated_redeemables")
    many = server.post("/v1/validations", body_of(*(f"C-{number}" for number in range(31))))
    assert many.json()["details"] == "Property .redeemables should NOT have more than 30 items"
