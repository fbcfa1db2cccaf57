"""One customer's journey, end to end: a marketer, a browser on another origin, the shop's backend, and back again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from rest_framework.test import APIClient

from config.kernel import instants
from config.project import keys, services
from config.project.models import ApiKey, Project
from customers.models import Customer
from tests.factories import PASSWORD, make_member, make_voucher
from tests.jobs import run_queued
from tracking.models import Event, Order
from vouchers.models import Redemption, Voucher

FILE = """Name,Source_id,City,State,Country,customer_type,first_seen
Ada Stone,crm-1,Fresno,California,United States,Corporate,2015-10-15
Ben Ruiz,crm-2,Oakland,California,United States,Consumer,2016-01-02
Cleo Tran,crm-3,Austin,Texas,United States,Corporate,2016-06-12
Dana Weiss,crm-4,San Diego,California,United States,Corporate,2014-06-09
"""
SHOP_PAGE = """<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script>
window.ask = async (query) => {
  const answer = await fetch(API + "/client/v1/validate?" + query, {credentials: "include", headers: KEYS});
  return {status: answer.status, body: await answer.json()};
};
</script>"""


@pytest.fixture
def shop_origin(server: Any) -> Iterator[Callable[[dict[str, str]], str]]:
    """shop_origin(keys) → the address of a shop's page on a port of its own, which calls the product's client API."""
    started: list[HTTPServer] = []

    def serve(headers: dict[str, str]) -> str:
        values = f"<script>const API = {json.dumps(server.url)}, KEYS = {json.dumps(headers)};</script>"

        class Shop(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write((values + SHOP_PAGE).encode())

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        http = HTTPServer(("127.0.0.1", 0), Shop)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        started.append(http)
        return f"http://127.0.0.1:{http.server_port}"

    yield serve
    for http in started:
        http.shutdown()
        http.server_close()


def test_from_a_file_of_customers_to_a_refused_code(open_page, project: Project, tmp_path: Path, shop_origin):
    make_member(project, "admin", "marketer@shop.example")
    page: Page = open_page(role=None)
    sign_in(page)
    import_file(page, tmp_path)
    build_segment(page)
    create_voucher(page)

    make_voucher(project=project, code="WELCOME")
    client_key, client_token = services.create_key(
        project=project, kind=ApiKey.Kind.CLIENT, name="Browser", at=instants.now()
    )
    origin = shop_origin(headers := {"X-Client-Application-Id": client_key.app_id, "X-Client-Token": client_token})
    foreign = shop_origin(headers)
    Project.objects.filter(pk=project.pk).update(client_trusted_domains=[origin])
    keys.cache.clear()

    token = validate_as_a_visitor(open_page(role=None), origin)
    refuse_a_foreign_page(open_page, foreign)
    backend = Backend(project)
    customer_id = redeem(backend, token)
    see_the_summary(backend, customer_id, token)
    see_it_in_the_dashboard(page, customer_id)


def sign_in(page: Page) -> None:
    page.goto("/dashboard/")
    page.get_by_label("E-mail").fill("marketer@shop.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def import_file(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(FILE)
    page.get_by_role("link", name="Imports").first.click()
    page.goto(reverse("dashboard:import-new"))
    page.get_by_label("Choose a CSV, TSV or Excel file").set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("customer_type goes to")).to_have_value("metadata.customer_type")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Import 4").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    run_queued()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    page.goto(reverse("dashboard:customers"))
    expect(page.get_by_role("link", name="Dana Weiss")).to_be_visible()


def build_segment(page: Page) -> None:
    page.goto(reverse("dashboard:segment-new"))
    page.locator("#id_name").fill("Corporate California")
    page.get_by_role("combobox", name="Field", exact=True).first.click()
    add_condition(page, "state", "California")
    page.get_by_role("button", name="Condition", exact=True).click()
    add_condition(page, "customer_t", "Corporate")
    expect(page.locator("#preview-count:not(.stale)")).to_have_text("2")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Corporate California")
    for name, member in (("Ada Stone", True), ("Dana Weiss", True), ("Ben Ruiz", False), ("Cleo Tran", False)):
        expect(page.get_by_role("link", name=name)).to_have_count(1 if member else 0)


def add_condition(page: Page, field: str, value: str) -> None:
    """Choose the field in the picker that has the focus, and give the value."""
    page.keyboard.type(field)
    expect(page.locator(".listbox:not([hidden]) .option[aria-selected=true]")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Operator").last).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type(value)
    page.keyboard.press("Escape")


def create_voucher(page: Page) -> None:
    page.goto(reverse("dashboard:voucher-new"))
    page.get_by_role("textbox", name="Percent off").fill("20")
    page.get_by_role("textbox", name="Code").fill("CORP20")
    page.get_by_label("How often it can be redeemed").fill("1")
    page.get_by_label("Only for customers in").select_option(label="Corporate California")
    page.get_by_role("button", name="Create voucher").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("CORP20")
    rule = Voucher.objects.get(code="CORP20").rule_assignments.get().rule
    assert [node["name"] for key, node in rule.rules.items() if key != "logic"] == ["customer.segment"]


def validate_as_a_visitor(page: Page, origin: str) -> str:
    """Validate from an allowed page on another port; each further call goes on with the first one's tracking id."""
    page.goto(origin)
    anonymous = ask(page, "code=WELCOME&amount=10000")
    assert anonymous["status"] == 200
    assert anonymous["body"]["valid"] is True
    assert anonymous["body"]["discount"] == {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}
    assert anonymous["body"]["order"]["total_amount"] == 9000
    token = str(anonymous["body"]["tracking_id"])
    stranger = ask(page, f"code=CORP20&amount=10000&tracking_id={quote(token)}")
    assert (stranger["status"], stranger["body"]["valid"]) == (200, False)
    assert stranger["body"]["reason"] == "customer does not match segment rules"
    assert stranger["body"]["tracking_id"] == token
    named = ask(page, "code=CORP20&amount=10000&customer=crm-1")
    assert named["body"]["valid"] is True
    assert (named["body"]["order"]["total_discount_amount"], named["body"]["order"]["total_amount"]) == (2000, 8000)
    return token


