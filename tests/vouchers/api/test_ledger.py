from typing import Any

import pytest

from customers.models import Customer
from tests.factories import NOW, CampaignFactory, Shop, make_customer, make_shop, make_voucher
from tests.jobs import run_queued
from tracking.models import Event
from vouchers.models import SessionLock, Voucher, VoucherTransaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def gift_of(shop: Shop, amount: int = 5000, code: str = "GIFT", **fields: Any) -> Voucher:
    return make_voucher(project=shop.project, code=code, gift_amount=amount, discount=None, **fields)


def change(shop: Shop, amount: Any, code: str = "GIFT", **more: Any) -> Any:
    return shop.server().post(f"/v1/vouchers/{code}/balance", {"amount": amount, **more})


def test_credits_are_added_and_taken_and_both_stand_in_the_ledger(shop: Shop) -> None:
    gift = gift_of(shop)
    added = change(shop, 1000, source_id="till-1", reason="Sorry")
    assert added.status_code == 200, added.json()
    assert added.json() == {
        **{"amount": 1000, "total": 6000, "balance": 6000, "type": "gift_voucher", "operation_type": "MANUAL"},
        **{"object": "balance", "related_object": {"type": "voucher", "id": gift.public_id}},
    }
    taken = change(shop, "-500", code=gift.public_id).json()
    assert (taken["amount"], taken["total"], taken["balance"]) == (-500, 5500, 5500)
    wire = shop.server().get("/v1/vouchers/GIFT").json()
    assert wire["gift"] == {"amount": 6000, "balance": 5500, "subtracted_amount": 500, "effect": None}
    page = shop.server().get("/v1/vouchers/GIFT/transactions").json()
    assert (page["object"], page["data_ref"], page["has_more"]) == ("list", "data", False)
    assert "total" not in page
    assert [(row["type"], row["source"], row["reason"], row["source_id"]) for row in page["data"]] == [
        ("CREDITS_REMOVAL", "API", None, None),
        ("CREDITS_ADDITION", "API", "Sorry", "till-1"),
    ]
    line = page["data"][1]
    assert line["details"]["balance"] == {
        **{"type": "gift_voucher", "total": 6000, "object": "balance", "amount": 1000, "balance": 6000},
        **{"operation_type": "MANUAL", "related_object": {"id": gift.public_id, "type": "voucher"}},
    }
    assert (line["voucher_id"], line["campaign_id"], line["related_transaction_id"]) == (gift.public_id, None, None)


def test_the_channel_of_the_request_is_the_source(shop: Shop) -> None:
    gift_of(shop)
    shop.server().post("/v1/vouchers/GIFT/balance", {"amount": 1}, HTTP_X_VOUCHERIFY_CHANNEL="Node.js-SDK")
    assert VoucherTransaction.objects.get().source == "Node.js-SDK"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({}, "invalid_add_balance_params"),
        ({"amount": 0}, "invalid_add_balance_params"),
        ({"amount": None}, "invalid_add_balance_params"),
        ({"amount": "x"}, "invalid_add_balance_params"),
        ({"amount": 1.5}, "invalid_add_balance_params"),
        ({"amount": True}, "invalid_add_balance_params"),
        ({"amount": 2**53}, "invalid_add_balance_params"),
        ({"amount": -(2**53)}, "invalid_add_balance_params"),
        ({"amount": 2**53 - 1}, "invalid_add_balance_params"),
        ({"amount": -5001}, "gift_amount_exceeded"),
        ({"amount": 1, "reason": 5}, "invalid_payload"),
        ({"amount": 1, "source_id": "x" * 10_000}, "invalid_payload"),
        ([], "invalid_payload"),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(shop: Shop, body: Any, key: str) -> None:
    gift = gift_of(shop)
    response = shop.server().post("/v1/vouchers/GIFT/balance", body)
    assert (response.status_code, response.json()["key"]) == (400, key), response.json()
    gift.refresh_from_db()
    assert (gift.gift_amount, gift.gift_subtracted_amount, gift.updated_at) == (5000, 0, None)
    assert VoucherTransaction.objects.count() == 0


def test_only_gift_cards_have_a_balance(shop: Shop) -> None:
    make_voucher(project=shop.project, code="TEN")
    assert change(shop, 5, code="TEN").json()["key"] == "invalid_add_balance_params"
    assert change(shop, 5, code="NOPE").status_code == 404
    assert shop.server().get("/v1/vouchers/TEN/transactions").json()["data"] == []
    assert shop.server().get("/v1/vouchers/NOPE/transactions").status_code == 404


