"""The contract's table of failures: every key with its message, details and status, in validations and redemptions.

Rollbacks, sessions and keys of authentication have their own tests; those of loyalty programmes come with them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from config.project.models import Project
from tests.factories import (
    CampaignFactory,
    ProductFactory,
    Shop,
    make_customer,
    make_rule,
    make_segment,
    make_shop,
    make_voucher,
)
from vouchers.engine import stacking
from vouchers.models import PromotionTier, Redemption, RuleAssignment, ValidationRule, Voucher

pytestmark = pytest.mark.django_db
PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime(2999, 1, 1, tzinfo=UTC)
ORDER = {"amount": 10000}


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def rule(name: str, *values: Any, operator: str = "$is", **more: Any) -> dict[str, Any]:
    return {"1": {"name": name, "conditions": {operator: list(values)}, **more}}


def guard(voucher: Voucher, rules: dict[str, Any], **fields: Any) -> ValidationRule:
    made = make_rule(project=voucher.project, rules=rules, **fields)
    RuleAssignment.objects.create(
        project=voucher.project,
        rule=made,
        voucher=voucher,
        related_object_type="voucher",
        related_object_id=voucher.public_id,
        created_at=PAST,
    )
    return made


GIFT = {"type": Voucher.Type.GIFT, "gift_amount": 500, "discount": None}
NEVER = {"validity_day_of_week": []}


@pytest.mark.parametrize(
    ("voucher", "body", "key", "message", "details"),
    [
        ({"active": False}, {}, "voucher_disabled", "voucher is disabled", "CODE"),
        ({"start_date": FUTURE}, {}, "voucher_not_active", "voucher is not active yet", "CODE"),
        ({"expiration_date": PAST}, {}, "voucher_expired", "voucher expired", "CODE"),
        (NEVER, {}, "voucher_not_active_now", "voucher not active now", "CODE"),
        ({"quantity": 0}, {}, "quantity_exceeded", "quantity exceeded", "CODE"),
        (GIFT, {"gift": {"credits": 501}}, "gift_amount_exceeded", "gift amount exceeded", "CODE"),
        (GIFT, {"order": None}, "missing_amount", "Missing amount", "Order amount is required to redeem a gift card"),
        (GIFT | {"gift_effect": "APPLY_TO_ITEMS"}, {}, "missing_order_items_amount", "Missing applicable order items",
         "At least one applicable order item with amount is required to redeem this GIFT_VOUCHER"),
        ({"type": Voucher.Type.LOYALTY, "discount": None, "loyalty_card": {"points": 5, "balance": 5}}, {},
         "missing_reward", "Missing reward", "A reward is required when redeeming a LOYALTY_CARD"),
    ],
)  # fmt: skip
def test_what_stands_against_a_voucher(
    shop: Shop, voucher: dict[str, Any], body: dict[str, Any], key: str, message: str, details: str
) -> None:
    make_voucher(project=shop.project, code="CODE", **voucher)
    sent = {name: value for name, value in body.items() if name != "order"}
    order = {"order": body.get("order", ORDER)} if body.get("order", ORDER) is not None else {}
    refused(shop, {"redeemables": [{"object": "voucher", "id": "CODE", **sent}], **order}, key, message, details)


CUSTOMER = {"customer": {"source_id": "c-1"}}


@pytest.mark.parametrize(
    ("rules", "body", "key", "message", "details"),
    [
        (rule("customer.metadata", "x", property="p"), CUSTOMER, "customer_rules_violated",
         "customer does not match validation rules", None),
        (rule("order.amount", 1), {}, "order_rules_violated", "order does not match validation rules", None),
        (rule("redemption.count", 0), {}, "redemption_rules_violated", "redemption does not match validation rules",
         None),
        (rule("customer.metadata", "x", property="p"), {}, "missing_customer", "Missing customer",
         "Customer is required to validate rules"),
        (rule("order.items.count", 1), {"order": None}, "missing_order", "Missing order",
         "Order is required to validate rules"),
        (rule("order.amount", 1), {"order": {}}, "missing_amount", "Missing amount",
         "Order amount is required to validate rules"),
        (rule("product.id", "p"), {}, "missing_order_items", "Missing order items",
         "Order items are required to validate rules"),
    ],
)  # fmt: skip
def test_what_stands_against_a_rule(
    shop: Shop, rules: dict[str, Any], body: dict[str, Any], key: str, message: str, details: str | None
) -> None:
    made = guard(make_voucher(project=shop.project, code="CODE"), rules)
    default = f"Discount Coupon cannot be redeemed because of violated validation rules: {made.public_id}"
    sent = {"redeemables": [{"object": "voucher", "id": "CODE"}], "order": ORDER} | body
    if sent["order"] is None:
        del sent["order"]
    refused(shop, sent, key, message, details or default)


def test_a_segment_has_a_sentence_of_its_own(shop: Shop) -> None:
    segment = make_segment(project=shop.project)
    made = guard(make_voucher(project=shop.project, code="CODE"), rule("customer.segment", segment.public_id),
                 error={"message": "Members only"})  # fmt: skip
    details = f"Discount Coupon cannot be redeemed because of violated validation rules: {made.public_id}"
    body = {"redeemables": [{"object": "voucher", "id": "CODE"}], "order": ORDER, **CUSTOMER}
    key, message = "customer_rules_violated", "customer does not match segment rules"
    refused(shop, body, key, message, details, own="Members only")


def test_who_recommends_cannot_redeem(shop: Shop) -> None:
    referrer = make_customer(project=shop.project, source_id="c-1")
    make_voucher(project=shop.project, code="CODE", referrer=referrer, is_referral_code=True)
    body = {"redeemables": [{"object": "voucher", "id": "CODE"}], "order": ORDER, **CUSTOMER}
    message = "voucher cannot be redeemed by referrer"
    refused(shop, body, "referrer_not_permitted_to_redeem", message, "CODE")


def test_a_card_is_its_holders(shop: Shop) -> None:
    holder = make_customer(project=shop.project, source_id="holder")
    card = {"type": Voucher.Type.LOYALTY, "discount": None, "loyalty_card": {"points": 5}, "holder": holder}
    make_voucher(project=shop.project, code="CODE", **card)
    body = {"redeemables": [{"object": "voucher", "id": "CODE"}], "order": ORDER, **CUSTOMER}
    refused(shop, body, "invalid_customer", "Customer must be a holder of a loyalty card.", "CODE")


@pytest.mark.parametrize(
    ("fields", "key", "message", "details"),
    [
        ({"active": False}, "promotion_inactive", "Inactive Promotion", "Promotion Tier with id: {id} is disabled."),
        ({"expiration_date": PAST}, "promotion_inactive", "Inactive Promotion",
         "Promotion Tier with id: {id} is expired."),
        (NEVER, "promotion_not_active_now", "promotion not active now", "{id}"),
    ],
)  # fmt: skip
def test_what_stands_against_a_promotion(
    shop: Shop, fields: dict[str, Any], key: str, message: str, details: str
) -> None:
    campaign = CampaignFactory(project=shop.project, campaign_type="PROMOTION")
    discount = {"type": "PERCENT", "percent_off": 10}
    tier = PromotionTier.objects.create(
        project=shop.project, campaign=campaign, name="T", action={"discount": discount}, created_at=PAST, **fields
    )
    body = {"redeemables": [{"object": "promotion_tier", "id": tier.public_id}], "order": ORDER}
    refused(shop, body, key, message, details.format(id=tier.public_id))


def refused(shop: Shop, body: dict[str, Any], key: str, message: str, details: str, own: str | None = None) -> None:
    """A validation answers 200 with the error inside, a redemption 400 with it; nothing is redeemed."""
    answer = shop.server().post("/v1/validations", body)
    assert answer.status_code == 200, answer.json()
    one = answer.json()["redeemables"][0]
    error = one["result"]["error"]
    assert (answer.json()["valid"], one["status"]) == (False, "INAPPLICABLE")
    assert (error["code"], error["key"], error["message"], error["details"]) == (400, key, message, details)
    assert one["result"]["details"] == {"key": key, "message": own or message}
    assert error.get("error") == ({"message": own} if own else None)
    answer = shop.server().post("/v1/redemptions", body)
    wire = answer.json()
    assert answer.status_code == 400
    assert (wire["code"], wire["key"], wire["message"], wire["details"]) == (400, key, message, details)
    assert wire["resource_type"] == "redemption"
    row = Redemption.objects.get()
    assert (row.public_id, row.result, row.failure_code) == (wire["resource_id"], "FAILURE", key)
    assert not Voucher.objects.filter(redeemed_quantity__gt=0).exists()


@pytest.mark.parametrize("kind", ["voucher", "promotion_tier", "promotion_stack"])
def test_what_nobody_knows_is_404(shop: Shop, kind: str) -> None:
    body = {"redeemables": [{"object": kind, "id": "nobody"}], "order": ORDER}
    error = shop.server().post("/v1/validations", body).json()["redeemables"][0]["result"]["error"]
    expected = (404, "not_found", "Resource not found", f"Cannot find {kind} with id nobody")
    assert (error["code"], error["key"], error["message"], error["details"]) == expected
    answer = shop.server().post("/v1/redemptions", body)
    wire = answer.json()
    assert (answer.status_code, wire["key"], wire["message"], wire["details"]) == expected
    assert (wire["resource_id"], wire["resource_type"]) == ("nobody", kind)


def project_with(shop: Shop, **rules: Any) -> Project:
    shop.project.stacking_rules = rules
    shop.project.save(update_fields=["stacking_rules"])
    return shop.project


def test_none_that_applies_among_several_is_one_refusal(shop: Shop) -> None:
    project_with(shop, redeemables_application_mode="PARTIAL")
    for code in ("A", "B"):
        make_voucher(project=shop.project, code=code, active=False)
    body = {"redeemables": [{"object": "voucher", "id": code} for code in ("A", "B")], "order": ORDER}
    wire = shop.server().post("/v1/redemptions", body).json()
    assert (wire["code"], wire["key"], wire["message"]) == (
        400,
        "no_applicable_redeemables",
        "No applicable redeemables",
    )


ONE = {"object": "voucher", "id": "A"}


@pytest.mark.parametrize(
    ("redeemables", "key", "message", "details"),
    [
        ([ONE, ONE], "duplicated_redeemables", "Duplicated redeemables detected",
         "Duplicated redeemables detected in one redemption"),
        ([ONE, {"object": "promotion_stack", "id": "stack_1"}], "invalid_redeemables", "Invalid redeemables",
         "Promotion Stack cannot be use with other redeemables"),
        ([{"object": "voucher"}], "invalid_payload", "Invalid payload",
         "Property .redeemables[0] should have required property 'id'"),
        ([{**ONE, "id": f"C{index}"} for index in range(31)], "invalid_payload", "Invalid payload",
         "Property .redeemables should NOT have more than 30 items"),
        ([{**ONE, "id": f"C{index}"} for index in range(3)], "redeemables_limit_exceeded",
         "Redeemables limit exceeded", "Property .redeemables should NOT have more than 2 items"),
        ([], "invalid_payload", "Invalid payload", "Property .redeemables should NOT have fewer than 1 items"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/validations", "/v1/redemptions"])
def test_requests_that_cannot_be_meant_leave_nothing(
    shop: Shop, path: str, redeemables: list[Any], key: str, message: str, details: str
) -> None:
    project_with(shop, redeemables_limit=2)
    make_voucher(project=shop.project, code="A")
    answer = shop.server().post(path, {"redeemables": redeemables, "order": ORDER})
    wire = answer.json()
    assert (answer.status_code, wire["key"], wire["message"], wire["details"]) == (400, key, message, details)
    assert Redemption.objects.count() == 0


@pytest.mark.parametrize(
    ("order", "details"),
    [
        ({"items": [{"product_id": "p"}] * 501}, "Property .order.items cannot have more than 500 items"),
        ({"amount": 2**53}, "Property .order.amount"),
        ({"amount": -1}, "Property .order.amount"),
        ({"items": [{"product_id": "p", "price": 2**53 - 1, "quantity": 2}]}, "Property .order.items[0].amount"),
        ({"items": [{"product_id": "p", "quantity": 0}]}, "Property .order.items[0].quantity"),
    ],
)
def test_orders_that_cannot_be_meant(shop: Shop, order: dict[str, Any], details: str) -> None:
    make_voucher(project=shop.project, code="A")
    answer = shop.server().post("/v1/validations", {"redeemables": [ONE], "order": order})
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert details in answer.json()["details"]


SKIPS = {
    skip.key: skip.message
    for skip in (
        *(stacking.LIMIT_EXCEEDED, stacking.CATEGORY_LIMIT_EXCEEDED, stacking.EXCLUSIVE_LIMIT_EXCEEDED),
        *(stacking.EXCLUSIVE_CATEGORY_LIMIT_EXCEEDED, stacking.EXCLUDED, stacking.PRECEDING_FAILED, stacking.NO_EFFECT),
    )
}


def test_skips_have_the_contracts_sentences() -> None:
    assert SKIPS == {
        "applicable_redeemables_limit_exceeded": "Applicable redeemables limit exceeded",
        "applicable_redeemables_per_category_limit_exceeded": "Applicable redeemables limit per category exceeded",
        "applicable_exclusive_redeemables_limit_exceeded": "Applicable exclusive redeemables limit exceeded",
        "applicable_exclusive_redeemables_per_category_limit_exceeded":
            "Applicable exclusive redeemables limit per category exceeded",
        "exclusion_rules_not_met": "Redeemable cannot be applied due to exclusion rules",
        "preceding_validation_failed": "Redeemable cannot be applied due to preceding validation failure",
        "no_effect": "Redeemable cannot be applied due to no effect",
    }  # fmt: skip


def test_a_skipped_redeemable_says_why_and_nothing_more(shop: Shop) -> None:
    project_with(shop, applicable_redeemables_limit=1)
    for code in ("A", "B"):
        make_voucher(project=shop.project, code=code)
    body = {"redeemables": [{"object": "voucher", "id": code} for code in ("A", "B")], "order": ORDER}
    wire = shop.server().post("/v1/validations", body).json()
    expected = {
        "status": "SKIPPED",
        "id": "B",
        "object": "voucher",
        "result": {
            "details": {
                "key": "applicable_redeemables_limit_exceeded",
                "message": "Applicable redeemables limit exceeded",
            }
        },
        "metadata": {},
    }
    assert (wire["valid"], wire["skipped_redeemables"], wire["redeemables"][1]) == (True, [expected], expected)
    assert "inapplicable_redeemables" not in wire


def test_free_units_never_make_an_amount_that_cannot_be_counted(shop: Shop) -> None:
    product = ProductFactory(project=shop.project, price=2**53 - 1)
    discount = {"type": "UNIT", "unit_off": 1000, "unit_type": product.public_id, "effect": "ADD_NEW_ITEMS"}
    make_voucher(project=shop.project, code="A", discount=discount)
    answer = shop.server().post("/v1/redemptions", {"redeemables": [ONE], "order": ORDER})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["order"]["amount"] == 10000
