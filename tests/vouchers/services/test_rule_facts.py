"""What rules read beside the order reaches the engine: catalogue, collections, counters, customer, caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import (
    NOW,
    CampaignFactory,
    ProductFactory,
    make_customer,
    make_project,
    make_rule,
    make_voucher,
)
from tracking.models import ProductCollection, Sku
from vouchers.errors import VoucherRefused
from vouchers.models import (
    Category,
    PromotionStack,
    PromotionTier,
    Publication,
    Redemption,
    RuleAssignment,
    ValidationRule,
    Voucher,
)
from vouchers.payloads import parse_stackable
from vouchers.rendering.validations import render_validation
from vouchers.services import redemptions, validations
from vouchers.services.channels import Channel
from vouchers.services.validations import Validation

pytestmark = pytest.mark.django_db
AT = NOW + timedelta(days=1)
SHOP = Channel(id="app-1", request_id="v-1")


def request(*codes: str, **body: Any) -> Any:
    redeemables = [
        {"object": "promotion_tier" if code.startswith("promo_") else "promotion_stack", "id": code}
        if code.startswith(("promo_", "stack_"))
        else {"object": "voucher", "id": code}
        for code in codes
    ]
    return parse_stackable({"redeemables": redeemables, **body})


def validate(*codes: str, **body: Any) -> Validation:
    return validations.validate(project=make_project(), request=request(*codes, **body), at=AT, channel=SHOP)


def redeem(*codes: str, at: Any = AT, **body: Any) -> redemptions.Redeemed:
    return redemptions.redeem(project=make_project(), request=request(*codes, **body), at=at, channel=SHOP)


def keys(validation: Validation) -> list[str]:
    return [refusal.key for outcome in validation.stack.outcomes for refusal in outcome.refusals]


def ruled(code: str = "TEN", **fields: Any) -> Voucher:
    """A voucher with a rule. fields: `rules`, `applicable_to`, `bundle_rules`; the rest is the voucher's."""
    rule_fields = {name: fields.pop(name) for name in ("rules", "applicable_to", "bundle_rules") if name in fields}
    voucher = make_voucher(code=code, **fields)
    assign(make_rule(**rule_fields), voucher=voucher)
    return voucher


def assign(rule: ValidationRule, **target: Any) -> None:
    (kind, owner), *_ = target.items()
    RuleAssignment.objects.create(
        project=rule.project,
        rule=rule,
        related_object_type=kind,
        related_object_id=owner.public_id,
        created_at=NOW,
        **target,
    )


def one(name: str, operator: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"1": {"name": name, "conditions": {operator: list(values)}, **more}}


def in_collection(*products: Any) -> ProductCollection:
    members = [{"object": "product", "id": product.public_id} for product in products]
    return ProductCollection.objects.create(project=make_project(), name="Some", products=members, created_at=NOW)


ITEMS_10 = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}


def test_a_collection_decides_which_lines_are_discounted() -> None:
    mug, tee = ProductFactory(price=1000), ProductFactory(price=2000)
    known = in_collection(mug)
    ruled(discount=ITEMS_10, applicable_to={"included": [{"object": "products_collection", "id": known.public_id}]})
    found = validate("TEN", order={"items": [{"product_id": mug.public_id}, {"product_id": tee.public_id}]})
    wire = render_validation(found, "v-1")
    assert [line.get("discount_amount") for line in wire["order"]["items"]] == [100, None]
    assert (wire["order"]["items_discount_amount"], wire["order"]["total_amount"]) == (100, 2900)
    applicable = wire["redeemables"][0]["applicable_to"]
    assert [(row["object"], row["id"], row["strict"]) for row in applicable["data"]] == [
        ("products_collection", known.public_id, False),
        ("product", mug.public_id, True),
    ]
    assert applicable["data"][0]["order_item_indices"] == [0]
    assert (applicable["total"], applicable["object"]) == (2, "list")


