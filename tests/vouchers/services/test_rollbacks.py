"""Rollbacks: what they give back, what they refuse, and that a refusal changes nothing but its own record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum

from config.kernel.errors import DomainError, NotFound
from customers.models import Customer
from tests.factories import NOW, make_customer, make_project, make_voucher
from tests.vouchers.services.test_redemptions import AT, CART, redeem
from tracking.models import Event, Order
from tracking.services import recounts
from vouchers.errors import (
    InvalidCustomer,
    InvalidOrder,
    InvalidRedemption,
    InvalidRedemptionParent,
    VoucherRefused,
)
from vouchers.models import Redemption, Voucher, VoucherTransaction
from vouchers.payloads import RollbackRequest, parse_rollback
from vouchers.services import redemptions, rollbacks
from vouchers.services.rollbacks import RolledBack

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(hours=1)


def roll_back(redemption: Redemption, *, single: bool = False, at: Any = LATER, **body: Any) -> RolledBack:
    return rollbacks.roll_back(
        project=redemption.project, redemption=redemption, request=parse_rollback(body), at=at, single=single
    )


def refused(redemption: Redemption, **body: Any) -> DomainError:
    """The error, after making sure that nothing but the record of the refusal was written."""
    before = state()
    with pytest.raises(DomainError) as error:
        roll_back(redemption, **body)
    after = state()
    assert {name: value for name, value in after.items() if name != "rows"} == {
        name: value for name, value in before.items() if name != "rows"
    }
    assert after["rows"] == before["rows"] + 1
    return error.value


def state() -> dict[str, Any]:
    return {
        "rows": Redemption.objects.count(),
        "statuses": list(
            Redemption.objects.exclude(public_id__startswith="rrf_").order_by("pk").values_list("public_id", "status")
        ),
        "vouchers": list(Voucher.objects.order_by("pk").values("redeemed_quantity", "redeemed_amount", "updated_at")),
        "ledger": VoucherTransaction.objects.count(),
        "orders": list(Order.objects.order_by("pk").values()),
        "customers": list(
            Customer.objects.order_by("pk").values("redemptions_succeeded", "rollbacks_succeeded", "name")
        ),
    }


def test_a_rollback_gives_back_the_use_and_takes_the_discount_off_the_order() -> None:
    voucher = make_voucher(code="TEN", quantity=1)
    done = redeem("TEN", customer={"source_id": "c-17", "name": "Ada"}, order=CART)
    undone = roll_back(done.redemptions[0], reason="changed her mind", metadata={"till": 2})
    voucher.refresh_from_db()
    row, customer, order = undone.rollbacks[0], Customer.objects.get(), Order.objects.get()
    assert (voucher.redeemed_quantity, voucher.updated_at) == (0, LATER)
    assert (row.public_id[:3], row.kind, row.result, row.status, row.rolls_back, row.voucher) == (
        *("rr_", "redemption_rollback", "SUCCESS", "SUCCEEDED", done.redemptions[0], voucher),
    )
    assert (row.reason, row.metadata, row.customer, row.token, row.code) == (
        *("changed her mind", {"till": 2}, customer, done.redemptions[0].token, "TEN"),
    )
    assert (row.discount_amount, row.amount, row.channel_type, undone.parent) == (-300, None, "USER", None)
    former = Redemption.objects.get(public_id=done.redemptions[0].public_id)
    assert (former.status, former.result) == ("ROLLED_BACK", "SUCCESS")
    assert (order.status, order.amount, order.discount_amount, order.total_discount_amount) == (
        *("CANCELED", 3000, None, None),
    )
    assert (order.total_amount, order.updated_at) == (3000, LATER)
    assert order.items[0]["subtotal_amount"] == 3000
    entry = order.redemptions[former.public_id]
    assert (entry["rollback_id"], entry["rollback_date"]) == (row.public_id, "2026-02-04T11:00:00.000Z")
    assert entry["related_object_id"] == voucher.public_id
    assert (row.order_snapshot or {})["redemptions"] == order.redemptions
    assert (customer.redemptions_succeeded, customer.rollbacks_succeeded, customer.rollbacks_failed) == (1, 1, 0)
    assert (customer.orders_total_count, customer.orders_total_amount, customer.orders_last_at) == (0, 0, None)
    event = Event.objects.latest("pk")
    assert (event.type, event.customer_id) == ("customer.redemption.rollback.succeeded", customer.pk)
    assert event.data["redemption_rollback"]["id"] == row.public_id
    assert event.data["redemption"]["id"] == former.public_id
    assert list(recounts.differences(project=make_project(), at=LATER, fix=False)) == []


def test_what_was_rolled_back_can_be_redeemed_again() -> None:
    make_voucher(code="ONCE", quantity=1)
    done = redeem("ONCE")
    with pytest.raises(VoucherRefused):
        redeem("ONCE")
    roll_back(done.redemptions[0])
    assert redeem("ONCE").redemptions[0].status == "SUCCEEDED"


def test_credits_return_to_the_card_with_a_line_in_the_ledger() -> None:
    card = make_voucher(code="GIFT", gift_amount=5000)
    done = redeem("GIFT", customer={"source_id": "c-17"}, order={"amount": 4200})
    row = roll_back(done.redemptions[0]).rollbacks[0]
    card.refresh_from_db()
    spent, refund = VoucherTransaction.objects.order_by("pk")
    customer = Customer.objects.get()
    assert (card.gift_balance, card.redeemed_amount, card.redeemed_quantity) == (5000, 0, 0)
    assert (refund.type, refund.amount, refund.balance, refund.total) == ("CREDITS_REFUND", 4200, 5000, 5000)
    assert (refund.related_transaction, refund.redemption) == (spent, done.redemptions[0])
    assert refund.details["rollback"] == {"id": row.public_id}
    assert VoucherTransaction.objects.aggregate(paid=Sum("amount"))["paid"] == 0
    assert (row.amount, customer.gift_redeemed_amount, customer.gift_redemptions) == (-4200, 0, 1)
    assert list(recounts.differences(project=make_project(), at=LATER, fix=False)) == []


def test_a_stacked_redemption_is_rolled_back_as_a_whole() -> None:
    make_voucher(code="GIFT", gift_amount=500)
    make_voucher(code="TWENTY", discount={"type": "PERCENT", "percent_off": 20})
    done = redeem("GIFT", "TWENTY", order={"amount": 5000}, customer={"source_id": "c-17"})
    assert done.parent is not None
    undone = roll_back(done.parent)
    assert undone.parent is not None
    assert [(row.parent, row.rolls_back, row.amount) for row in undone.rollbacks] == [
        (undone.parent, done.redemptions[0], -500),
        (undone.parent, done.redemptions[1], None),
    ]
    assert (undone.parent.rolls_back, undone.parent.related_object_type) == (done.parent, "redemption")
    assert undone.parent.related_object_id == undone.parent.public_id
    assert set(Redemption.objects.filter(kind="redemption").values_list("status", flat=True)) == {"ROLLED_BACK"}
    order = Order.objects.get()
    assert (order.status, order.total_amount, order.discount_amount) == ("CANCELED", 5000, None)
    assert order.redemptions[done.parent.public_id]["rollback_stacked"] == [row.public_id for row in undone.rollbacks]
    assert order.redemptions[done.parent.public_id]["rollback_id"] == undone.parent.public_id
    assert {voucher.redeemed_quantity for voucher in Voucher.objects.all()} == {0}
    assert Customer.objects.get().rollbacks_succeeded == 2
    assert list(recounts.differences(project=make_project(), at=LATER, fix=False)) == []


def test_of_two_redemptions_of_one_order_only_the_discounts_of_the_one_go() -> None:
    make_voucher(code="TEN")
    make_voucher(code="GIFT", gift_amount=500)
    first = redeem("TEN", order={"source_id": "o-1", "amount": 5000})
    redeem("GIFT", order={"source_id": "o-1"})
    order = Order.objects.get()
    assert (order.discount_amount, order.total_amount) == (1000, 4000)
    roll_back(first.redemptions[0])
    order.refresh_from_db()
    assert (order.status, order.discount_amount, order.total_discount_amount, order.total_amount) == (
        *("PAID", 500, 500, 4500),
    )
    assert sum("rollback_id" in entry for entry in order.redemptions.values()) == 1


def test_without_order_the_order_keeps_its_status_and_discounts() -> None:
    project = make_project()
    project.stacking_rules = {"redeemables_rollback_order_mode": "WITHOUT_ORDER"}
    project.save(update_fields=["stacking_rules"])
    make_voucher(code="TEN")
    done = redeem("TEN", order={"amount": 5000}, customer={"source_id": "c-17"}, project=project)
    row = roll_back(done.redemptions[0]).rollbacks[0]
    order = Order.objects.get()
    assert (order.status, order.discount_amount, order.total_amount) == ("PAID", 500, 4500)
    assert order.redemptions[done.redemptions[0].public_id]["rollback_id"] == row.public_id
    assert row.rollback_order_mode == "WITHOUT_ORDER"
    assert Customer.objects.get().orders_total_amount == 4500


def test_a_voucher_that_was_deleted_meanwhile_is_no_obstacle() -> None:
    voucher = make_voucher(code="TEN")
    done = redeem("TEN")
    Voucher.objects.filter(pk=voucher.pk).update(deleted_at=NOW)
    roll_back(done.redemptions[0])
    assert Voucher.objects.get().redeemed_quantity == 0


def test_a_second_rollback_is_refused_and_kept() -> None:
    make_voucher(code="TEN")
    done = redeem("TEN", customer={"source_id": "c-17"}, order=CART)
    roll_back(done.redemptions[0])
    error = refused(done.redemptions[0], reason="again")
    assert (error.key, error.message, error.details) == (
        *("already_rolled_back", "Already rolled back", "Redemption has been already rolled back."),
    )
    row = Redemption.objects.latest("pk")
    assert (error.resource_id, error.resource_type) == (row.public_id, "redemption_rollback")
    assert row.public_id.startswith("rrf_")
    assert (row.kind, row.result, row.status, row.failure_code, row.rolls_back, row.reason) == (
        *("redemption_rollback", "FAILURE", "FAILED", "already_rolled_back", done.redemptions[0], "again"),
    )
    assert Customer.objects.get().rollbacks_failed == 1
    assert Event.objects.latest("pk").type == "customer.redemption.rollback.failed"
    assert list(recounts.differences(project=make_project(), at=LATER, fix=False)) == []


def test_a_child_cannot_be_rolled_back_alone_and_a_parent_not_as_a_single_one() -> None:
    make_voucher(code="A")
    make_voucher(code="B")
    done = redeem("A", "B", order={"amount": 5000})
    assert done.parent is not None
    assert isinstance(refused(done.redemptions[0], single=True), InvalidRedemptionParent)
    assert isinstance(refused(done.redemptions[1]), InvalidRedemptionParent)
    error = refused(done.parent, single=True)
    assert isinstance(error, InvalidRedemption)
    assert error.details == rollbacks.ONLY_SINGLE


def test_what_failed_or_is_a_rollback_itself_cannot_be_rolled_back() -> None:
    make_voucher(code="OFF", active=False)
    make_voucher(code="TEN")
    with pytest.raises(VoucherRefused):
        redeem("OFF")
    assert isinstance(refused(Redemption.objects.get()), InvalidRedemption)
    undone = roll_back(redeem("TEN").redemptions[0])
    assert isinstance(refused(undone.rollbacks[0]), InvalidRedemption)


def test_after_three_months_it_is_too_late() -> None:
    make_voucher(code="TEN")
    done = redeem("TEN")
    assert isinstance(refused(done.redemptions[0], at=AT + timedelta(days=95)), InvalidRedemption)
    roll_back(done.redemptions[0], at=AT + timedelta(days=80))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"order": {"id": "ord_other"}}, InvalidOrder),
        ({"order": {"source_id": "o-2"}}, InvalidOrder),
        ({"customer": {"source_id": "other"}}, InvalidCustomer),
        ({"customer": {"id": "cust_unknown"}}, NotFound),
        ({"customer": {"source_id": "unknown"}}, NotFound),
        ({"tracking_id": "other"}, InvalidCustomer),
        ({"tracking_id": "unknown"}, InvalidCustomer),
    ],
)
def test_an_order_or_customer_of_others_is_refused(body: dict[str, Any], error: type[DomainError]) -> None:
    make_customer(source_id="other")
    make_voucher(code="TEN")
    done = redeem("TEN", customer={"source_id": "c-17"}, order={"source_id": "o-1", "amount": 100})
    assert isinstance(refused(done.redemptions[0], **body), error)


def test_its_own_order_and_customer_are_welcome() -> None:
    make_voucher(code="TEN")
    done = redeem("TEN", customer={"source_id": "c-17"}, order={"source_id": "o-1", "amount": 100})
    row = done.redemptions[0]
    assert row.customer is not None and row.order is not None
    roll_back(
        row,
        order={"id": row.order.public_id, "source_id": "o-1"},
        customer={"id": row.customer.public_id, "source_id": "c-17"},
        tracking_id=row.token,
    )


def test_the_dashboard_rolls_back_with_a_reason_alone() -> None:
    make_voucher(code="TEN")
    done = redeem("TEN")
    row = rollbacks.roll_back(
        project=make_project(), redemption=done.redemptions[0], reason="by mistake", at=LATER
    ).rollbacks[0]
    assert (row.reason, row.channel_type) == ("by mistake", "USER")


def test_a_rollback_of_another_project_finds_nothing() -> None:
    make_voucher(code="TEN")
    done = redeem("TEN")
    with pytest.raises(NotFound):
        rollbacks.find(project=make_project("Other"), public_id=done.redemptions[0].public_id)
    with pytest.raises(NotFound):
        rollbacks.roll_back(
            project=make_project("Other"), redemption=done.redemptions[0], request=RollbackRequest(), at=LATER
        )
    assert redemptions.Redemption.objects.count() == 1
