"""`GET /client/v1/validate` and its server twin `POST /v1/vouchers/{code}/validate`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.test import override_settings

from config.api import limits
from config.kernel import instants
from customers.models import Customer
from segments.models import Membership, Segment
from tests.factories import (
    NOW,
    CampaignFactory,
    ProductFactory,
    Shop,
    SkuFactory,
    make_customer,
    make_rule,
    make_segment,
    make_shop,
    make_voucher,
)
from tracking import tokens
from tracking.models import Event, TrackingIdentity
from vouchers.models import Redemption, Voucher
from vouchers.payloads import parse_legacy
from vouchers.services import redemptions

pytestmark = pytest.mark.django_db

VALIDATE = "/client/v1/validate"


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def voucher_of(shop: Shop, code: str = "SPRING", **fields: Any) -> Voucher:
    return make_voucher(project=shop.project, code=code, **fields)


def get(shop: Shop, query: str, cookie: str | None = None, **headers: Any) -> Any:
    """The answer to a query that is sent exactly as it is written."""
    client = shop.browser()
    if cookie is not None:
        client.cookies["tracking_id"] = quote(cookie, safe="")
    return client.get(VALIDATE, QUERY_STRING=query, **headers)


# What is answered


def test_a_valid_code_is_answered_flat_and_as_redeemables(shop: Shop) -> None:
    voucher = voucher_of(
        shop,
        discount={"type": "PERCENT", "percent_off": 15.0},
        metadata={"channel": "mail"},
        campaign=CampaignFactory(project=shop.project, name="Spring", public_id="camp_1"),
        start_date=instants.parse_instant("2026-01-01"),
    )
    response = get(shop, "code=SPRING&amount=10100")
    wire = response.json()
    token = wire.pop("tracking_id")
    [redeemable] = wire.pop("redeemables")
    assert response.status_code == 200
    assert wire == {
        "valid": True,
        "code": "SPRING",
        "discount": {"type": "PERCENT", "effect": "APPLY_TO_ORDER", "percent_off": 15.0},
        "order": {
            "amount": 10100,
            "discount_amount": 1515,
            "total_discount_amount": 1515,
            "total_amount": 8585,
            "applied_discount_amount": 1515,
            "total_applied_discount_amount": 1515,
            "metadata": {},
            "customer_id": None,
            "referrer_id": None,
            "object": "order",
        },
        "applicable_to": {"data": [], "total": 0, "data_ref": "data", "object": "list"},
        "inapplicable_to": {"data": [], "total": 0, "data_ref": "data", "object": "list"},
        "metadata": {"channel": "mail"},
        "campaign": "Spring",
        "campaign_id": "camp_1",
        "start_date": "2026-01-01T00:00:00.000Z",
    }
    assert (redeemable["status"], redeemable["id"], redeemable["object"]) == ("APPLICABLE", "SPRING", "voucher")
    assert redeemable["result"]["discount"]["percent_off"] == 15.0
    assert TrackingIdentity.objects.get().token == token
    voucher.refresh_from_db()
    assert voucher.redeemed_quantity == 0
    assert (Customer.objects.count(), Redemption.objects.count()) == (0, 0)


def test_without_order_data_there_is_no_order(shop: Shop) -> None:
    voucher_of(shop)
    wire = get(shop, "code=SPRING").json()
    assert wire["valid"] is True
    assert "order" not in wire


def test_a_gift_card_is_answered_with_its_credits(shop: Shop) -> None:
    voucher_of(shop, type="GIFT_VOUCHER", gift_amount=5000, redeemed_amount=2000, gift_effect="APPLY_TO_ORDER")
    wire = get(shop, "code=SPRING&amount=10000").json()
    assert wire["gift"] == {"amount": 5000, "balance": 3000, "effect": "APPLY_TO_ORDER", "credits": 3000}
    assert "discount" not in wire
    assert wire["order"]["total_amount"] == 7000


@pytest.mark.parametrize(
    ("fields", "reason", "key"),
    [
        ({"active": False}, "voucher is disabled", "voucher_disabled"),
        ({"expiration_date": "past"}, "voucher expired", "voucher_expired"),
        ({"start_date": "future"}, "voucher expired", "voucher_not_active"),
        ({"quantity": 1, "redeemed_quantity": 1}, "quantity exceeded", "quantity_exceeded"),
        ({"validity_day_of_week": []}, "voucher not active now", "voucher_not_active_now"),
    ],
)
def test_a_refusal_is_an_answer_with_its_reason(shop: Shop, fields: dict[str, Any], reason: str, key: str) -> None:
    now = instants.now()
    moments = {"past": now - timedelta(days=1), "future": now + timedelta(days=1)}
    if "validity_day_of_week" in fields:
        fields = {"validity_day_of_week": [(now.isoweekday() + 1) % 7]}
    voucher_of(shop, **{name: moments.get(value, value) if isinstance(value, str) else value
                        for name, value in fields.items()})  # fmt: skip
    response = get(shop, "code=SPRING&amount=1000")
    wire = response.json()
    assert response.status_code == 200
    assert (wire["valid"], wire["code"], wire["reason"], wire["error"]["key"]) == (False, "SPRING", reason, key)
    assert wire["tracking_id"].startswith("track_")
    assert wire["metadata"] == {}
    assert "order" not in wire
    assert wire["redeemables"][0]["status"] == "INAPPLICABLE"
    assert wire["redeemables"][0]["result"]["error"]["key"] == key
    assert response.cookies["tracking_id"].value == quote(wire["tracking_id"], safe="")


def test_an_unknown_code_is_an_answer_too(shop: Shop) -> None:
    response = get(shop, "code=N0PE")
    wire = response.json()
    assert response.status_code == 200
    assert (wire["valid"], wire["code"], wire["reason"]) == (False, "N0PE", "voucher not found")
    assert wire["error"]["key"] == "not_found"
    assert wire["error"]["details"] == "Cannot find voucher with id N0PE"
    assert wire["tracking_id"].startswith("track_")


def test_a_code_of_another_project_is_unknown(shop: Shop) -> None:
    voucher_of(make_shop("Other"))
    assert get(shop, "code=SPRING").json()["reason"] == "voucher not found"


def amount_rule(voucher: Voucher, **fields: Any) -> None:
    rules = {"1": {"name": "order.amount", "conditions": {"$more_than": [1000]}, **fields}, "logic": "1"}
    make_rule(voucher, rules=rules)


def segment_rule(voucher: Voucher, *members: Customer) -> None:
    segment = make_segment(project=voucher.project, type=Segment.Type.STATIC, definition=None)
    for member in members:
        Membership.objects.create(segment=segment, customer=member, entered_at=NOW)
    rules = {"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}, "logic": "1"}
    make_rule(voucher, rules=rules)


def test_the_order_is_held_to_the_rules(shop: Shop) -> None:
    amount_rule(voucher_of(shop))
    assert get(shop, "code=SPRING&amount=1001").json()["valid"] is True
    wire = get(shop, "code=SPRING&amount=1000").json()
    assert (wire["valid"], wire["reason"]) == (False, "order does not match validation rules")
    assert wire["error"]["key"] == "order_rules_violated"


def test_the_marketers_own_words_are_shown(shop: Shop) -> None:
    amount_rule(voucher_of(shop), error={"message": "Spend a little more."})
    wire = get(shop, "code=SPRING&amount=1000").json()
    assert wire["error"]["message"] == "Spend a little more."
    assert wire["reason"] == "order does not match validation rules"


@pytest.mark.parametrize(
    ("query", "valid"),
    [
        ("customer=member", True),
        ("customer[source_id]=member", True),
        ("tracking_id=member", True),
        ("customer=stranger", False),
        ("customer=nobody", False),
        ("tracking_id=nobody", False),
    ],
)
def test_the_customer_is_held_to_the_segment(shop: Shop, query: str, valid: bool) -> None:
    segment_rule(voucher_of(shop), make_customer(project=shop.project, source_id="member"))
    make_customer(project=shop.project, source_id="stranger")
    wire = get(shop, f"code=SPRING&amount=1000&{query}").json()
    assert wire["valid"] is valid
    assert wire.get("reason") == (None if valid else "customer does not match segment rules")
    assert Customer.objects.count() == 2


@pytest.mark.parametrize("cookie", [False, True])
def test_a_rule_about_the_customer_needs_one(shop: Shop, cookie: bool) -> None:
    voucher = voucher_of(shop)
    anonymous = get(shop, "code=SPRING").json()["tracking_id"] if cookie else None
    segment_rule(voucher)
    response = get(shop, "code=SPRING&amount=1000", cookie=anonymous)
    assert (response.status_code, response.json()["key"]) == (400, "missing_customer")


# What is refused


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("", "invalid_query_params"),
        ("code=", "invalid_query_params"),
        ("code=SPRING&amount=NaN", "invalid_amount"),
        ("code=SPRING&amount=-1", "invalid_amount"),
        ("code=SPRING&amount=10.5", "invalid_amount"),
        ("code=SPRING&amount=1e3", "invalid_amount"),
        ("code=SPRING&amount=%D9%A1", "invalid_amount"),
        ("code=SPRING&item[0][product_id]=p&item[0][quantity]=0", "invalid_payload"),
        ("code=SPRING&item[0][product_id]=p&item[0][quantity]=1.5", "invalid_payload"),
        ("code=SPRING&item[x][product_id]=p", "invalid_query_params"),
        ("code=SPRING&item[0]=p", "invalid_payload"),
        ("code=SPRING&tracking_id=a%00", "invalid_query_params"),
        (f"code=SPRING&tracking_id={'a' * 501}", "invalid_payload"),
        (f"code={'a' * 501}", "invalid_payload"),
        ("code=SPRING&customer[email]=" + "a" * 17_000, "query_too_large"),
    ],
)
def test_what_cannot_be_understood_is_a_400(shop: Shop, query: str, key: str) -> None:
    voucher_of(shop)
    response = get(shop, query)
    assert (response.status_code, response.json()["key"]) == (400, key)
    assert (TrackingIdentity.objects.count(), Event.objects.count()) == (0, 0)


def test_a_gift_card_needs_an_amount(shop: Shop) -> None:
    voucher_of(shop, type="GIFT_VOUCHER", gift_amount=5000, gift_effect="APPLY_TO_ORDER")
    response = get(shop, "code=SPRING")
    assert (response.status_code, response.json()["key"], response.json()["message"]) == (
        *(400, "missing_amount", "Missing amount"),
    )


def test_only_client_keys_from_an_allowed_origin_may_ask(shop: Shop) -> None:
    voucher_of(shop)
    assert shop.browser("https://evil.test").get(VALIDATE, {"code": "SPRING"}).status_code == 403
    assert shop.browser("").get(VALIDATE, {"code": "SPRING"}).status_code == 403
    assert shop.server().get(VALIDATE, {"code": "SPRING"}).status_code == 401
    assert Event.objects.count() == 0


# The forms of a query


@pytest.mark.parametrize(
    "query",
    [
        "?&code=SPRING&amount=1000",
        "&code=SPRING&amount=1000",
        "code=SPRING&amount=1000&order=[object Object]&customer=[object%20Object]",
        "code=SPRING&amount=1000&a[b][c][d][e][f][g][h][i][j]=1",
        "code=SPRING&amount=1000&channel=android&x=",
        "code=SPRING&amount=1000&customer=",
        "code=SPRING&item%5B0%5D%5Bproduct_id%5D=p&item%5B0%5D%5Bprice%5D=500&item%5B7%5D%5Bprice%5D=500",
        "code=SPRING&amount=999&item[0][price]=500&item[0][quantity]=2",
        "code=SPRING&amount=1000&metadata[shop]=1&customer[metadata][propsy]=2&metadata[test]=true",
    ],
)
def test_queries_as_libraries_write_them(shop: Shop, query: str) -> None:
    voucher_of(shop)
    wire = get(shop, query.removeprefix("?")).json()
    assert wire["valid"] is True, wire
    assert wire["order"]["amount"] == 1000


def test_lines_are_priced_from_the_catalogue(shop: Shop) -> None:
    voucher_of(shop)
    mug = ProductFactory(project=shop.project, public_id="prod_2", source_id=None, name="Mug", price=10100)
    SkuFactory(product=mug, public_id="sku_1", price=900)
    query = "code=SPRING&amount=1000&item[0][sku_id]=sku_1&item[0][quantity]=2&item[1][product_id]=prod_2"
    order = get(shop, query).json()["order"]
    assert order["amount"] == 11900
    assert order["items"][1] == {
        "object": "order_item",
        "product_id": "prod_2",
        "quantity": 1,
        "amount": 10100,
        "price": 10100,
        "subtotal_amount": 10100,
        "product": {"id": "prod_2", "source_id": None, "name": "Mug"},
    }
    unknown = get(shop, "code=SPRING&amount=1000&item[0][sku_id]=sku_1&item[1][product_id]=who").json()["order"]
    assert unknown["amount"] == 1000


def test_a_customer_by_shortcut_and_by_fields_is_one(shop: Shop) -> None:
    voucher_of(shop)
    nora = make_customer(project=shop.project, source_id="nora")
    for customer in (nora.public_id, "nora"):
        get(shop, f"code=SPRING&customer={customer}&customer[metadata][propsy]=2&customer[name]=N")
    assert {event.customer_id for event in Event.objects.all()} == {nora.pk}
    nora.refresh_from_db()
    assert nora.metadata in (None, {})


# Tracking


def test_a_second_call_with_the_tracking_id_keeps_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    voucher_of(shop)
    monkeypatch.setattr(tokens, "anonymous", lambda: "track_DMKGAJMrjR+Whjqon8FIkmoO8/INY0P+")
    token = get(shop, "code=SPRING").json()["tracking_id"]
    for sent in (token, token.replace("+", " "), quote(token, safe="")):
        for form in (f"tracking_id={quote(sent, safe='')}", f"customer[source_id]={quote(sent, safe='')}"):
            assert get(shop, f"code=SPRING&{form}").json()["tracking_id"] == token
    assert get(shop, "code=SPRING", cookie=token).json()["tracking_id"] == token
    assert TrackingIdentity.objects.count() == 1
    assert Event.objects.filter(token=token).count() == 8


def test_the_same_raw_identity_has_the_same_tracking_id_encoded(shop: Shop) -> None:
    voucher_of(shop)
    answers = [
        get(shop, f"code=SPRING&{form}").json()
        for form in ("tracking_id=nora%40x.example", "customer=nora%40x.example", "customer[source_id]=nora@x.example")
    ]
    [token] = {answer["tracking_id"] for answer in answers}
    assert token.startswith("track_")
    assert "nora" not in token


def test_the_cookie_of_another_page_on_plain_http_and_https(shop: Shop) -> None:
    voucher_of(shop)
    response = get(shop, "code=SPRING", HTTP_HOST="vouchers.example")
    cookie = response.cookies["tracking_id"]
    assert unquote(cookie.value) == response.json()["tracking_id"]
    assert (cookie["path"], cookie["max-age"], cookie["httponly"]) == ("/client/v1", 31536000, True)
    assert (cookie["secure"], cookie["samesite"]) == (True, "None")


@pytest.mark.parametrize(
    ("origin", "secure", "flags"),
    [
        ("http://localhost:3000", False, ("", "Lax")),
        ("http://localhost", False, ("", "Lax")),
        ("https://localhost", False, (True, "None")),
        ("https://localhost", True, (True, "Lax")),
        ("https://www.localhost", True, (True, "Lax")),
        ("https://evillocalhost", True, (True, "None")),
    ],
)
def test_the_cookie_of_a_page_on_the_same_site(origin: str, secure: bool, flags: tuple[Any, str]) -> None:
    shop = make_shop(origins=(origin,))
    response = shop.browser(origin).get(VALIDATE, {"code": "X"}, HTTP_HOST="localhost:8124", secure=secure)
    cookie = response.cookies["tracking_id"]
    assert (cookie["secure"], cookie["samesite"]) == flags


def test_the_cookies_name_is_a_setting(shop: Shop) -> None:
    with override_settings(TRACKING_COOKIE_NAME="tid"):
        assert "tid" in get(shop, "code=X").cookies


def test_a_forged_cookie_is_nobody(shop: Shop) -> None:
    forged = "track_" + "A" * 32
    wire = get(shop, "code=X", cookie=forged).json()
    assert wire["tracking_id"] != forged
    other = make_shop("Other")
    foreign = get(other, "code=X", cookie=wire["tracking_id"]).json()["tracking_id"]
    assert foreign != wire["tracking_id"]


def test_a_customer_id_beside_a_strange_tracking_id_is_ambiguous(shop: Shop) -> None:
    voucher_of(shop)
    nora = make_customer(project=shop.project, source_id="nora")
    response = get(shop, f"code=SPRING&customer[id]={nora.public_id}&tracking_id=emil")
    wire = response.json()
    assert (response.status_code, wire["key"]) == (400, "ambiguous_tracking_id")
    assert wire["message"].startswith("Ambiguous trackingId ('track_")
    assert get(shop, f"code=SPRING&customer[id]={nora.public_id}&tracking_id=nora").json()["valid"] is True


def test_nothing_stored_about_a_customer_leaves(shop: Shop) -> None:
    voucher_of(shop)
    make_customer(
        project=shop.project, source_id="nora", name="CANARY", email="canary@x.example", metadata={"k": "CANARY"}
    )
    known, unknown = (get(shop, f"code=SPRING&amount=1000&customer={name}").json() for name in ("nora", "emil"))
    assert "canary" not in str(known).lower()
    known["tracking_id"] = unknown["tracking_id"] = ""
    assert known == unknown


def test_the_activity_notes_who_validated(shop: Shop) -> None:
    voucher_of(shop)
    nora = make_customer(project=shop.project, source_id="nora")
    get(shop, "code=SPRING&tracking_id=nora")
    get(shop, "code=N0PE&tracking_id=nora")
    made = Event.objects.filter(customer=nora).order_by("pk")
    assert [event.type for event in made] == ["customer.validation.succeeded", "customer.validation.failed"]
    assert {event.source["channel"] for event in made} == {"CLIENT_API"}


@override_settings(CLIENT_RATE=(100, 5), CLIENT_MISS_RATE=(3, 600))
def test_guessing_codes_ends_in_429(shop: Shop) -> None:
    limits.refusals.clear()
    voucher_of(shop)
    assert [get(shop, f"code=GUESS{number}").status_code for number in range(5)] == [200] * 3 + [429] * 2
    assert get(shop, "code=SPRING").status_code == 429
    assert get(shop, "code=SPRING", REMOTE_ADDR="198.51.100.7").status_code == 200
    limits.refusals.clear()


# The server's twin


def post(shop: Shop, body: Any = None, code: str = "SPRING", **extra: Any) -> Any:
    return shop.server().post(f"/v1/vouchers/{code}/validate", body, **extra)


def test_the_server_may_ask_without_a_body(shop: Shop) -> None:
    voucher_of(shop)
    response = shop.server().post("/v1/vouchers/SPRING/validate")
    assert (response.status_code, response.json()["valid"]) == (200, True)
    assert response.json()["tracking_id"].startswith("track_")
    assert "tracking_id" not in response.cookies


def test_the_server_is_told_the_customers_id(shop: Shop) -> None:
    voucher_of(shop)
    nora = make_customer(project=shop.project, source_id="nora")
    body = {"customer": {"source_id": "nora", "name": "N"}, "order": {"amount": 1000}, "tracking_id": "ignored"}
    wire = post(shop, body).json()
    assert (wire["customer_id"], wire["order"]["total_amount"]) == (nora.public_id, 900)
    assert "customer_id" not in post(shop, {"customer": {"source_id": "emil"}}).json()
    assert "customer_id" not in get(shop, "code=SPRING&customer=nora").json()
    assert Customer.objects.count() == 1


def test_the_server_gets_refusals_with_200_and_missing_things_with_400(shop: Shop) -> None:
    voucher = voucher_of(shop, active=False)
    wire = post(shop, {}).json()
    assert (wire["valid"], wire["reason"]) == (False, "voucher is disabled")
    assert post(shop, code="a%2Fb").json()["reason"] == "voucher not found"
    Voucher.objects.update(active=True)
    segment_rule(voucher)
    assert post(shop, {}).json()["key"] == "missing_customer"
    assert post(shop, {"tracking_id": "nora"}).json()["reason"] == "customer does not match segment rules"


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ([], "Payload should be object"),
        ({"customer": "nora"}, "Property .customer should be object"),
        ({"order": {"amount": -1}}, "Property .order.amount cannot be lower than 0"),
        ({"tracking_id": 5}, "Property .tracking_id should be string"),
    ],
)
def test_the_server_is_told_what_is_wrong(shop: Shop, body: Any, details: str) -> None:
    voucher_of(shop)
    response = post(shop, body)
    assert (response.status_code, response.json()["details"]) == (400, details)
    assert (TrackingIdentity.objects.count(), Event.objects.count()) == (0, 0)


def test_what_a_browser_began_the_shop_finishes(shop: Shop) -> None:
    """Validate anonymously twice, then the backend redeems with the tracking id."""
    voucher_of(shop, quantity=1)
    token = get(shop, "code=SPRING&amount=1000").json()["tracking_id"]
    assert get(shop, f"code=SPRING&amount=1000&tracking_id={quote(token)}").json()["tracking_id"] == token
    body = {"customer": {"source_id": token, "name": "Nora"}, "order": {"amount": 1000}}
    redeemed = redemptions.redeem(project=shop.project, request=parse_legacy("SPRING", body), at=instants.now())
    assert redeemed.identity.token == token
    customer = Customer.objects.get()
    assert (customer.source_id, redeemed.customer) == (token, customer)
    assert Event.objects.filter(customer=customer, type="customer.validation.succeeded").count() == 2
    assert get(shop, "code=SPRING&amount=1000").json()["reason"] == "quantity exceeded"
    assert shop.server().get(f"/v1/customers/{quote(token, safe='')}").json()["id"] == customer.public_id


def test_a_kept_tracking_id_reads_the_profile(shop: Shop) -> None:
    nora = make_customer(project=shop.project, source_id="nora")
    for _ in range(5):  # tokens hold slashes and plus signs now and then
        token = get(shop, "code=X").json()["tracking_id"]
        assert shop.server().get(f"/v1/customers/{quote(token, safe='')}").status_code == 404
    token = get(shop, "code=X&customer=nora").json()["tracking_id"]
    for written in (quote(token, safe=""), quote(token, safe="+"), quote(quote(token, safe=""), safe="")):
        response = shop.server().get(f"/v1/customers/{written}")
        assert (response.status_code, response.json().get("id")) == (200, nora.public_id)
    updated = shop.server().put(f"/v1/customers/{quote(token, safe='')}", {"name": "Nora"})
    assert (updated.status_code, updated.json()["name"]) == (200, "Nora")