def test_a_rule_reads_products_skus_and_their_metadata() -> None:
    mug = ProductFactory(price=1000, metadata={"brand": "A"})
    sku = Sku.objects.create(project=mug.project, product=mug, source_id="mug-red", price=1100, created_at=NOW)
    ruled(rules={
        **one("order.items.any", "$is", {"object": "product", "id": mug.public_id},
              rules=one("order.items.aggregated_quantity", "$more_than_or_equal", 3)),
        "2": {"name": "product.metadata", "property": "brand", "conditions": {"$is": ["A"]}},
        "3": {"name": "sku.id", "conditions": {"$is": [{"id": sku.public_id, "object": "sku"}]}},
    })  # fmt: skip
    few = [{"source_id": "mug-red", "related_object": "sku", "quantity": 2}]
    assert keys(validate("TEN", order={"items": few})) == ["order_rules_violated"]
    assert validate("TEN", order={"items": [{**few[0], "quantity": 3}]}).valid
    assert keys(validate("TEN", order={"items": [{"product_id": mug.public_id, "quantity": 3}]})) == [
        "order_rules_violated"
    ]


def test_free_units_come_with_price_and_name_from_the_catalogue() -> None:
    mug = ProductFactory(price=800, name="Mug", source_id="mug")
    make_voucher(code="FREE", discount={"type": "UNIT", "unit_off": 2, "unit_type": mug.public_id,
                                        "effect": "ADD_NEW_ITEMS"})  # fmt: skip
    wire = render_validation(validate("FREE", order={"items": [{"product_id": "other", "amount": 1200}]}), "v-1")
    assert wire["order"]["items"][1] == {
        "object": "order_item",
        "product_id": mug.public_id,
        "product": {"id": mug.public_id, "source_id": "mug", "name": "Mug"},
        "quantity": 2,
        "initial_quantity": 0,
        "discount_quantity": 2,
        "applied_discount_quantity": 2,
        "amount": 1600,
        "initial_amount": 0,
        "price": 800,
        "discount_amount": 1600,
        "applied_discount_amount": 1600,
        "subtotal_amount": 0,
    }
    assert (wire["order"]["amount"], wire["order"]["initial_amount"], wire["order"]["total_amount"]) == (
        2800,
        1200,
        1200,
    )
    assert wire["redeemables"][0]["result"]["discount"]["product"] == {
        "id": mug.public_id,
        "source_id": "mug",
        "name": "Mug",
    }


def test_a_bundle_that_is_not_complete_says_what_is_missing() -> None:
    part = {"name": "order.items.any", "conditions": {"$is": [{"id": "bread", "object": "product"}]}}
    ruled(bundle_rules={"1": part, "2": {**part, "conditions": {"$is": [{"id": "jam", "object": "product"}]}}})
    found = render_validation(validate("TEN", order={"items": [{"product_id": "bread", "price": 100}]}), "v-1")
    result = found["redeemables"][0]["result"]
    assert result["error"]["key"] == "order_rules_violated"
    assert result["bundle"] == {
        "quantity": 0,
        "limit": 1,
        "identified": [{"id": "bread", "object": "product", "item_index": 0, "item_quantity": 1}],
        "missing": [{"id": "jam", "object": "product", "item_quantity": 1}],
    }


def test_a_limit_per_customer_counts_what_was_redeemed_and_not_rolled_back() -> None:
    ruled(rules=one("redemption.count.per_customer", "$less_than_or_equal", 1))
    customer = {"source_id": "c-1"}
    redeem("TEN", order={"amount": 100}, customer=customer)
    with pytest.raises(VoucherRefused) as refused:
        redeem("TEN", order={"amount": 100}, customer=customer)
    assert refused.value.key == "redemption_rules_violated"
    redeem("TEN", order={"amount": 100}, customer={"source_id": "c-2"})
    assert keys(validate("TEN", order={"amount": 100})) == ["missing_customer"]
    Redemption.objects.filter(customer__source_id="c-1", result="SUCCESS").update(status="ROLLED_BACK")
    redeem("TEN", order={"amount": 100}, customer=customer)


def test_daily_limits_start_anew_at_local_midnight() -> None:
    ruled(rules=one("redemption.count.daily", "$less_than_or_equal", 1))
    midnight = AT.replace(hour=0, minute=0)
    redeem("TEN", order={"amount": 100}, at=midnight - timedelta(seconds=1))
    redeem("TEN", order={"amount": 100}, at=midnight)
    with pytest.raises(VoucherRefused):
        redeem("TEN", order={"amount": 100}, at=midnight + timedelta(hours=23))


