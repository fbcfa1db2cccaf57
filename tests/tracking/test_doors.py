"""Tracking §6 at the doors: whatever write names a visitor and a customer first moves the visitor's history, once."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from customers.models import Customer
from tests.factories import NOW, CampaignFactory, Shop, make_customer, make_shop, make_voucher
from tracking.models import Event
from tracking.services import events, identities

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    shop = make_shop(client_side=("redeem", "create_customer", "publish"))
    make_voucher(project=shop.project, code="OPEN")
    campaign = CampaignFactory.create(project=shop.project, name="Codes")
    for number in range(3):
        make_voucher(project=shop.project, code=f"CODE-A{number}", campaign=campaign)
    return shop


def visit(shop: Shop, named: str = "") -> str:
    """A visitor who validated, and then said who they are; the anonymous tracking id."""
    project = shop.project

    def ask(**given: Any) -> str:
        nothing: dict[str, Any] = {"tracking_id": None, "source_id": None, "customer_id": None, "cookie": None}
        found = identities.resolve(project=project, at=NOW, anonymous=True, **(nothing | given))
        return str(found.token)

    token = ask()
    events.record(project=project, type="customer.voucher.validation.succeeded", at=NOW, token=token, data={})
    if named:
        ask(tracking_id=named, cookie=token)
    return token


REDEEMABLES = {"redeemables": [{"object": "voucher", "id": "OPEN"}]}
DOORS: list[tuple[str, str, dict[str, Any]]] = [
    ("server", "/v1/vouchers/OPEN/redemption", {}),
    ("server", "/v1/redemptions", REDEEMABLES),
    ("server", "/v1/orders", {"amount": 100}),
    ("server", "/v1/events", {"event": "seen"}),
    ("server", "/v1/publications", {"campaign": {"name": "Codes"}}),
    ("browser", "/client/v1/redeem?code=OPEN", {}),
    ("browser", "/client/v1/redemptions", REDEEMABLES),
    ("browser", "/client/v1/events", {"event": "seen"}),
    ("browser", "/client/v1/publish?campaign=Codes", {}),
]


def moved_to(source_id: str) -> int:
    validated = Event.objects.filter(type="customer.voucher.validation.succeeded")
    return validated.filter(customer=Customer.objects.get(source_id=source_id)).count()


@pytest.mark.parametrize(("caller", "path", "body"), DOORS)
@pytest.mark.parametrize("known", [False, True])
def test_the_token_of_a_visitor_who_said_who_they_are_moves_the_history(
    shop: Shop, caller: str, path: str, body: dict[str, Any], known: bool
) -> None:
    if known:
        make_customer(project=shop.project, source_id="nora")
    token = visit(shop, "nora")
    for _ in range(2):
        answer = getattr(shop, caller)().post(path, {**body, "customer": {"source_id": token}})
        assert answer.status_code == 200, answer.json()
        assert moved_to("nora") == 1
    assert Customer.objects.count() == 1


@pytest.mark.parametrize(("caller", "path", "body"), DOORS)
def test_the_token_of_a_visitor_nobody_knows_becomes_a_profile_with_its_history(
    shop: Shop, caller: str, path: str, body: dict[str, Any]
) -> None:
    token = visit(shop)
    answer = getattr(shop, caller)().post(path, {**body, "customer": {"source_id": token}})
    assert answer.status_code == 200, answer.json()
    assert moved_to(token) == 1


@pytest.mark.parametrize("named", ["", "nora"])
def test_a_customer_made_by_a_token_has_its_history(shop: Shop, named: str) -> None:
    token = visit(shop, named)
    for name in ("Nora", "Nora", "Nora L."):
        answer = shop.server().post("/v1/customers", {"source_id": token, "name": name})
        assert (answer.status_code, answer.json()["source_id"]) == (200, named or token)
        assert moved_to(named or token) == 1
    assert Customer.objects.count() == 1


def test_a_customer_changed_by_a_token_gets_its_history(shop: Shop) -> None:
    nora = make_customer(project=shop.project, source_id="nora", name="Nora")
    token = visit(shop, "nora")
    address = f"/v1/customers/{quote(token, safe='')}"
    assert shop.server().get(address).json()["id"] == nora.public_id
    assert moved_to("nora") == 0, "reading moves nothing"
    for name in ("Nora", "Nora L."):
        assert shop.server().put(address, {"name": name}).json()["id"] == nora.public_id
        assert moved_to("nora") == 1


FROM_PAGES = [(path, body) for caller, path, body in DOORS if caller == "browser"]


@pytest.mark.parametrize(("path", "body"), FROM_PAGES)
def test_a_browser_that_names_itself_at_the_write_takes_its_cookie_along(
    shop: Shop, path: str, body: dict[str, Any]
) -> None:
    token = visit(shop)
    browser = shop.browser()
    browser.cookies["tracking_id"] = quote(token, safe="")
    answer = browser.post(path, {**body, "customer": {"source_id": "nora"}})
    assert answer.status_code == 200, answer.json()
    assert moved_to("nora") == 1


@pytest.mark.parametrize(("path", "body"), FROM_PAGES)
def test_the_cookie_alone_says_who_it_is(shop: Shop, path: str, body: dict[str, Any]) -> None:
    make_customer(project=shop.project, source_id="nora")
    token = visit(shop, "nora")
    browser = shop.browser()
    browser.cookies["tracking_id"] = quote(token, safe="")
    answer = browser.post(path, {**body, "customer": {}})
    assert answer.status_code == 200, answer.json()
    assert moved_to("nora") == 1
    assert Customer.objects.count() == 1


def test_a_customer_stored_by_a_page_takes_the_cookies_history_along(shop: Shop) -> None:
    token = visit(shop)
    browser = shop.browser()
    browser.cookies["tracking_id"] = quote(token, safe="")
    answer = browser.post("/client/v1/customers", {"source_id": "nora", "name": "Nora"})
    assert answer.status_code == 200, answer.json()
    assert moved_to("nora") == 1
