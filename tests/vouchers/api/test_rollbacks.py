"""Rollbacks over HTTP: the two calls, their answers, and what is refused before anybody looks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Shop, make_shop, make_voucher
from vouchers.models import Redemption

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def redeemed(shop: Shop, *codes: str, **body: Any) -> dict[str, Any]:
    redeemables = [{"object": "voucher", "id": code} for code in codes]
    answer = shop.server().post("/v1/redemptions", {"redeemables": redeemables, **body})
    assert answer.status_code == 200, answer.json()
    wire: dict[str, Any] = answer.json()
    return wire


def test_one_redemption_is_rolled_back_and_answered_as_in_the_contract(shop: Shop) -> None:
    gift = make_voucher(project=shop.project, code="GIFT", gift_amount=5000)
    done = redeemed(shop, "GIFT", customer={"source_id": "c-17"}, order={"amount": 4200})["redemptions"][0]
    answer = shop.server().post(f"/v1/redemptions/{done['id']}/rollback?reason=wrong", {"metadata": {"till": 1}})
    assert answer.status_code == 200, answer.json()
    wire = answer.json()
    order = wire.pop("order")
    voucher = wire.pop("voucher")
    assert wire == {
        "id": wire["id"],
        "object": "redemption_rollback",
        "date": wire["date"],
        "customer_id": done["customer_id"],
        "tracking_id": done["tracking_id"],
        "metadata": {"till": 1},
        "amount": -4200,
        "redemption": done["id"],
        "reason": "wrong",
        "result": "SUCCESS",
        "status": "SUCCEEDED",
        "channel": {"channel_id": shop.secrets["app_id"], "channel_type": "API"},
        "customer": done["customer"],
        "related_object_type": "voucher",
        "related_object_id": gift.public_id,
        "gift": {"amount": -4200},
    }
    assert wire["id"].startswith("rr_")
    assert voucher["gift"] == {"amount": 5000, "balance": 5000, "effect": None}
    assert (order["status"], order["total_amount"], "discount_amount" in order) == ("CANCELED", 4200, False)
    entry = shop.server().get(f"/v1/redemptions/{done['id']}").json()
    assert (entry["status"], entry["result"]) == ("ROLLED_BACK", "SUCCESS")
    assert entry["related_redemptions"] == {
        "rollbacks": [{"id": wire["id"], "date": wire["date"], "rollback_order_mode": "WITH_ORDER"}]
    }
    listed = shop.server().get("/v1/redemptions").json()["redemptions"]
    assert [row["id"] for row in listed] == [wire["id"], done["id"]]
    assert shop.server().get(f"/v1/redemptions/{wire['id']}").json()["reason"] == "wrong"
    summary = shop.server().get("/v1/customers/c-17").json()["summary"]["redemptions"]
    assert (summary["total_succeeded"], summary["total_rolled_back"], summary["gift"]["redeemed_amount"]) == (1, 1, 0)


def test_a_stack_is_rolled_back_by_its_parent(shop: Shop) -> None:
    for code in ("A", "B"):
        make_voucher(project=shop.project, code=code)
    done = redeemed(shop, "A", "B", order={"amount": 5000})
    parent = done["parent_redemption"]["id"]
    answer = shop.server().post(f"/v1/redemptions/{parent}/rollbacks", {"reason": "all"})
    assert answer.status_code == 200, answer.json()
    wire = answer.json()
    assert [row["redemption"] for row in wire["rollbacks"]] == [row["id"] for row in done["redemptions"]]
    assert wire["parent_rollback"]["redemption"] == parent
    assert wire["parent_rollback"]["related_object_type"] == "redemption"
    assert wire["order"]["status"] == "CANCELED"
    assert wire["order"]["redemptions"][parent]["rollback_stacked"] == [row["id"] for row in wire["rollbacks"]]


def test_a_single_redemption_has_no_parent_rollback(shop: Shop) -> None:
    make_voucher(project=shop.project, code="A")
    done = redeemed(shop, "A")
    wire = shop.server().post(f"/v1/redemptions/{done['redemptions'][0]['id']}/rollbacks").json()
    assert (len(wire["rollbacks"]), "parent_rollback" in wire, "order" in wire) == (1, False, False)


def test_refusals_in_the_envelope(shop: Shop) -> None:
    for code in ("A", "B"):
        make_voucher(project=shop.project, code=code)
    done = redeemed(shop, "A", "B", order={"amount": 5000})
    parent, child = done["parent_redemption"]["id"], done["redemptions"][0]["id"]
    single = redeemed(shop, "A")["redemptions"][0]["id"]
    server = shop.server()
    server.post(f"/v1/redemptions/{single}/rollback")
    for path, status, key in (
        (f"{parent}/rollback", 400, "invalid_redemption"),
        (f"{child}/rollback", 400, "invalid_redemption_parent"),
        (f"{child}/rollbacks", 400, "invalid_redemption_parent"),
        (f"{single}/rollback", 400, "already_rolled_back"),
        ("r_unknown/rollback", 404, "not_found"),
        ("r_unknown/rollbacks", 404, "not_found"),
    ):
        answer = server.post(f"/v1/redemptions/{path}")
        assert (answer.status_code, answer.json()["key"]) == (status, key), path
        if status == 400:
            row = Redemption.objects.get(public_id=answer.json()["resource_id"])
            assert (row.failure_code, row.kind, row.result) == (key, "redemption_rollback", "FAILURE")
            assert server.get(f"/v1/redemptions/{row.public_id}").json()["failure_code"] == key


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"reason": 5},
        {"reason": "x" * 16_001},
        {"tracking_id": 7},
        {"customer": "c-17"},
        {"order": {"amount": -1}},
        {"metadata": 1},
    ],
)
def test_a_malformed_body_is_invalid_rollback_params_and_leaves_no_row(shop: Shop, body: Any) -> None:
    make_voucher(project=shop.project, code="A")
    done = redeemed(shop, "A")["redemptions"][0]["id"]
    answer = shop.server().post(f"/v1/redemptions/{done}/rollback", body)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_rollback_params")
    assert Redemption.objects.count() == 1
