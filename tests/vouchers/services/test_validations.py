"""Validations: what they answer, and that they change nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.kernel.errors import NotFound
from customers.models import Customer
from segments.models import Membership, Segment
from tests.factories import (
    NOW,
    CampaignFactory,
    ProductFactory,
    make_customer,
    make_project,
    make_rule,
    make_segment,
    make_voucher,
)
from tracking.models import Event, Order, TrackingIdentity
from vouchers.models import Redemption, Voucher
from vouchers.payloads import parse_query, parse_stackable
from vouchers.services import validations
from vouchers.services.channels import Channel
from vouchers.services.validations import Validation

pytestmark = pytest.mark.django_db
AT = NOW + timedelta(days=1)


def validate(*codes: str, anonymous: bool = False, cookie: str | None = None, **body: Any) -> Validation:
    redeemables = [{"object": "voucher", "id": code} for code in codes]
    request = parse_stackable({"redeemables": redeemables, **body}, anonymous=anonymous, cookie=cookie)
    return validations.validate(project=make_project(), request=request, at=AT, channel=Channel(request_id="v-1"))


def keys(validation: Validation) -> list[str]:
    return [refusal.key for outcome in validation.stack.outcomes for refusal in outcome.refusals]


def test_a_valid_code_without_a_customer_writes_nothing() -> None:
    voucher = make_voucher(code="TEN")
    found = validate("TEN", order={"amount": 48000})
    assert (found.valid, found.stack.order and found.stack.order.total_amount) == (True, 43200)
    assert found.voucher_of(found.stack.outcomes[0]) == voucher
    assert (found.identity.token, found.public_id[:6]) == (None, "valid_")
    assert (Event.objects.count(), TrackingIdentity.objects.count(), Redemption.objects.count()) == (0, 0, 0)


def test_a_known_customer_gets_an_activity_and_stays_as_it_is() -> None:
    make_voucher(code="TEN")
    customer = make_customer(source_id="c-17", name="Ada")
    found = validate("TEN", customer={"source_id": "c-17", "name": "Eve"})
    event = Event.objects.get()
    assert (event.type, event.customer_id, event.group_id) == ("customer.validation.succeeded", customer.pk, "v-1")
    assert event.data["validation"] == {
        "id": found.public_id,
        "session_id": None,
        "status": "VALID",
        "created_at": "2026-02-04T10:00:00.000Z",
        "customer_id": customer.public_id,
        "redeemables": [{"id": "TEN", "type": "voucher"}],
        "skipped_redeemables": [],
        "inapplicable_redeemables": [],
    }
    assert Customer.objects.get().name == "Ada"
    assert found.identity.token is not None


def test_a_visitor_keeps_the_token() -> None:
    make_voucher(code="TEN")
    first = validate("TEN", anonymous=True)
    token = first.identity.token
    assert token is not None
    assert validate("TEN", anonymous=True, cookie=token).identity.token == token
    assert [event.token for event in Event.objects.order_by("pk")] == [token, token]
    assert Customer.objects.count() == 0


def test_a_refused_code_tells_why_and_the_activity_says_failed() -> None:
    make_voucher(code="OFF", active=False)
    make_customer(source_id="c-17")
    found = validate("OFF", customer={"source_id": "c-17"})
    assert (found.valid, keys(found)) == (False, ["voucher_disabled"])
    event = Event.objects.get()
    assert event.type == "customer.validation.failed"
    assert event.data["validation"]["inapplicable_redeemables"] == [
        {"id": "OFF", "type": "voucher", "key": "voucher_disabled", "message": "voucher is disabled"}
    ]
    assert Redemption.objects.count() == 0


def test_an_unknown_code_is_inapplicable() -> None:
    assert keys(validate("NOBODY")) == ["not_found"]


def test_an_unknown_customer_id_is_no_error_here() -> None:
    make_voucher(code="TEN")
    assert validate("TEN", customer={"id": "cust_x"}).valid


def test_an_unknown_order_is_an_error() -> None:
    with pytest.raises(NotFound):
        validate("TEN", order={"id": "ord_x"})


def test_a_rule_of_the_campaign_counts_too() -> None:
    voucher = make_voucher(code="BIG")
    rule = make_rule(voucher, rules={"1": {"name": "order.amount", "conditions": {"$more_than": [5000]}}})
    found = validate("BIG", order={"amount": 5000})
    assert keys(found) == ["order_rules_violated"]
    refusal = found.stack.outcomes[0].refusals[0]
    assert (
        refusal.details == f"Discount Coupon cannot be redeemed because of violated validation rules: {rule.public_id}"
    )
    assert validate("BIG", order={"amount": 5001}).valid


@pytest.mark.parametrize(
    ("body", "keys_found"),
    [
        ({"customer": {"source_id": "in"}}, []),
        ({"tracking_id": "in"}, []),
        ({"customer": {"source_id": "out"}}, ["customer_rules_violated"]),
        ({"customer": {"source_id": "nobody stored"}}, ["customer_rules_violated"]),
        ({}, ["missing_customer"]),
    ],
)
def test_a_segment_rule(body: dict[str, Any], keys_found: list[str]) -> None:
    segment = make_segment(type=Segment.Type.STATIC, definition=None)
    make_customer(source_id="out")
    Membership.objects.create(segment=segment, customer=make_customer(source_id="in"), entered_at=NOW)
    voucher = make_voucher(code="VIP")
    make_rule(voucher, rules={"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}})
    assert keys(validate("VIP", **body)) == keys_found


def test_w35_prices_come_from_the_catalogue_and_the_sent_amount_wins() -> None:
    make_voucher(code="FIFTEEN", discount={"type": "PERCENT", "percent_off": 15})
    ProductFactory.create(project=make_project(), public_id="prod_b", price=4900)
    items = [{"product_id": "prod_a", "quantity": "2", "price": 10000}, {"product_id": "prod_b", "quantity": "1"}]
    order = validate("FIFTEEN", order={"amount": 20050, "items": items}).stack.order
    assert order is not None
    assert (order.amount, order.discount_amount, order.total_amount) == (20050, 3008, 17042)
    assert [(line.quantity, line.amount) for line in order.lines] == [(2, 20000), (1, 4900)]


def test_in_the_browsers_query_known_lines_beat_the_amount() -> None:
    make_voucher(code="TEN")
    pairs = [("code", "TEN"), ("amount", "1000"), ("item[0][product_id]", "p"), ("item[0][price]", "700")]
    found = validations.validate(
        project=make_project(), request=parse_query([*pairs, ("item[0][quantity]", "3")]), at=AT
    )
    assert found.stack.order is not None and found.stack.order.amount == 2100
    unknown = validations.validate(project=make_project(), request=parse_query(pairs[:3]), at=AT)
    assert unknown.stack.order is not None and unknown.stack.order.amount == 1000


def test_the_campaigns_window_holds_where_the_voucher_has_none() -> None:
    campaign = CampaignFactory.create(expiration_date=NOW)
    make_voucher(code="OLD", campaign=campaign)
    make_voucher(code="OWN", campaign=campaign, expiration_date=AT)
    assert keys(validate("OLD")) == ["voucher_expired"]
    assert validate("OWN").valid


def test_weekdays_are_those_of_the_projects_zone() -> None:
    make_voucher(code="WED", validity_day_of_week=[3])
    assert validate("WED").valid
    make_voucher(code="TUE", validity_day_of_week=[2])
    assert keys(validate("TUE")) == ["voucher_not_active_now"]


def test_a_validation_moves_no_voucher_and_no_order() -> None:
    make_voucher(code="ONCE", quantity=1)
    for _ in range(3):
        assert validate("ONCE", order={"amount": 5, "source_id": "shop-1"}).valid
    assert (Voucher.objects.get().redeemed_quantity, Order.objects.count()) == (0, 0)
