"""`Idempotency-Key` on redemptions, rollbacks and publications: one effect, one answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.api import idempotency
from config.api.models import IdempotencyKey
from config.kernel import instants
from customers import services as customers
from tests.factories import NOW, CampaignFactory, Shop, make_customer, make_project, make_shop, make_voucher
from vouchers.models import PromotionTier, Publication, Redemption, Voucher

pytestmark = pytest.mark.django_db
BODY = {"redeemables": [{"object": "voucher", "id": "TEN"}], "customer": {"source_id": "c-1"}, "order": {"amount": 900}}


@pytest.fixture
def shop() -> Shop:
    shop = make_shop(client_side=("redeem", "publish"))
    make_voucher(project=shop.project, code="TEN")
    return shop


def post(shop: Shop, path: str, body: Any, key: str) -> Any:
    return shop.server().post(path, body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/redemptions", BODY), ("/v1/vouchers/TEN/redemption", {"order": {"amount": 900}})]
)
def test_a_repeated_redemption_is_one_redemption_and_answered_byte_for_byte(
    shop: Shop, path: str, body: dict[str, Any]
) -> None:
    first, second = post(shop, path, body, "k-1"), post(shop, path, body, "k-1")
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert (Redemption.objects.count(), Voucher.objects.get().redeemed_quantity) == (1, 1)
    third = post(shop, path, body, "k-2")
    assert third.content != first.content
    assert Voucher.objects.get().redeemed_quantity == 2


def test_the_browser_calls_take_it_too(shop: Shop) -> None:
    for path in ("/client/v1/redeem?code=TEN", "/client/v1/redemptions"):
        answers = [
            shop.browser().post(path, BODY, headers={"Idempotency-Key": path}).content for _ in range(2)
        ]  # fmt: skip
        assert answers[0] == answers[1]
    assert Voucher.objects.get().redeemed_quantity == 2


def test_another_body_path_or_query_under_the_same_key_is_refused(shop: Shop) -> None:
    assert post(shop, "/v1/redemptions", BODY, "k-1").status_code == 200
    for path, body in (
        ("/v1/redemptions", {**BODY, "metadata": {"a": 1}}),
        ("/v1/redemptions?x=1", BODY),
        ("/v1/vouchers/TEN/redemption", BODY),
    ):
        answer = post(shop, path, body, "k-1")
        assert (answer.status_code, answer.json()["key"]) == (409, "idempotency_key_reused")
    assert Redemption.objects.count() == 1


def test_keys_belong_to_a_project(shop: Shop) -> None:
    other = make_shop("Other")
    make_voucher(project=other.project, code="TEN")
    assert post(shop, "/v1/redemptions", BODY, "k-1").content != post(other, "/v1/redemptions", BODY, "k-1").content
    assert Redemption.objects.count() == 2


@pytest.mark.parametrize("code", ["OFF", "NOBODY"])
def test_a_recorded_refusal_is_recorded_once(shop: Shop, code: str) -> None:
    make_voucher(project=shop.project, code="OFF", active=False)
    body = {"redeemables": [{"object": "voucher", "id": code}]}
    first, second = (post(shop, "/v1/redemptions", body, "k-1") for _ in range(2))
    assert first.status_code in (400, 404)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"redeemables": []}, 400),
        ({"redeemables": [{"object": "voucher", "id": "TEN"}], "order": {"id": "ord_unknown"}}, 404),
    ],
)
def test_what_was_refused_without_a_trace_leaves_the_key_free(shop: Shop, body: dict[str, Any], status: int) -> None:
    assert post(shop, "/v1/redemptions", body, "k-1").status_code == status
    assert IdempotencyKey.objects.count() == 0
    assert post(shop, "/v1/redemptions", BODY, "k-1").status_code == 200


def test_a_rollback_is_made_once(shop: Shop) -> None:
    done = post(shop, "/v1/redemptions", BODY, "k-1").json()["redemptions"][0]["id"]
    for name in ("rollback", "rollbacks"):
        first, second = (post(shop, f"/v1/redemptions/{done}/{name}", {}, f"k-{name}") for _ in range(2))
        assert (second.status_code, second.content) == (first.status_code, first.content)
    assert Redemption.objects.filter(kind="redemption_rollback").count() == 2
    assert Voucher.objects.get().redeemed_quantity == 0


PUBLISHED = {"campaign": {"name": "Camp"}, "customer": {"source_id": "c-1"}}
QUERY = "campaign[name]=Camp&customer[source_id]=c-1"


@pytest.fixture
def pool(shop: Shop) -> None:
    """Three codes that can be handed out, besides the one of the shop."""
    template = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 700}}
    row = CampaignFactory.create(project=shop.project, name="Camp", voucher=template, vouchers_count=3)
    for number in range(3):
        make_voucher(project=shop.project, campaign=row, code=f"C-{number}")


@pytest.mark.parametrize("door", ["server", "browser", "older", "query"])
def test_a_repeated_publication_hands_out_one_code(shop: Shop, pool: None, door: str) -> None:
    def asked(key: str) -> Any:
        headers = {"Idempotency-Key": key}
        if door == "query":
            return shop.server().get(f"/v1/publications/create?{QUERY}", headers=headers)
        client = shop.browser() if door == "browser" else shop.server()
        path = {"server": "/v1/publications", "browser": "/client/v1/publish", "older": "/v1/vouchers/publish"}[door]
        return client.post(path, PUBLISHED, headers=headers)

    first, second = asked("k-1"), asked("k-1")
    assert (first.status_code, second.status_code) == (200, 200), first.content
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (Publication.objects.count(), Voucher.objects.filter(publish_count=1).count()) == (1, 1)
    assert asked("k-2").content != first.content
    assert Publication.objects.count() == 2


def test_a_refused_publication_is_recorded_once_and_a_wrong_one_leaves_the_key_free(shop: Shop, pool: None) -> None:
    assert post(shop, "/v1/publications", {"customer": {"source_id": "c-1"}}, "k-1").status_code == 400
    assert IdempotencyKey.objects.count() == 0
    Voucher.objects.update(publish_count=1)
    first, second = (post(shop, "/v1/publications", PUBLISHED, "k-1") for _ in range(2))
    assert (first.status_code, first.json()["key"]) == (400, "no_voucher_suitable_for_publication")
    assert (second.status_code, second.content) == (400, first.content)
    assert [row.result for row in Publication.objects.all()] == ["FAILURE"]


def test_the_older_redemption_of_a_tier_is_made_once(shop: Shop) -> None:
    campaign = CampaignFactory.create(project=shop.project, campaign_type="PROMOTION", voucher=None)
    action = {"discount": {"type": "PERCENT", "percent_off": 10}}
    tier = PromotionTier.objects.create(
        project=shop.project, campaign=campaign, name="One", action=action, created_at=NOW
    )
    path = f"/v1/promotions/tiers/{tier.public_id}/redemption"
    first, second = (post(shop, path, {"order": {"amount": 900}}, "k-1") for _ in range(2))
    assert first.status_code == 200, first.content
    assert second.content == first.content
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "tab\tbed"])
def test_a_key_that_cannot_be_one_is_refused(shop: Shop, key: str) -> None:
    answer = post(shop, "/v1/redemptions", BODY, key)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert Redemption.objects.count() == 0


def test_a_revoked_key_gets_no_kept_answer(shop: Shop) -> None:
    post(shop, "/v1/redemptions", BODY, "k-1")
    client = shop.server()
    client.credentials(HTTP_X_APP_ID=shop.secrets["app_id"], HTTP_X_APP_TOKEN="wrong")
    assert client.post("/v1/redemptions", BODY, headers={"Idempotency-Key": "k-1"}).status_code == 401


def test_keys_are_forgotten_after_a_day(shop: Shop) -> None:
    post(shop, "/v1/redemptions", BODY, "k-1")
    now = instants.now()
    assert idempotency.forget(before=now - idempotency.KEPT) == 0
    assert idempotency.forget(before=now + timedelta(seconds=1)) == 1
    assert post(shop, "/v1/redemptions", BODY, "k-1").status_code == 200
    assert Voucher.objects.get().redeemed_quantity == 2


def test_erasing_a_person_empties_the_kept_answers_and_keeps_the_keys(shop: Shop) -> None:
    customer = make_customer(project=shop.project, source_id="c-1", name="Nora Lindqvist")
    assert b"Nora Lindqvist" in post(shop, "/v1/redemptions", BODY, "k-1").content
    customers.erase(project=shop.project, identifier=customer.public_id, at=instants.now())
    row = IdempotencyKey.objects.get()
    assert "Nora" not in row.answer and customer.public_id not in row.answer
    assert post(shop, "/v1/redemptions", BODY, "k-1").status_code == 200
    assert Voucher.objects.get().redeemed_quantity == 1
    assert make_project() == shop.project
