"""What an anonymous visitor redeemed belongs, from the first write that names both, to the customer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from customers.models import Customer
from tests.factories import NOW, make_project, make_voucher
from tracking import tokens
from tracking.models import Order
from tracking.services import identities, recounts
from vouchers.errors import VoucherRefused
from vouchers.models import Redemption
from vouchers.payloads import parse_stackable
from vouchers.services import redemptions
from vouchers.services.redemptions import Redeemed

pytestmark = pytest.mark.django_db


def issue_token() -> str:
    identity = identities.resolve(
        project=make_project(), tracking_id=None, source_id=None, customer_id=None, cookie=None, at=NOW, anonymous=True
    )
    assert identity.token is not None and tokens.looks_like_one(identity.token)
    return identity.token


def redeem(code: str, *, cookie: str, hours: int, **body: object) -> Redeemed:
    request = parse_stackable({"redeemables": [{"object": "voucher", "id": code}], **body}, cookie=cookie)
    return redemptions.redeem(project=make_project(), request=request, at=NOW + timedelta(hours=hours))


def test_a_visitor_who_redeems_becomes_a_customer_who_is_upgraded_later() -> None:
    make_voucher(code="GIFT", gift_amount=5000)
    make_voucher(code="TEN")
    token = issue_token()
    early = redeem("GIFT", cookie=token, hours=1, order={"amount": 3000})
    assert early.customer is not None
    assert (early.customer.source_id, early.redemptions[0].token) == (token, token)
    redeem("TEN", cookie=token, hours=2, order={"amount": 1000}, customer={"source_id": "c-17", "name": "Ada"})
    customer = Customer.objects.get()
    assert (customer.pk, customer.source_id) == (early.customer.pk, "c-17")
    assert {order.customer for order in Order.objects.all()} == {customer}
    assert (customer.redemptions_succeeded, customer.gift_redeemed_amount, customer.gift_redemptions) == (2, 3000, 1)
    assert (customer.orders_total_count, customer.orders_total_amount, customer.orders_last_amount) == (2, 900, 900)
    assert list(recounts.differences(project=make_project(), at=NOW, fix=False)) == []


def test_refused_attempts_of_a_visitor_move_once() -> None:
    make_voucher(code="OFF", active=False)
    make_voucher(code="TEN")
    token = issue_token()
    with pytest.raises(VoucherRefused):
        redeem("OFF", cookie=token, hours=1)
    refused = Redemption.objects.get()
    assert (refused.customer, refused.token) == (None, token)
    for hours in (2, 3):
        redeem("TEN", cookie=token, hours=hours, customer={"source_id": "c-17"})
    customer = Customer.objects.get()
    assert {row.customer for row in Redemption.objects.all()} == {customer}
    assert (customer.redemptions_succeeded, customer.redemptions_failed) == (2, 1)
    assert list(recounts.differences(project=make_project(), at=NOW, fix=False)) == []
