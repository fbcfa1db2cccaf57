"""The shops' library on a page of another origin: who visits stays who visits, with and without third-party cookies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from config.kernel import instants
from config.project import keys, services
from config.project.models import ApiKey, Project
from customers.models import Customer
from tests.factories import make_voucher
from tracking.models import Event
from vouchers.models import Redemption

PAGE = """<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script src="{api}/static/js/tessera.js"></script>
<script type="module">import * as library from "{api}/static/js/tessera.mjs"; window.library = library;</script>"""


@pytest.fixture
def shop(server: Any) -> Iterator[str]:
    """The address of a shop's page, on a port of its own."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.format(api=server.url).encode())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    http = HTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


@pytest.fixture
def client_key(project: Project, shop: str) -> dict[str, str]:
    Project.objects.filter(pk=project.pk).update(client_trusted_domains=[shop], client_redeem_enabled=True)
    key, token = services.create_key(project=project, kind=ApiKey.Kind.CLIENT, name="Browser", at=instants.now())
    keys.cache.clear()
    return {"id": key.app_id, "token": token}


def call(page: Page, expression: str) -> Any:
    """The answer of a call of the library, or the facts of its error."""
    facts = "({...error, words: error.message})"
    return page.evaluate(
        f"async () => {{ try {{ return await ({expression}); }} catch (error) {{ return {facts}; }} }}"
    )


def opened(open_page: Any, shop: str, client_key: dict[str, str], *, third_party_cookies: bool = True) -> Page:
    page: Page = open_page(role=None, expected=("status of 400", "status of 404"))
    if not third_party_cookies:  # as a browser that blocks them: the server's cookie never arrives
        page.route("**/client/v1/**", lambda route: _without_cookies(route))
    page.goto(shop)
    page.evaluate(f"() => Tessera.initialize({json.dumps(client_key['id'])}, {json.dumps(client_key['token'])})")
    return page


def _without_cookies(route: Any) -> None:
    headers = {name: value for name, value in route.request.headers.items() if name != "cookie"}
    response = route.fetch(headers=headers)
    kept = {name: value for name, value in response.headers.items() if name != "set-cookie"}
    route.fulfill(response=response, headers=kept)


@pytest.mark.parametrize("third_party_cookies", [True, False])
def test_a_visitor_is_recognised_and_becomes_a_customer(open_page, project, shop, client_key, third_party_cookies):
    make_voucher(project=project, code="WELCOME", quantity=1)
    page = opened(open_page, shop, client_key, third_party_cookies=third_party_cookies)
    first = call(page, 'Tessera.validate({code: "WEL COME", amount: 10000})')
    assert (first["valid"], first["order"]["total_discount_amount"] > 0) == (True, True)
    second = call(page, 'Tessera.validate("WELCOME")')
    assert second["tracking_id"] == first["tracking_id"] == call(page, "Tessera.trackingId()")
    assert call(page, 'Tessera.track("cart_filled", {items: 2})')["object"] == "event"
    page.evaluate('() => Tessera.setIdentity("crm-1042")')
    redeemed = call(page, 'Tessera.redeem("WELCOME", {order: {amount: 10000}, customer: {name: "Nora"}})')
    assert redeemed["result"] == "SUCCESS"
    customer = Customer.objects.get(source_id="crm-1042")
    assert redeemed["customer_id"] == customer.public_id
    assert Customer.objects.count() == 1, "the visitor's own profile became the customer's"
    types = list(Event.objects.filter(customer_id=customer.pk).order_by("pk").values_list("type", flat=True))
    assert types.count("customer.validation.succeeded") == 2
    assert {"customer.custom_event", "customer.redemption.succeeded"} <= set(types)
    again = call(page, 'Tessera.redeem("WELCOME", {order: {amount: 10000}})')
    assert (again["status"], again["key"], again["words"]) == (400, "quantity_exceeded", "quantity exceeded")
    assert Redemption.objects.filter(result="SUCCESS").count() == 1


def test_refusals_are_answers_errors_are_errors_and_callbacks_are_called(open_page, project, shop, client_key):
    page = opened(open_page, shop, client_key)
    unknown = call(page, 'Tessera.validate("NOTHING")')
    assert (unknown["valid"], unknown["reason"]) == (False, "voucher not found")
    asked = 'Tessera.validate({code: "A", amount: "NaN"}, (answer, error) => resolve({answer, key: error.key}))'
    odd = call(page, f"new Promise((resolve) => {asked})")
    assert odd == {"answer": None, "key": "invalid_amount"}
    page.evaluate("() => Tessera.forget()")
    assert call(page, "Tessera.trackingId()") in (None, "")
    exported = page.evaluate("() => Object.keys(window.library)")
    assert {"initialize", "setIdentity", "validate", "redeem", "track", "publish", "listVouchers"} <= set(exported)


def test_the_page_of_the_documentation_calls_ones_own_project(open_page, project, server, shop, client_key):
    Project.objects.filter(pk=project.pk).update(client_trusted_domains=[server.url])
    keys.cache.clear()
    make_voucher(project=project, code="WELCOME")
    page: Page = open_page(role=None)
    page.goto(reverse("browser-docs"))
    page.get_by_label("Client application id").fill(client_key["id"])
    page.get_by_label("Client token").fill(client_key["token"])
    page.get_by_label("Voucher code").fill("WELCOME")
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_role("status")).to_have_text("Done")
    expect(page.locator("#answer")).to_contain_text('"valid": true')
