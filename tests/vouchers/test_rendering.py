"""What the wire shows of stored vouchers, rules and redemptions, key by key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.factories import NOW, CampaignFactory, make_customer, make_rule, make_voucher
from tracking.models import Order
from vouchers.engine.order_state import Line, OrderState
from vouchers.models import Category, Redemption, RuleAssignment, Voucher
from vouchers.rendering import (
    render_order,
    render_order_state,
    render_redemption,
    render_rule,
    render_simple_voucher,
    render_validated_order,
    render_voucher,
)

pytestmark = pytest.mark.django_db
AT = "2026-02-03T10:00:00.000Z"


def test_a_fresh_discount_voucher_shows_its_unset_parts_as_null() -> None:
    voucher = make_voucher(code="SPRING/7 Q", code_key="SPRING/7 Q", discount={"type": "AMOUNT", "amount_off": 1000})
    address = f"/v1/assets/qr/{voucher.asset_id}"
    assert render_voucher(voucher) == {
        "id": voucher.public_id,
        "code": "SPRING/7 Q",
        "campaign": None,
        "campaign_id": None,
        "category": None,
        "category_id": None,
        "categories": [],
        "type": "DISCOUNT_VOUCHER",
        "discount": {"type": "AMOUNT", "amount_off": 1000},
        "gift": None,
        "loyalty_card": None,
        "start_date": None,
        "expiration_date": None,
        "validity_timeframe": None,
        "validity_day_of_week": None,
        "validity_hours": None,
        "active": True,
        "additional_info": None,
        "metadata": {},
        "assets": {
            "qr": {"id": str(voucher.asset_id), "url": address},
            "barcode": {"id": str(voucher.asset_id), "url": address.replace("qr", "barcode")},
        },
        "is_referral_code": False,
        "created_at": AT,
        "updated_at": None,
        "object": "voucher",
        "publish": {
            "object": "list",
            "count": 0,
            "url": "/v1/vouchers/SPRING%2F7%20Q/publications?page=1&limit=10",
        },
        "redemption": {
            "quantity": None,
            "redeemed_quantity": 0,
            "object": "list",
            "url": "/v1/vouchers/SPRING%2F7%20Q/redemptions?page=1&limit=10",
        },
    }


def test_a_gift_card_shows_what_is_left_and_its_holder() -> None:
    holder = make_customer()
    voucher = make_voucher(gift_amount=5000, redeemed_amount=1200, redeemed_quantity=1, discount=None, holder=holder)
    wire = render_voucher(voucher)
    assert wire["gift"] == {"amount": 5000, "balance": 3800, "effect": None}
    assert wire["holder_id"] == holder.public_id
    assert wire["redemption"]["redeemed_amount"] == 1200
    assert "referrer_id" not in wire
    voucher.gift_subtracted_amount = 800
    assert render_voucher(voucher)["gift"] == {
        "amount": 5000,
        "balance": 3000,
        "subtracted_amount": 800,
        "effect": None,
    }


def test_the_voucher_takes_its_campaigns_category_and_assignments() -> None:
    category = Category.objects.create(project=make_voucher().project, name="Seasonal", created_at=NOW)
    campaign = CampaignFactory.create(name="Spring", category=category)
    voucher = make_voucher(campaign=campaign)
    rule = make_rule(voucher)
    other = make_rule(project=voucher.project)
    RuleAssignment.objects.create(
        project=voucher.project,
        rule=other,
        campaign=campaign,
        related_object_type="campaign",
        related_object_id=campaign.public_id,
        created_at=NOW,
    )
    wire = render_voucher(voucher, RuleAssignment.objects.all().applying_to(voucher))
    assert (wire["campaign"], wire["campaign_id"]) == ("Spring", campaign.public_id)
    assert wire["category"] is None
    assert [row["name"] for row in wire["categories"]] == ["Seasonal"]
    assignments = wire["validation_rules_assignments"]
    assert assignments["total"] == 2
    assert [(row["rule_id"], row["related_object_type"]) for row in assignments["data"]] == [
        (rule.public_id, "voucher"),
        (other.public_id, "campaign"),
    ]
    assert set(assignments["data"][0]) == {
        *("id", "rule_id", "related_object_id", "related_object_type", "created_at", "object"),
    }


def test_the_simple_voucher_has_no_links_and_only_its_own_kind_of_terms() -> None:
    voucher = make_voucher(quantity=1)
    assert set(render_simple_voucher(voucher)) == {
        *("id", "code", "campaign", "campaign_id", "category_id", "type", "discount", "start_date", "expiration_date"),
        *("active", "metadata", "is_referral_code", "created_at", "updated_at", "object", "redemption"),
    }
    assert render_simple_voucher(voucher)["redemption"] == {"quantity": 1, "redeemed_quantity": 0}


def test_a_rule_leaves_out_what_it_does_not_have() -> None:
    rule = make_rule(name="Only Rome", rules={"1": {"name": "order.amount"}, "logic": "1"})
    assert render_rule(rule) == {
        "id": rule.public_id,
        "name": "Only Rome",
        "rules": {"1": {"name": "order.amount"}, "logic": "1"},
        "applicable_to": None,
        "type": "expression",
        "context_type": "global",
        "created_at": AT,
        "object": "validation_rules",
    }
    rule.updated_at, rule.error = NOW, {"message": "Sorry"}
    assert render_rule(rule, 2) == render_rule(rule) | {"assignments_count": 2}
    assert render_rule(rule)["error"] == {"message": "Sorry"}


def test_an_undiscounted_order_has_only_its_amount_and_its_total() -> None:
    assert render_order_state(OrderState(amount=3000)) == {
        "amount": 3000,
        "total_amount": 3000,
        "metadata": {},
        "object": "order",
    }


def test_a_validated_order_belongs_to_nobody_yet() -> None:
    line = Line(quantity=2, price=1500, amount=3000, data={"source_id": "mug", "related_object": "product"})
    state = OrderState(amount=3000, lines=(line,)).with_order_discount(300)
    assert render_validated_order(state) == {
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
        "customer_id": None,
        "referrer_id": None,
        "object": "order",
    }


def test_a_stored_order_names_its_customer_and_its_redemptions() -> None:
    customer = make_customer()
    order = Order.objects.create(
        project=customer.project,
        customer=customer,
        status="PAID",
        amount=3000,
        discount_amount=300,
        total_discount_amount=300,
        total_amount=2700,
        metadata={},
        redemptions={"r_1": {"date": AT}},
        created_at=NOW,
    )
    applied = OrderState(amount=3000).with_order_discount(300)
    plain = render_order(order)
    assert plain == {
        "id": order.public_id,
        "source_id": None,
        "created_at": AT,
        "updated_at": None,
        "status": "PAID",
        "amount": 3000,
        "discount_amount": 300,
        "total_discount_amount": 300,
        "total_amount": 2700,
        "metadata": {},
        "customer": {"id": customer.public_id, "object": "customer"},
        "customer_id": customer.public_id,
        "referrer_id": None,
        "object": "order",
        "redemptions": {"r_1": {"date": AT}},
    }
    assert render_order(order, applied) == plain | {
        "applied_discount_amount": 300,
        "total_applied_discount_amount": 300,
    }


def test_a_refused_attempt_of_an_unknown_code_is_its_own_related_object() -> None:
    voucher = make_voucher()
    row = Redemption.objects.create(
        project=voucher.project,
        public_id="rf_1",
        result="FAILURE",
        status="FAILED",
        code="NOPE",
        related_object_type="redemption",
        failure_code="not_found",
        failure_message="Resource not found",
        created_at=datetime(2026, 2, 3, 10, tzinfo=UTC),
    )
    assert render_redemption(row) == {
        "id": "rf_1",
        "object": "redemption",
        "date": AT,
        "customer_id": None,
        "tracking_id": None,
        "metadata": None,
        "result": "FAILURE",
        "status": "FAILED",
        "failure_code": "not_found",
        "failure_message": "Resource not found",
        "order": None,
        "customer": None,
        "related_object_type": "redemption",
        "related_object_id": "rf_1",
        "voucher": None,
    }


def test_a_gift_redemption_says_what_was_used_and_what_undid_it() -> None:
    voucher = make_voucher(gift_amount=5000, discount=None, redeemed_amount=700)
    common = {"project": voucher.project, "voucher": voucher, "result": "SUCCESS", "created_at": NOW}
    row = Redemption.objects.create(public_id="r_1", status="ROLLED_BACK", amount=700, **common)
    Redemption.objects.create(
        public_id="rr_1", kind="redemption_rollback", status="SUCCEEDED", amount=-700, rolls_back=row, **common
    )
    undone, undoing = (render_redemption(entry) for entry in Redemption.objects.all().for_wire().order_by("pk").all())
    assert (undone["amount"], undone["gift"], undone["status"]) == (700, {"amount": 700}, "ROLLED_BACK")
    assert undone["related_redemptions"] == {
        "rollbacks": [{"id": "rr_1", "date": AT, "rollback_order_mode": "WITH_ORDER"}]
    }
    assert (undoing["redemption"], undoing["gift"], undoing["reason"]) == ("r_1", {"amount": -700}, None)
    assert undone["voucher"]["gift"]["balance"] == 4300
    assert Voucher.objects.count() == 1