def test_a_repeated_key_changes_the_balance_once(shop: Shop) -> None:
    gift = gift_of(shop)
    keyed = {"HTTP_IDEMPOTENCY_KEY": "abc"}
    answers = [shop.server().post("/v1/vouchers/GIFT/balance", {"amount": 7}, **keyed) for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    gift.refresh_from_db()
    assert gift.gift_amount == 5007


def test_the_ledger_is_read_in_pages_by_cursor(shop: Shop) -> None:
    gift_of(shop, campaign=CampaignFactory.create(project=shop.project))
    for amount in (1, 2, 3, 4):
        change(shop, amount)

    def page(query: str) -> dict[str, Any]:
        return shop.server().get(f"/v1/vouchers/GIFT/transactions?{query}").json()

    first = page("limit=3")
    assert [row["details"]["balance"]["amount"] for row in first["data"]] == [4, 3, 2]
    assert (first["has_more"], first["more_starting_after"]) == (True, first["data"][-1]["id"])
    rest = page(f"limit=3&starting_after_id={first['more_starting_after']}")
    assert [row["details"]["balance"]["amount"] for row in rest["data"]] == [1]
    assert (rest["has_more"], "more_starting_after" in rest) == (False, False)
    upwards = page("order=id&limit=2")
    assert [row["details"]["balance"]["amount"] for row in upwards["data"]] == [1, 2]
    for bad in ("order=amount", "limit=0", "starting_after_id=vtx_nope", "limit=101"):
        assert page(bad)["key"] == "invalid_query_params", bad


def test_the_ledger_is_exported(shop: Shop, data_folder: object) -> None:
    gift_of(shop)
    gift_of(shop, code="OTHER")
    change(shop, 11)
    change(shop, 22, code="OTHER")
    wire = shop.server().post("/v1/vouchers/GIFT/transactions/export", {"parameters": {}}).json()
    assert (wire["exported_object"], wire["status"]) == ("voucher_transactions", "SCHEDULED")
    assert wire["parameters"] == {"filters": {"voucher_id": {"conditions": {"$in": ["GIFT"]}}}}
    run_queued()
    url = shop.server().get(f"/v1/exports/{wire['id']}").json()["result"]["url"]
    lines = b"".join(shop.server().get(url).streaming_content).decode().splitlines()
    assert lines[0] == "ID,Type,Source ID,Reason,Source,Balance,Amount,Created At"
    assert [line.split(",")[5:7] for line in lines[1:]] == [["5011", "11"]]
    body = {
        "parameters": {
            **{"order": "-created_at", "fields": ["amount", "details"]},
            "filters": {"junction": "or", "created_at": {"conditions": {"$after": ["2020-01-01"]}}},
        }
    }
    asked = shop.server().post("/v1/vouchers/GIFT/transactions/export", body).json()
    run_queued()
    url = shop.server().get(f"/v1/exports/{asked['id']}").json()["result"]["url"]
    assert len(b"".join(shop.server().get(url).streaming_content).decode().splitlines()) == 2
    assert shop.server().post("/v1/vouchers/NOPE/transactions/export", {}).status_code == 404
    bad = {"parameters": {"fields": ["moon"]}}
    assert shop.server().post("/v1/vouchers/GIFT/transactions/export", bad).json()["key"] == "invalid_export_fields"
    assert (
        shop.server().post("/v1/vouchers/GIFT/transactions/export", {"parameters": {"filters": 5}}).status_code == 400
    )


def test_the_holder_finds_added_credits_on_the_timeline(shop: Shop) -> None:
    holder: Customer = make_customer(project=shop.project, source_id="crm-1")
    gift_of(shop, holder=holder)
    change(shop, 100)
    change(shop, -50)
    event = Event.objects.get(type="customer.voucher.gift.balance_added")
    assert event.customer_id == holder.pk
    assert set(event.data) == {"customer", "campaign", "voucher", "balance", "transaction"}
    assert (event.data["balance"]["balance"], event.category) == (5100, "EFFECT")


def test_a_session_is_released_for_this_voucher_only(shop: Shop) -> None:
    one, two = gift_of(shop), gift_of(shop, code="TWO/2")
    for voucher in (one, two):
        SessionLock.objects.create(
            project=shop.project, voucher=voucher, key="ssn/1", created_at=NOW, expires_at="2999-01-01T00:00:00Z"
        )
    missing = shop.server().delete("/v1/vouchers/GIFT/sessions/ssn_nope")
    assert (missing.status_code, missing.json()["details"]) == (404, "Cannot find session with id ssn_nope")
    assert missing.json()["resource_type"] == "session"
    assert shop.server().delete("/v1/vouchers/NOPE/sessions/ssn%2F1").json()["resource_type"] == "voucher"
    assert shop.server().delete("/v1/vouchers/TWO%2F2/sessions/ssn%2F1").status_code == 204
    assert [lock.voucher for lock in SessionLock.objects.all()] == [one]
    SessionLock.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert shop.server().delete("/v1/vouchers/GIFT/sessions/ssn%2F1").status_code == 404