def ask(page: Page, query: str) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate("query => window.ask(query)", query)
    return answer


def refuse_a_foreign_page(open_page, foreign: str) -> None:
    page = open_page(role=None, expected=("CORS policy", "Failed to load resource"))
    page.goto(foreign)
    assert page.evaluate("window.ask('code=CORP20').then(() => 'answered', () => 'refused')") == "refused"


class Backend:
    """The shop's backend with its server keys."""

    def __init__(self, project: Project) -> None:
        key, token = services.create_key(project=project, kind=ApiKey.Kind.SERVER, name="Backend", at=instants.now())
        self.api = APIClient(HTTP_X_APP_ID=key.app_id, HTTP_X_APP_TOKEN=token)

    def get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.get(path).json()
        return answer

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.api.post(path, body, format="json")


def redeem(backend: Backend, token: str) -> str:
    """Redeem once with the customer's own id and the visitor's token; the second time the code is used up."""
    body = {
        "customer": {"source_id": "crm-1", "email": "ada@example.com"},
        "order": {"amount": 20050, "items": [{"product_id": "prod_1", "quantity": "2", "price": 10000}]},
        "metadata": {"till": "web-1"},
    }
    path = f"/v1/vouchers/CORP20/redemption?tracking_id={quote(token, safe='')}"
    answer = backend.post(path, body)
    assert answer.status_code == 200, answer.json()
    redemption = answer.json()
    assert (redemption["result"], redemption["order"]["total_amount"]) == ("SUCCESS", 16040)
    assert redemption["order"]["items"][0]["quantity"] == 2
    again = backend.post(path, body)
    assert (again.status_code, again.json()["key"]) == (400, "quantity_exceeded")
    assert backend.get(f"/v1/redemptions/{again.json()['resource_id']}")["result"] == "FAILURE"
    other = {"redeemables": [{"object": "voucher", "id": "CORP20"}], "customer": {"source_id": "crm-3"}}
    assert backend.post("/v1/redemptions", other).json()["key"] in ("quantity_exceeded", "customer_rules_violated")
    return str(redemption["customer_id"])


def see_the_summary(backend: Backend, customer_id: str, token: str) -> None:
    by_id, by_source_id = backend.get(f"/v1/customers/{customer_id}"), backend.get("/v1/customers/crm-1")
    assert by_id == by_source_id
    assert by_id["summary"]["redemptions"]["total_succeeded"] == 1
    assert by_id["summary"]["redemptions"]["total_failed"] == 1
    assert by_id["summary"]["orders"]["total_amount"] == 16040
    assert (by_id["email"], by_id["metadata"]["customer_type"]) == ("ada@example.com", "Corporate")
    customer = Customer.objects.get(public_id=customer_id)
    assert Event.objects.filter(customer=customer, type__startswith="customer.validation.").count() >= 2
    assert not Event.objects.filter(token=token, customer=None).exists()
    assert Order.objects.get(customer=customer).status == "PAID"
    assert Redemption.objects.filter(customer=customer).count() == 2


def see_it_in_the_dashboard(page: Page, customer_id: str) -> None:
    page.goto(reverse("dashboard:redemptions"))
    page.get_by_role("link", name="Succeeded").click()
    expect(page.get_by_text("Ada Stone")).to_be_visible()
    page.get_by_role("link", name="Refused").click()
    expect(page.get_by_text("Ada Stone")).to_be_visible()
    expect(page.get_by_text("All uses are taken").first).to_be_visible()
    page.goto(f"/dashboard/customers/{customer_id}/")
    expect(page.get_by_text("160.40").first).to_be_visible()
