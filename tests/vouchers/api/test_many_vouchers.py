from typing import Any

import pytest

from config.jobs.models import AsyncAction
from tests.factories import NOW, Shop, make_shop, make_voucher
from tests.jobs import finished
from vouchers.models import Category, Voucher, VoucherTransaction

pytestmark = pytest.mark.django_db
TEN = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}


@pytest.fixture
def shop(data_folder: object) -> Shop:
    return make_shop()


def run(response: Any) -> AsyncAction:
    assert response.status_code == 202, response.json()
    return finished(AsyncAction.objects.get(public_id=response.json()["async_action_id"]))


def test_given_codes_are_imported_and_what_cannot_be_is_said(shop: Shop) -> None:
    make_voucher(project=shop.project, code="TAKEN")
    make_voucher(project=shop.project, code="BINNED", deleted_at=NOW)
    category = Category.objects.create(project=shop.project, name="Shoes", created_at=NOW)
    body = [
        {
            **{**TEN, "code": "A", "redemption": {"quantity": 5}, "active": False, "metadata": {"a": 1}},
            **{"category": "Shoes", "start_date": "2026-01-01T05", "expiration_date": "2026-12-31", "unknown": 1},
            **{"validity_day_of_week": [1, 2], "additional_info": "x", "redeemed_quantity": 4},
        },
        {"code": "G", "type": "GIFT_VOUCHER", "gift": {"amount": 700}, "category": "Nobody's"},
        {**TEN, "code": "TAKEN"},
        {**TEN, "code": "A"},
        {**TEN, "code": "BINNED"},
        {"code": "NOTHING"},
        {"code": "BAD", "type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 101}},
        {"code": "CARD", "type": "LOYALTY_CARD", "loyalty_card": {"points": 5}},
    ]
    action = run(shop.server().post("/v1/vouchers/import", body))
    assert (action.type, action.status) == ("VOUCHERS.IMPORT", "DONE")
    assert action.result["message"] == "2 voucher(s) imported successfully, 6 failed."
    assert (action.result["done_count"], action.result["failed_count"]) == (2, 6)
    assert [list(entry) for entry in action.result["failed"]] == [["code", "reason"]] * 6
    assert {entry["code"]: entry["reason"] for entry in action.result["failed"]} == {
        "TAKEN": "Duplicated voucher exists with id TAKEN",
        "A": "Duplicated voucher exists with id A",
        "BINNED": "Duplicated voucher exists with id BINNED",
        "NOTHING": "gift or discount is missing",
        "BAD": "Property .discount.percent_off should be from 0 to 100",
        "CARD": "Property .type: 'LOYALTY_CARD' is not supported; loyalty cards require a campaign",
    }
    first = Voucher.objects.get(code="A")
    assert (first.quantity, first.redeemed_quantity, first.active, first.metadata) == (5, 0, False, {"a": 1})
    assert (first.category, first.category_tag, first.validity_day_of_week) == (category, "Shoes", [1, 2])
    gift = Voucher.objects.get(code="G")
    assert (gift.gift_amount, gift.category_tag) == (700, "Nobody's")
    assert [(line.type, line.amount, line.balance) for line in VoucherTransaction.objects.all()] == [
        ("CREDITS_ADDITION", 700, 700)
    ]


@pytest.mark.parametrize(
    ("body", "key", "details"),
    [
        ({}, "invalid_payload", "Payload should be array"),
        ([], "invalid_payload", "The payload cannot be empty"),
        ([5], "invalid_payload", "Property [0] should be object"),
        ([TEN, TEN, {**TEN, "code": "A"}], "invalid_voucher", "Found 2 voucher(s) without 'code' value"),
        ([{**TEN, "code": "A"}, {"code": 5}], "invalid_payload", "Property [1].code should be string"),
        ([{**TEN, "code": "A", "start_date": "soon"}], "invalid_payload", "Property [0].start_date cannot be"),
        ([{"code": "A", "gift": {"amount": 2**53}}], "invalid_payload", "Property [0].gift.amount cannot be higher"),
        ([{**TEN, "code": "x" * 10_000}], "invalid_payload", "Property [0].code should NOT be longer than 200"),
    ],
)
def test_an_import_that_cannot_be_read_queues_nothing(shop: Shop, body: Any, key: str, details: str) -> None:
    response = shop.server().post("/v1/vouchers/import", body)
    assert (response.status_code, response.json()["key"]) == (400, key), response.json()
    assert response.json()["details"].startswith(details)
    assert AsyncAction.objects.count() == 0


def test_metadata_of_many_is_merged_and_unknown_codes_are_not_made(shop: Shop) -> None:
    make_voucher(project=shop.project, code="A", metadata={"a": 1, "b": 1})
    second = make_voucher(project=shop.project, code="B")
    items = [
        {"code": "A", "metadata": {"b": 2}},
        {"code": second.public_id, "metadata": {"c": None}},
        {"code": "NOPE", "metadata": {"x": 1}},
        {"code": "A", "metadata": {"d": 3}},
    ]
    action = run(shop.server().post("/v1/vouchers/bulk/async", items))
    assert (action.type, action.result["done_count"], action.result["failed_count"]) == ("VOUCHERS.BULK_UPDATE", 3, 1)
    assert action.result["errors"] == [
        {
            **{"message": "Resource not found", "details": "Cannot find voucher with id NOPE", "key": "not_found"},
            "code": "NOPE",
        }
    ]
    assert action.result["results"][2] == {"code": "NOPE", "updated": False, "found": False}
    rows = {row.code: row.metadata for row in Voucher.objects.all()}
    assert rows == {"A": {"a": 1, "b": 2, "d": 3}, "B": {"c": None}}
    body = {"codes": ["A", "B", "NOPE"], "metadata": {"sale": True}}
    action = run(shop.server().post("/v1/vouchers/metadata/async", body))
    assert (action.type, action.result["done_count"]) == ("VOUCHERS.METADATA_UPDATE", 2)
    assert Voucher.objects.filter(metadata__sale=True).count() == 2


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("bulk/async", [{"code": "A"}], "invalid_payload"),
        ("bulk/async", [{"metadata": {}}], "invalid_payload"),
        ("bulk/async", {}, "invalid_payload"),
        ("metadata/async", {"codes": [], "metadata": {}}, "not_enough_codes"),
        ("metadata/async", {"codes": [5], "metadata": {}}, "invalid_payload"),
        ("metadata/async", {"codes": ["A"], "metadata": 5}, "invalid_payload"),
        ("enable", {}, "invalid_payload"),
        ("disable", {"vouchers": [7]}, "invalid_payload"),
    ],
)
def test_a_call_about_many_with_anything_wrong_is_refused(shop: Shop, path: str, body: Any, key: str) -> None:
    response = shop.server().post(f"/v1/vouchers/{path}", body)
    assert (response.status_code, response.json()["key"]) == (400, key), response.json()
    assert AsyncAction.objects.count() == 0


def test_older_clients_switch_many_at_once_or_none(shop: Shop) -> None:
    for code in ("A", "B"):
        make_voucher(project=shop.project, code=code)
    response = shop.server().post("/v1/vouchers/disable", {"vouchers": ["A", "B"]})
    assert (response.status_code, response.json()) == (200, {})
    assert Voucher.objects.filter(active=True).count() == 0
    assert shop.server().post("/v1/vouchers/enable", {"vouchers": ["A", "NOPE"]}).status_code == 404
    assert Voucher.objects.filter(active=True).count() == 0
    assert shop.server().post("/v1/vouchers/enable", {"vouchers": ["A"]}).status_code == 200
    assert Voucher.objects.filter(active=True).count() == 1
