from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from config.kernel import instants
from tests.factories import CampaignFactory, make_customer, make_shop, make_voucher
from vouchers.models import Voucher
from vouchers.rendering.held import held_id, key_of, status_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def nora(shop):
    return make_customer(project=shop.project, source_id="a/b@shop.example")


def redeemables(shop, customer, **query):
    return shop.server().get("/v1/customers/a%2Fb%40shop.example/redeemables", query)


def ids(response):
    return [item["redeemable"]["voucher"]["code"] for item in response.json()["data"]]


def test_what_is_held_is_listed_with_all_fields(shop, nora):
    campaign = CampaignFactory.create(project=shop.project, name="Spring")
    voucher = make_voucher(project=shop.project, code="TEN", holder=nora, campaign=campaign)
    make_voucher(project=shop.project, code="FREE")
    binned = make_voucher(project=shop.project, code="GONE", holder=nora)
    Voucher.objects.filter(pk=binned.pk).update(deleted_at=F("created_at"))
    response = redeemables(shop, nora)
    assert response.status_code == 200
    body = response.json()
    (item,) = body.pop("data")
    assert body == {"object": "list", "data_ref": "data", "total": 1, "has_more": False}
    redeemable = item.pop("redeemable")
    assert item == {
        "id": held_id(voucher.pk),
        "created_at": "2026-02-03T10:00:00.000Z",
        "redeemable_id": voucher.public_id,
        "redeemable_object": "voucher",
        "customer_id": nora.public_id,
        "holder_role": "OWNER",
        "campaign_id": campaign.public_id,
        "campaign_type": "DISCOUNT_COUPONS",
        "voucher_type": "DISCOUNT_VOUCHER",
    }
    assert (redeemable["type"], redeemable["status"]) == ("voucher", "ACTIVE")
    assert (redeemable["voucher"]["code"], redeemable["voucher"]["object"]) == ("TEN", "voucher")


def test_a_cursor_goes_through_all_in_both_directions(shop, nora):
    codes = [make_voucher(project=shop.project, holder=nora).code for _ in range(5)]
    for order, expected in (("id", codes), ("-id", codes[::-1])):
        seen, query = [], {"limit": 2, "order": order}
        while True:
            response = redeemables(shop, nora, **query)
            seen += ids(response)
            assert response.json()["total"] == 5
            if not response.json()["has_more"]:
                break
            query["starting_after_id"] = response.json()["more_starting_after"]
        assert seen == expected


def test_filters(shop, nora):
    project = shop.project
    spring = CampaignFactory.create(project=project, name="Spring")
    make_voucher(project=project, code="TEN", holder=nora, campaign=spring)
    gift = make_voucher(project=project, code="GIFT", holder=nora, gift_amount=100, discount=None)
    cases = {
        ("voucher_type", "$is", "GIFT_VOUCHER"): ["GIFT"],
        ("campaign_id", "$is", spring.public_id): ["TEN"],
        ("campaign_type", "$in", "DISCOUNT_COUPONS"): ["TEN"],
        ("redeemable_id", "$is", gift.public_id): ["GIFT"],
        ("id", "$is", held_id(gift.pk)): ["GIFT"],
        ("redeemable_object", "$is", "voucher"): ["GIFT", "TEN"],
        ("holder_role", "$is", "REFERRER"): [],
        ("created_at", "$after", "2026-02-04"): [],
        ("created_at", "$before", "2026-02-04"): ["GIFT", "TEN"],
    }
    for (field, operator, value), expected in cases.items():
        name = f"filters[{field}][conditions][{operator}][0]"
        assert ids(redeemables(shop, nora, **{name: value, "filters[junction]": "and"})) == expected, field


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"order": "code"},
        {"starting_after_id": "rh_x"},
        {"starting_after_id": "rh_ffffffffffffffffff"},
        {"filters[nothing][conditions][$is][0]": "x"},
    ],
)
def test_bad_queries_are_refused(shop, nora, query):
    response = redeemables(shop, nora, **query)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params")


def test_an_unknown_customer_is_404(shop):
    response = shop.server().get("/v1/customers/crm-404/redeemables")
    assert (response.status_code, response.json()["details"]) == (404, "Cannot find customer with id crm-404")


HOUR = timedelta(hours=1)
NOW = instants.parse_instant("2026-02-03T10:00:00Z")
GONE = {"expiration_date": NOW - HOUR}
LATER = {"start_date": NOW + HOUR}
USED = {"quantity": 1, "redeemed_quantity": 1}
EMPTY = {"type": Voucher.Type.GIFT, "gift_amount": 5, "redeemed_amount": 5}


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({}, "ACTIVE"),
        ({"expiration_date": NOW}, "ACTIVE"),
        ({"start_date": NOW}, "ACTIVE"),
        ({"quantity": 2, "redeemed_quantity": 1}, "ACTIVE"),
        (EMPTY, "NO_BALANCE"),
        (EMPTY | USED, "USED"),
        (EMPTY | USED | LATER, "NOT_ACTIVE_YET"),
        (EMPTY | USED | LATER | GONE, "EXPIRED"),
        (EMPTY | USED | LATER | GONE | {"active": False}, "DISABLED"),
    ],
)
def test_the_first_thing_in_the_way_is_the_status(terms, status):
    assert status_of(Voucher(**terms), NOW) == status


def test_ids_can_be_read_back():
    assert key_of(held_id(77)) == 77
    assert [key_of(text) for text in ("", "rh_", "77", "rh_00000000000000004g")] == [None] * 4
