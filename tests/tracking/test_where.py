"""Tracking §4: where a tracking id comes back, and where it is taken in place of a customer's own ids."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from config.webhooks import outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from customers.models import Customer
from tests.factories import NOW, CampaignFactory, Shop, make_customer, make_shop, make_voucher
from tests.jobs import run_queued
from tracking.models import TrackingIdentity
from tracking.services import identities

pytestmark = pytest.mark.django_db
REDEEMABLES = {"redeemables": [{"object": "voucher", "id": "OPEN"}, {"object": "voucher", "id": "ALSO"}]}


@pytest.fixture
def shop() -> Shop:
    shop = make_shop(client_side=("redeem", "publish", "list_vouchers"))
    for code in ("OPEN", "ALSO"):
        make_voucher(project=shop.project, code=code)
    campaign = CampaignFactory.create(project=shop.project, name="Codes")
    make_voucher(project=shop.project, code="CODE-A", campaign=campaign)
    return shop


@pytest.fixture
def nora(shop: Shop) -> Customer:
    return make_customer(project=shop.project, source_id="nora")


def token_of(shop: Shop, customer: Customer) -> str:
    """Issued, as a validation issues it."""
    found = identities.resolve(
        project=shop.project, tracking_id=customer.source_id, source_id=None, customer_id=None, cookie=None,
        at=NOW, anonymous=False,
    )  # fmt: skip
    return str(found.token)


BODY = {"customer": {"source_id": "nora"}, "order": {"amount": 1000}}
ANSWERS: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("browser", "get", "/client/v1/validate?code=OPEN&customer=nora", None),
    ("browser", "get", "/client/v1/validate?code=NOPE&tracking_id=nora", None),
    ("browser", "get", "/client/v1/promotions/validation?amount=100&tracking_id=nora", None),
    ("browser", "post", "/client/v1/validations", {**REDEEMABLES, **BODY}),
    ("browser", "post", "/client/v1/qualifications", BODY),
    ("server", "post", "/v1/vouchers/OPEN/validate", {"tracking_id": "nora"}),
    ("server", "post", "/v1/validations", {**REDEEMABLES, "tracking_id": "nora"}),
    ("server", "post", "/v1/qualifications", {**BODY, "tracking_id": "nora"}),
    ("browser", "post", "/client/v1/redeem?code=OPEN&tracking_id=nora", {}),
    ("server", "post", "/v1/vouchers/OPEN/redemption?tracking_id=nora", {}),
    ("server", "post", "/v1/vouchers/OPEN/redemption", BODY),
]


@pytest.mark.parametrize(("caller", "method", "path", "body"), ANSWERS)
def test_the_tracking_id_comes_back_encoded(
    shop: Shop, nora: Customer, caller: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = getattr(getattr(shop, caller)(), method)(path, body)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["tracking_id"] == token_of(shop, nora)


def test_a_server_validation_about_nobody_has_none(shop: Shop) -> None:
    assert "tracking_id" not in shop.server().post("/v1/validations", REDEEMABLES).json()
    assert TrackingIdentity.objects.count() == 0


def test_redemptions_carry_it_single_stacked_listed_and_rolled_back(shop: Shop, nora: Customer) -> None:
    token, server = token_of(shop, nora), shop.server()
    stacked = server.post("/v1/redemptions", {**REDEEMABLES, "tracking_id": token}).json()
    redemptions = [*stacked["redemptions"], stacked["parent_redemption"]]
    assert [row["tracking_id"] for row in redemptions] == [token] * 3
    assert {row["customer_id"] for row in redemptions} == {nora.public_id}
    one = server.get(f"/v1/redemptions/{redemptions[0]['id']}").json()
    listed = server.get("/v1/redemptions").json()["redemptions"]
    assert {one["tracking_id"], *(row["tracking_id"] for row in listed)} == {token}
    single = server.post("/v1/vouchers/OPEN/redemption", BODY).json()
    rolled = server.post(f"/v1/redemptions/{single['id']}/rollback?tracking_id={quote(token, safe='')}", {}).json()
    assert (rolled["tracking_id"], rolled["customer_id"]) == (token, nora.public_id)


@pytest.mark.parametrize("how", ["query", "body"])
def test_a_rollback_by_the_id_of_somebody_else_is_refused(shop: Shop, nora: Customer, how: str) -> None:
    emil = make_customer(project=shop.project, source_id="emil")
    single = shop.server().post("/v1/vouchers/OPEN/redemption", BODY).json()
    other = token_of(shop, emil)
    path = f"/v1/redemptions/{single['id']}/rollback"
    query = f"?tracking_id={quote(other, safe='')}" if how == "query" else ""
    answer = shop.server().post(path + query, {"tracking_id": other} if how == "body" else {})
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_customer")


def test_a_publication_shows_the_raw_source_id(shop: Shop, nora: Customer) -> None:
    token = token_of(shop, nora)
    body = {"campaign": {"name": "Codes"}, "customer": {"source_id": token}}
    assert shop.server().post("/v1/publications", body).json()["tracking_id"] == "nora"


@pytest.mark.parametrize("path", ["/v1/vouchers", "/v1/redemptions", "/v1/publications"])
def test_lists_are_narrowed_to_a_customer_by_each_of_the_ids(shop: Shop, nora: Customer, path: str) -> None:
    emil = make_customer(project=shop.project, source_id="emil")
    server = shop.server()
    assert server.post("/v1/publications", {"campaign": "Codes", "customer": {"id": nora.public_id}}).status_code == 200
    assert server.post("/v1/vouchers/OPEN/redemption", {"customer": {"id": nora.public_id}}).status_code == 200
    for customer, total in ((nora, 1), (emil, 0)):
        for identifier in (customer.public_id, customer.source_id, token_of(shop, customer)):
            found = server.get(path, {"customer": identifier}).json()
            assert len(found[found["data_ref"]]) == total, (
                identifier, found,
            )  # fmt: skip


def test_a_forwarded_cookie_says_who_redeems_on_the_server(shop: Shop, nora: Customer) -> None:
    server = shop.server()
    server.cookies["tracking_id"] = quote(token_of(shop, nora), safe="")
    assert server.post("/v1/redemptions", REDEEMABLES).json()["parent_redemption"]["customer_id"] == nora.public_id
    assert server.post("/v1/vouchers/OPEN/redemption", {}).json()["customer_id"] == nora.public_id


COOKIES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("get", "/client/v1/validate?code=OPEN", None),
    ("get", "/client/v1/validate?code=NOPE", None),
    ("get", "/client/v1/promotions/validation?amount=100", None),
    ("post", "/client/v1/validations", REDEEMABLES),
    ("post", "/client/v1/qualifications", {"order": {"amount": 1000}}),
    ("post", "/client/v1/events", {"event": "seen", "customer": {}}),
]


@pytest.mark.parametrize(("method", "path", "body"), COOKIES)
def test_a_browser_gets_its_cookie_and_is_known_by_it(
    shop: Shop, method: str, path: str, body: dict[str, Any] | None
) -> None:
    browser = shop.browser()
    first = getattr(browser, method)(path, body)
    assert first.status_code == 200, first.json()
    cookie = first.cookies["tracking_id"]
    assert (cookie["path"], cookie["max-age"], cookie["httponly"]) == ("/client/v1", 365 * 24 * 3600, True)
    again = getattr(browser, method)(path, body)
    assert again.cookies["tracking_id"].value == cookie.value, "renewed, not replaced"
    assert [quote(row.token, safe="") for row in TrackingIdentity.objects.all()] == [cookie.value]


def test_server_calls_set_no_cookie(shop: Shop) -> None:
    server = shop.server()
    for path, body in (("/v1/validations", {**REDEEMABLES, **BODY}), ("/v1/vouchers/OPEN/validate", BODY)):
        assert not server.post(path, body).cookies
    assert not server.post("/v1/events", {"event": "seen", "customer": {"source_id": "nora"}}).cookies


def test_exports_and_webhooks_of_redemptions_carry_it_encoded(shop: Shop, nora: Customer) -> None:
    body = {"target_url": "https://a.example/", "events": ["redemption.succeeded"]}
    webhooks.create(project=shop.project, body=body, at=NOW)
    outbox.forget(shop.project)
    assert shop.server().post("/v1/vouchers/OPEN/redemption", BODY).status_code == 200
    token = token_of(shop, nora)
    assert json.loads(Delivery.objects.get().payload)["data"]["redemption"]["tracking_id"] == token
    made = shop.server().post(
        "/v1/exports", {"exported_object": "redemption", "parameters": {"fields": ["id", "tracking_id"]}}
    ).json()  # fmt: skip
    run_queued()
    link = shop.server().get(f"/v1/exports/{made['id']}").json()["result"]["url"]
    answer = shop.server().get(link[link.index("/v1/") :])
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert token in text.decode()


def test_the_vouchers_of_a_visitor_are_listed_by_its_token(shop: Shop, nora: Customer) -> None:
    published = {"campaign": "Codes", "customer": {"source_id": "nora"}}
    assert shop.server().post("/v1/publications", published).status_code == 200
    for who in ("nora", token_of(shop, nora)):
        wire = shop.browser().get("/client/v1/vouchers", {"customer": who}).json()
        assert [row["code"] for row in wire["vouchers"]] == ["CODE-A"]
