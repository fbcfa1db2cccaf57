"""Redemptions: what is written when they succeed, and what is left when they are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.kernel.errors import DomainError, NotFound
from config.project.models import Project
from customers.models import Customer
from segments.models import Membership, Segment
from tests.factories import NOW, CampaignFactory, make_customer, make_project, make_rule, make_segment, make_voucher
from tracking.models import Event, Order
from vouchers.errors import DuplicatedRedeemables, RedeemablesLimitExceeded, VoucherRefused
from vouchers.models import PromotionTier, Redemption, Voucher, VoucherTransaction
from vouchers.payloads import parse_stackable
from vouchers.services import redemptions, rollbacks
from vouchers.services.channels import Channel
from vouchers.services.redemptions import Redeemed

pytestmark = pytest.mark.django_db
AT = NOW + timedelta(days=1)
CART = {"items": [{"source_id": "mug", "related_object": "product", "quantity": "2", "price": 1500}]}


def redeem(*codes: Any, project: Project | None = None, **body: Any) -> Redeemed:
    redeemables = [code if isinstance(code, dict) else {"object": "voucher", "id": code} for code in codes]
    request = parse_stackable({"redeemables": redeemables, **body})
    channel = Channel(type="API", id="app-1", request_id="v-1", source={"channel": "API"})
    return redemptions.redeem(project=project or make_project(), request=request, at=AT, channel=channel)


def counts() -> dict[str, int]:
    models = (Redemption, Order, Customer, Event, VoucherTransaction)
    return {model.__name__: model.objects.count() for model in models}


def test_one_code_with_a_customer_and_an_order() -> None:
    voucher = make_voucher(code="TEN", quantity=3)
    done = redeem("TEN", customer={"source_id": "c-17", "name": "Ada"}, order=CART, metadata={"shop": "web"})
    voucher.refresh_from_db()
    row, customer, order = Redemption.objects.get(), Customer.objects.get(), Order.objects.get()
    assert (voucher.redeemed_quantity, voucher.updated_at) == (1, AT)
    assert (row.public_id[:2], row.result, row.status, row.voucher, row.code) == (
        *("r_", "SUCCESS", "SUCCEEDED", voucher, "TEN"),
    )
    assert (row.customer, row.order, row.order_amount, row.discount_amount) == (customer, order, 3000, 300)
    assert (row.metadata, row.channel_id, row.request_id, row.amount) == ({"shop": "web"}, "app-1", "v-1", None)
    assert (customer.source_id, customer.name, customer.redemptions_succeeded) == ("c-17", "Ada", 1)
    assert (customer.orders_total_amount, customer.orders_total_count, customer.orders_last_at) == (2700, 1, AT)
    assert (order.status, order.customer, order.amount, order.discount_amount) == ("PAID", customer, 3000, 300)
    assert (order.total_discount_amount, order.total_amount, order.metadata) == (300, 2700, {})
    assert order.items == [
        {
            "object": "order_item",
            "source_id": "mug",
            "related_object": "product",
            "quantity": 2,
            "amount": 3000,
            "price": 1500,
            "subtotal_amount": 3000,
        }
    ]
    assert order.redemptions == {
        row.public_id: {
            "date": "2026-02-04T10:00:00.000Z",
            "related_object_type": "voucher",
            "related_object_id": voucher.public_id,
        }
    }
    snapshot = row.order_snapshot or {}
    assert (snapshot["id"], snapshot["total_amount"], snapshot["applied_discount_amount"]) == (
        *(order.public_id, 2700, 300),
    )
    assert (done.redemptions, done.parent, done.order, done.customer) == ((row,), None, order, customer)
    assert done.identity.token == row.token
    created, *ordered, event = Event.objects.order_by("pk")
    assert (created.type, created.customer_id, created.group_id) == ("customer.created", customer.pk, "v-1")
    assert (event.type, event.customer_id, event.group_id) == ("customer.redemption.succeeded", customer.pk, "v-1")
    assert [row.type for row in ordered] == ["customer.order.created", "customer.order.paid"]
    assert event.data["voucher"]["redemption"]["redeemed_quantity"] == 1


def test_the_bare_minimum() -> None:
    make_voucher(code="TEN")
    done = redeem("TEN")
    assert (done.order, done.customer, done.identity.token) == (None, None, None)
    assert counts() == {"Redemption": 1, "Order": 0, "Customer": 0, "Event": 0, "VoucherTransaction": 0}


def test_the_last_use_is_the_last() -> None:
    make_voucher(code="ONCE", quantity=1)
    redeem("ONCE")
    with pytest.raises(VoucherRefused) as refused:
        redeem("ONCE")
    failed = Redemption.objects.get(result="FAILURE")
    assert (refused.value.key, refused.value.message) == ("quantity_exceeded", "quantity exceeded")
    assert (refused.value.details, refused.value.resource_id) == ("ONCE", failed.public_id)
    assert failed.public_id.startswith("rf_")
    assert failed.reasons == [
        {
            "key": "quantity_exceeded",
            "message": "quantity exceeded",
            "facts": {"quantity": 1, "redeemed_quantity": 1},
        }
    ]
    assert Voucher.objects.get().redeemed_quantity == 1


def test_a_refused_attempt_keeps_every_reason_and_changes_nothing_else() -> None:
    customer = make_customer(source_id="c-17", name="Ada")
    voucher = make_voucher(code="OFF", active=False, expiration_date=NOW, quantity=5)
    rule = make_rule(voucher, rules={"1": {"name": "order.amount", "conditions": {"$more_than": [5000]}}})
    with pytest.raises(VoucherRefused) as refused:
        redeem("OFF", customer={"source_id": "c-17", "name": "Eve"}, order=CART)
    assert refused.value.key == "voucher_disabled"
    row = Redemption.objects.get()
    assert (row.result, row.status, row.failure_code) == ("FAILURE", "FAILED", "voucher_disabled")
    assert (row.voucher, row.customer, row.order, row.order_snapshot) == (voucher, customer, None, None)
    assert row.order_amount == 3000
    assert [reason["key"] for reason in row.reasons] == ["voucher_disabled", "voucher_expired", "order_rules_violated"]
    assert row.reasons[2]["facts"] == {
        "rule_id": rule.public_id,
        "rule": 1,
        "name": "order.amount",
        "conditions": {"$more_than": [5000]},
        "found": 3000,
    }
    voucher.refresh_from_db()
    customer.refresh_from_db()
    assert (voucher.redeemed_quantity, customer.name) == (0, "Ada")
    assert (customer.redemptions_failed, customer.redemptions_succeeded) == (1, 0)
    assert counts() == {"Redemption": 1, "Order": 0, "Customer": 1, "Event": 1, "VoucherTransaction": 0}
    assert Event.objects.get().type == "customer.redemption.failed"


def test_a_refused_attempt_makes_no_customer() -> None:
    make_voucher(code="OFF", active=False)
    with pytest.raises(VoucherRefused):
        redeem("OFF", customer={"source_id": "new", "name": "New"})
    assert (Customer.objects.count(), Redemption.objects.get().customer) == (0, None)
    assert Redemption.objects.get().token != ""


def test_an_unknown_code_is_a_404_and_keeps_its_attempt() -> None:
    with pytest.raises(NotFound) as refused:
        redeem("NOBODY", customer={"source_id": "c-17"}, order=CART)
    assert (refused.value.resource_type, refused.value.resource_id) == ("voucher", "NOBODY")
    assert refused.value.details == "Cannot find voucher with id NOBODY"
    row = Redemption.objects.get()
    assert (row.code, row.voucher, row.failure_code, row.failure_message) == (
        *("NOBODY", None, "not_found", "Resource not found"),
    )
    assert (row.related_object_type, row.related_object_id) == ("redemption", row.public_id)


def test_a_voucher_of_another_project_is_unknown() -> None:
    make_voucher(code="TEN", project=make_project("Other"))
    with pytest.raises(NotFound):
        redeem("TEN")


def test_a_code_is_found_by_its_id() -> None:
    voucher = make_voucher(code="TEN")
    assert redeem(voucher.public_id).redemptions[0].voucher == voucher


def test_a_gift_card_pays_and_keeps_its_ledger() -> None:
    card = make_voucher(code="GIFT", gift_amount=5000)
    done = redeem("GIFT", customer={"source_id": "c-17"}, order={"amount": 4200})
    card.refresh_from_db()
    line, customer = VoucherTransaction.objects.get(), Customer.objects.get()
    assert (card.gift_balance, card.redeemed_amount, card.redeemed_quantity) == (800, 4200, 1)
    assert (line.type, line.amount, line.balance, line.total) == ("CREDITS_REDEMPTION", -4200, 800, 5000)
    assert (line.redemption, line.order) == (done.redemptions[0], done.order)
    assert (done.redemptions[0].amount, done.order and done.order.total_amount) == (4200, 0)
    assert (customer.gift_redeemed_amount, customer.gift_redemptions) == (4200, 1)
    assert customer.orders_total_amount == 0


def test_more_credits_than_there_are_is_refused() -> None:
    make_voucher(code="GIFT", gift_amount=5000)
    with pytest.raises(VoucherRefused) as refused:
        redeem({"object": "voucher", "id": "GIFT", "gift": {"credits": 5001}}, order={"amount": 9000})
    assert refused.value.key == "gift_amount_exceeded"
    assert (Voucher.objects.get().redeemed_amount, VoucherTransaction.objects.count()) == (0, 0)


def test_two_codes_have_a_parent() -> None:
    make_voucher(code="GIFT", gift_amount=500)
    make_voucher(code="TWENTY", discount={"type": "PERCENT", "percent_off": 20})
    done = redeem("GIFT", "TWENTY", order={"amount": 5000})
    parent, children = done.parent, done.redemptions
    assert parent is not None and done.order is not None
    assert [(child.code, child.parent, child.discount_amount, child.amount) for child in children] == [
        ("GIFT", parent, 500, 500),
        ("TWENTY", parent, 900, None),
    ]
    first, second = [child.order_snapshot or {} for child in children]
    assert (first["discount_amount"], first["applied_discount_amount"], first["total_amount"]) == (500, 500, 4500)
    assert (second["discount_amount"], second["applied_discount_amount"], second["total_amount"]) == (1400, 900, 3600)
    whole = parent.order_snapshot or {}
    assert (whole["applied_discount_amount"], whole["total_amount"]) == (1400, 3600)
    assert (parent.discount_amount, parent.related_object_type, parent.voucher) == (1400, "redemption", None)
    stacked = [child.public_id for child in children]
    assert done.order.redemptions[parent.public_id]["stacked"] == stacked
    assert Redemption.objects.count() == 3


def test_all_or_none() -> None:
    make_voucher(code="GOOD", quantity=1)
    make_voucher(code="OFF", active=False)
    with pytest.raises(VoucherRefused) as refused:
        redeem("GOOD", "OFF", order={"amount": 5000})
    assert refused.value.details == "OFF"
    row = Redemption.objects.get()
    assert (row.code, Voucher.objects.get(code="GOOD").redeemed_quantity) == ("OFF", 0)


def test_a_segment_decides_with_the_data_of_this_very_request() -> None:
    project = make_project()
    segment = make_segment(project=project, type=Segment.Type.STATIC, definition=None)
    member = make_customer(project=project, source_id="in")
    Membership.objects.create(segment=segment, customer=member, entered_at=NOW)
    voucher = make_voucher(code="VIP", project=project)
    make_rule(voucher, rules={"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}})
    assert redeem("VIP", customer={"source_id": "in"}).customer == member
    with pytest.raises(VoucherRefused) as refused:
        redeem("VIP", customer={"source_id": "out"})
    assert (refused.value.key, refused.value.message) == (
        *("customer_rules_violated", "customer does not match segment rules"),
    )
    with pytest.raises(VoucherRefused) as refused:
        redeem("VIP")
    assert (refused.value.key, refused.value.details) == ("missing_customer", "Customer is required to validate rules")


def test_a_stored_order_goes_on_from_where_it_was() -> None:
    make_voucher(code="A", discount={"type": "AMOUNT", "amount_off": 9200})
    make_voucher(code="B", discount={"type": "AMOUNT", "amount_off": 1000})
    customer = {"source_id": "c-17"}
    first = redeem("A", order={"source_id": "shop-1", "amount": 10000}, customer=customer)
    assert first.order is not None
    second = redeem("B", order={"id": first.order.public_id}, customer=customer)
    assert second.order is not None and second.state is not None
    assert (second.order.pk, second.order.discount_amount, second.order.total_amount) == (first.order.pk, 10000, 0)
    assert second.state.applied_discount_amount == 800
    assert set(second.order.redemptions) == {first.redemptions[0].public_id, second.redemptions[0].public_id}
    stored = Customer.objects.get()
    assert (stored.orders_total_count, stored.orders_total_amount, stored.redemptions_succeeded) == (1, 0, 2)


def test_a_stored_order_found_by_its_source_id_ignores_what_was_sent() -> None:
    make_voucher(code="TEN")
    redeem("TEN", order={"source_id": "shop-1", "amount": 10000})
    again = redeem("TEN", order={"source_id": "shop-1", "amount": 5})
    assert again.order is not None
    assert (again.order.amount, again.order.discount_amount) == (10000, 1900)


def test_a_client_call_leaves_a_stored_customer_alone_where_the_project_says_so() -> None:
    make_voucher(code="TEN")
    make_customer(source_id="c-17", name="Ada")
    request = parse_stackable(
        {"redeemables": [{"object": "voucher", "id": "TEN"}], "customer": {"source_id": "c-17", "name": "Eve"}}
    )
    redemptions.redeem(project=make_project(), request=request, at=AT, protect_customer=True)
    customer = Customer.objects.get()
    assert (customer.name, customer.redemptions_succeeded) == ("Ada", 1)


@pytest.mark.parametrize(
    ("body", "error", "details"),
    [
        ({"customer": {"id": "cust_x"}}, NotFound, "Cannot find customer with id cust_x"),
        ({"order": {"id": "ord_x"}}, NotFound, "Cannot find order with id ord_x"),
    ],
)
def test_what_the_request_names_must_exist(body: dict[str, Any], error: type[DomainError], details: str) -> None:
    make_voucher(code="TEN")
    with pytest.raises(error) as refused:
        redeem("TEN", **body)
    assert refused.value.details == details
    assert (Redemption.objects.count(), Voucher.objects.get().redeemed_quantity) == (0, 0)


def test_two_names_of_one_voucher_are_one_voucher() -> None:
    voucher = make_voucher(code="TEN")
    with pytest.raises(DuplicatedRedeemables):
        redeem("TEN", voucher.public_id)
    assert Redemption.objects.count() == 0


def test_a_project_may_allow_fewer_redeemables() -> None:
    project = make_project(stacking_rules={"redeemables_limit": 1, "applicable_redeemables_limit": 1})
    with pytest.raises(RedeemablesLimitExceeded):
        redeem("A", "B", project=project)


def test_redeeming_takes_four_statements_and_the_transaction(django_assert_num_queries: Any) -> None:
    make_voucher(code="TEN")
    project, body = make_project(), {"customer": {"source_id": "c-17"}, "order": {"amount": 1000}}
    redeem("TEN", project=project, **body)
    with django_assert_num_queries(5):  # who is it; savepoint; lock and read; write; release
        redeem("TEN", project=project, **body)


def make_tier(name: str = "Three off", **fields: Any) -> PromotionTier:
    campaign = CampaignFactory.create(campaign_type="PROMOTION")
    discount = {"type": "AMOUNT", "amount_off": 300, "effect": "APPLY_TO_ORDER"}
    return PromotionTier.objects.create(
        project=campaign.project, campaign=campaign, name=name, action={"discount": discount}, created_at=NOW, **fields
    )


def test_a_promotion_tier_is_redeemed_and_counted() -> None:
    tier = make_tier()
    done = redeem({"object": "promotion_tier", "id": tier.public_id}, order={"amount": 5000})
    tier.refresh_from_db()
    row, order = Redemption.objects.get(), Order.objects.get()
    assert (row.promotion_tier, row.voucher, row.campaign, row.code) == (tier, None, tier.campaign, "")
    assert (row.related_object_type, row.related_object_id) == ("promotion_tier", tier.public_id)
    assert (tier.redeemed_quantity, tier.orders_amount, tier.orders_discount_amount) == (1, 5000, 300)
    assert (done.tiers, done.vouchers, order.total_amount) == ({tier.public_id: tier}, {}, 4700)
    assert order.redemptions[row.public_id] == {
        "date": "2026-02-04T10:00:00.000Z",
        "related_object_type": "promotion_tier",
        "related_object_id": tier.public_id,
        "related_object_parent_id": tier.campaign.public_id,
    }
    rollbacks.roll_back(project=make_project(), redemption=row, at=AT)
    tier.refresh_from_db()
    assert (tier.redeemed_quantity, tier.orders_amount, tier.orders_discount_amount) == (0, 0, 0)
    undone = Redemption.objects.get(kind="redemption_rollback")
    assert (undone.promotion_tier, undone.related_object_id) == (tier, tier.public_id)


def test_a_tier_that_is_off_is_refused_and_kept() -> None:
    tier = make_tier(active=False)
    with pytest.raises(VoucherRefused) as refused:
        redeem({"object": "promotion_tier", "id": tier.public_id}, order={"amount": 5000})
    row = Redemption.objects.get()
    assert (refused.value.key, row.failure_code) == ("promotion_inactive", "promotion_inactive")
    assert (row.promotion_tier, row.related_object_type, row.related_object_id) == (
        *(tier, "promotion_tier", tier.public_id),
    )


def test_an_unknown_tier_is_a_404_and_kept() -> None:
    with pytest.raises(NotFound) as refused:
        redeem({"object": "promotion_tier", "id": "promo_unknown"}, order={"amount": 5000})
    assert refused.value.resource_type == "promotion_tier"
    row = Redemption.objects.get()
    assert (row.related_object_type, row.related_object_id) == ("redemption", row.public_id)


def partial() -> Project:
    project = make_project()
    project.stacking_rules = {"redeemables_application_mode": "PARTIAL"}
    project.save(update_fields=["stacking_rules"])
    return project


def test_in_partial_mode_what_applies_is_redeemed_and_nothing_is_kept_of_the_rest() -> None:
    partial()
    make_voucher(code="TEN")
    make_voucher(code="OFF", active=False)
    done = redeem("OFF", "TEN", order={"amount": 1000})
    assert [row.code for row in done.redemptions] == ["TEN"]
    assert done.parent is None
    assert [outcome.candidate.id for outcome in done.stack.of("INAPPLICABLE")] == ["OFF"]
    assert list(Redemption.objects.values_list("result", flat=True)) == ["SUCCESS"]


def test_in_partial_mode_several_without_one_that_applies_are_one_refusal() -> None:
    partial()
    customer = make_customer(source_id="c-17")
    make_voucher(code="OFF", active=False)
    with pytest.raises(VoucherRefused) as refused:
        redeem("OFF", "NOBODY", customer={"source_id": "c-17"})
    row = Redemption.objects.get()
    assert (refused.value.key, refused.value.message, refused.value.resource_id) == (
        *("no_applicable_redeemables", "No applicable redeemables", row.public_id),
    )
    assert [reason["key"] for reason in row.reasons] == [
        *("no_applicable_redeemables", "voucher_disabled", "not_found"),
    ]
    assert (row.failure_code, row.related_object_type, row.related_object_id) == (
        *("no_applicable_redeemables", "redemption", row.public_id),
    )
    customer.refresh_from_db()
    assert customer.redemptions_failed == 1


def test_in_partial_mode_a_single_redeemable_has_its_own_reason() -> None:
    partial()
    make_voucher(code="OFF", active=False)
    with pytest.raises(VoucherRefused) as refused:
        redeem("OFF")
    assert refused.value.key == "voucher_disabled"


def test_in_all_mode_each_inapplicable_redeemable_leaves_its_own_row() -> None:
    make_voucher(code="TEN")
    make_voucher(code="OFF", active=False)
    with pytest.raises(VoucherRefused) as refused:
        redeem("TEN", "OFF", order={"amount": 1000})
    assert (refused.value.key, refused.value.details) == ("voucher_disabled", "OFF")
    assert list(Redemption.objects.values_list("code", "failure_code")) == [("OFF", "voucher_disabled")]
    assert Order.objects.count() == 0
