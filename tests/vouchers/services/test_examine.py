"""Asking without consequences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW, make_customer, make_voucher
from tracking.models import Event, TrackingIdentity
from vouchers.payloads import parse_stackable
from vouchers.services import validations

pytestmark = pytest.mark.django_db


def request_of(customer, code="TEN"):
    body = {"redeemables": [{"object": "voucher", "id": code}], "order": {"amount": 5000}}
    return parse_stackable(body | {"customer": {"id": customer.public_id}})


def test_an_examination_answers_like_a_validation_and_keeps_nothing():
    customer = make_customer()
    voucher = make_voucher(code="TEN", project=customer.project)
    found = validations.examine(project=customer.project, request=request_of(customer), at=NOW)
    assert found.valid
    assert found.stack.order.total_amount == 4500
    assert found.identity.customer == customer
    assert not Event.objects.exists()
    assert not TrackingIdentity.objects.exists()
    voucher.refresh_from_db()
    assert (voucher.redeemed_quantity, voucher.updated_at) == (0, None)


def test_it_asks_about_any_moment():
    customer = make_customer()
    make_voucher(code="TEN", project=customer.project, expiration_date=NOW)
    later = NOW + timedelta(days=1)
    found = validations.examine(project=customer.project, request=request_of(customer), at=later)
    assert [refusal.key for refusal in found.stack.outcomes[0].refusals] == ["voucher_expired"]