def test_a_campaigns_budget_counts_all_its_codes_and_the_discount_that_is_asked_for() -> None:
    campaign = CampaignFactory()
    assign(make_rule(rules=one("campaign.orders.amount_discounted", "$less_than_or_equal", 250)), campaign=campaign)
    for code in ("A", "B", "C"):
        make_voucher(code=code, campaign=campaign)
    redeem("A", order={"amount": 1000})
    redeem("B", order={"amount": 1500})
    with pytest.raises(VoucherRefused) as refused:
        redeem("C", order={"amount": 100})
    assert refused.value.key == "redemption_rules_violated"


def test_two_codes_of_a_campaign_in_one_request_count_in_turn() -> None:
    campaign = CampaignFactory()
    assign(make_rule(rules=one("campaign.redemptions.count", "$less_than_or_equal", 1)), campaign=campaign)
    for code in ("A", "B"):
        make_voucher(code=code, campaign=campaign)
    found = validate("A", "B", order={"amount": 1000})
    assert [outcome.status for outcome in found.stack.outcomes] == ["APPLICABLE", "INAPPLICABLE"]


def test_the_callers_key_and_what_the_request_says_of_the_customer_count() -> None:
    ruled(rules={
        **one("redemption.api_key", "$is", "app-1"),
        "2": {"name": "customer.metadata", "property": "tier", "conditions": {"$is": ["gold"]}},
        "3": {"name": "redemption.metadata", "property": "till", "conditions": {"$is": [5]}},
    })  # fmt: skip
    make_customer(source_id="c-1", metadata={"tier": "silver", "town": "Rome"})
    body = {"order": {"amount": 100}, "metadata": {"till": "5"}}
    gold = {"source_id": "c-1", "metadata": {"tier": "gold"}}
    assert validate("TEN", customer=gold, **body).valid
    assert keys(validate("TEN", customer={"source_id": "c-1"}, **body)) == ["customer_rules_violated"]


def test_only_the_holder_redeems_where_a_rule_says_so() -> None:
    holder = make_customer(source_id="holder")
    ruled(rules=one("publication.redeemable_by_linked_customer", "$is", True), holder=holder)
    assert validate("TEN", order={"amount": 1}, customer={"source_id": "holder"}).valid
    assert keys(validate("TEN", order={"amount": 1}, customer={"source_id": "x"})) == ["redemption_rules_violated"]


def tier(name: str, percent: int, hierarchy: int = 1, **fields: Any) -> PromotionTier:
    campaign = fields.pop("campaign", None) or CampaignFactory(campaign_type="PROMOTION")
    discount = {"type": "PERCENT", "percent_off": percent, "effect": "APPLY_TO_ORDER"}
    return PromotionTier.objects.create(
        project=campaign.project,
        campaign=campaign,
        name=name,
        action={"discount": discount},
        hierarchy=hierarchy,
        created_at=NOW,
        **fields,
    )


def test_a_promotion_stack_is_its_tiers_in_order() -> None:
    first = tier("First", 10)
    second = tier("Second", 20, campaign=first.campaign)
    stack = PromotionStack.objects.create(
        project=first.project,
        campaign=first.campaign,
        name="Both",
        tier_ids=[second.public_id, first.public_id],
        created_at=NOW,
    )
    wire = render_validation(validate(stack.public_id, order={"amount": 1000}), "v-1")
    assert [(one["object"], one["id"]) for one in wire["redeemables"]] == [
        ("promotion_tier", second.public_id),
        ("promotion_tier", first.public_id),
    ]
    assert wire["order"]["total_amount"] == 720


@pytest.mark.parametrize(
    ("fields", "key", "details"),
    [
        ({"active": False}, "promotion_inactive", "Promotion Tier with id: {id} is disabled."),
        ({"expiration_date": NOW}, "promotion_inactive", "Promotion Tier with id: {id} is expired."),
        ({"start_date": AT + timedelta(days=1)}, "promotion_not_active_now", "{id}"),
        ({"validity_day_of_week": []}, "promotion_not_active_now", "{id}"),
    ],
)
def test_a_tier_that_is_not_on_says_so(fields: dict[str, Any], key: str, details: str) -> None:
    off = tier("Off", 10, **fields)
    wire = render_validation(validate(off.public_id, order={"amount": 1000}), "v-1")
    error = wire["redeemables"][0]["result"]["error"]
    assert (error["key"], error["details"]) == (key, details.format(id=off.public_id))


def test_unknown_tiers_and_stacks_are_not_found() -> None:
    for name in ("promo_x", "stack_x"):
        error = render_validation(validate(name, order={"amount": 1}), "v-1")["redeemables"][0]["result"]["error"]
        kind = "promotion_tier" if name == "promo_x" else "promotion_stack"
        assert (error["code"], error["key"], error["details"]) == (
            404,
            "not_found",
            f"Cannot find {kind} with id {name}",
        )


def test_categories_are_shown_with_what_stacking_makes_of_them() -> None:
    category = Category.objects.create(project=make_project(), name="Always", hierarchy=1, created_at=NOW)
    project = make_project()
    project.stacking_rules = {"joint_categories": [category.public_id]}
    project.save(update_fields=["stacking_rules"])
    make_voucher(code="TEN", category=category)
    found = validations.validate(
        project=project, request=request("TEN", order={"amount": 1}, options={"expand": ["category"]}), at=AT
    )
    wire = render_validation(found, "v-1")["redeemables"][0]
    assert "order" not in wire
    assert [(one["id"], one["stacking_rules_type"]) for one in wire["categories"]] == [(category.public_id, "JOINT")]


def statements(*codes: str, **body: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        validate(*codes, **body)
    return len(queries)


def test_the_number_of_statements_does_not_grow_with_lines_rules_or_codes() -> None:
    mug = ProductFactory(price=100)
    known = in_collection(mug)
    rules = {
        **one("redemption.count.per_customer", "$less_than", 5),
        "2": {"name": "campaign.redemptions.count.daily", "conditions": {"$less_than": [50]}},
        "3": {"name": "order.items.any", "conditions": {"$is": [known.public_id]}},
    }
    for code in ("A", "B", "C", "D"):
        ruled(code, rules=rules)
    make_customer(source_id="c-1")
    line = {"product_id": mug.public_id}
    common = {"customer": {"source_id": "c-1"}}
    validate("A", order={"items": [line]}, **common)
    few = statements("A", order={"items": [line]}, **common)
    assert statements("A", "B", "C", "D", order={"items": [line] * 40}, **common) == few


def test_units_already_given_in_a_campaign_are_taken_off_the_limit() -> None:
    mug, campaign = ProductFactory(price=100), CampaignFactory()
    entry = {"object": "product", "id": mug.public_id, "product_campaign_quantity_limit": 3}
    assign(make_rule(applicable_to={"included": [entry]}), campaign=campaign)
    for code in ("A", "B"):
        make_voucher(code=code, campaign=campaign, discount=ITEMS_10)
    order = {"items": [{"product_id": mug.public_id, "quantity": 2}]}
    first = redeem("A", order=order)
    assert first.order is not None and first.order.items_discount_amount == 20
    second = redeem("B", order=order)
    assert second.order is not None and second.order.items_discount_amount == 10


def test_a_formula_reads_the_latest_publication_the_order_and_the_customer() -> None:
    formula = 'PUBLICATION_METADATA("off") + CUSTOMER_METADATA("bonus")'
    discount = {"type": "AMOUNT", "amount_off": 100, "amount_off_formula": formula}
    voucher = make_voucher(code="TEN", discount=discount)
    make_customer(source_id="c-1", metadata={"bonus": 2})
    body: dict[str, Any] = {"order": {"amount": 5000}, "customer": {"source_id": "c-1"}}
    assert validate("TEN", **body).stack.outcomes[0].effect.applied == 100  # type: ignore[union-attr]
    for hours, off in ((1, 3), (2, 5)):
        Publication.objects.create(
            project=voucher.project,
            result="SUCCESS",
            voucher=voucher,
            voucher_ids=[voucher.public_id],
            metadata={"off": off},
            created_at=NOW + timedelta(hours=hours),
        )
    assert validate("TEN", **body).stack.outcomes[0].effect.applied == 700  # type: ignore[union-attr]


def test_a_tier_of_which_only_the_name_is_known_does_nothing() -> None:
    named = tier("Named", 10)
    PromotionTier.objects.filter(pk=named.pk).update(action=None)
    wire = render_validation(validate(named.public_id, order={"amount": 1000}), "v-1")
    assert (wire["valid"], wire["order"]["total_amount"], wire["redeemables"][0]["result"]) == (
        True,
        1000,
        {"discount": {"type": "AMOUNT", "amount_off": 0, "effect": "APPLY_TO_ORDER", "is_dynamic": False}},
    )
    assert validate(named.public_id).valid
    redeemed = redeem(named.public_id, order={"amount": 1000})
    assert redeemed.order is not None and redeemed.order.total_amount == 1000
