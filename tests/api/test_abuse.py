"""Guessing and prying with a client key (T16, T17): codes, tokens, and other people's profiles."""

from __future__ import annotations

import base64
import json
import secrets
from urllib.parse import quote

import pytest

from config.api import limits
from customers.models import Customer
from tests.factories import make_customer, make_shop, make_voucher
from tracking import tokens
from tracking.services import identities
from vouchers.models import SessionLock

pytestmark = pytest.mark.django_db
CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def forgiven():
    limits.refusals.clear()
    yield
    limits.refusals.clear()


@pytest.fixture
def shop():
    return make_shop(client_side=("redeem", "create_customer", "list_vouchers", "publish"))


def test_a_thousand_guesses_are_twenty_answers(shop, settings):
    settings.CLIENT_RATE, settings.CLIENT_MISS_RATE = (100_000, 5), (20, 600)
    make_voucher(project=shop.project, code="GOOD")
    browser = shop.browser()
    statuses = [
        browser.get(
            f"/client/v1/validate?code=GUESS-{number}&amount=100", HTTP_X_FORWARDED_FOR=f"8.8.{number % 250}.1"
        ).status_code
        for number in range(1000)
    ]
    assert statuses.count(200) == 20
    assert set(statuses[20:]) == {429}
    assert browser.get("/client/v1/validate?code=GOOD&amount=100").status_code == 429
    elsewhere = browser.get("/client/v1/validate?code=GOOD&amount=100", REMOTE_ADDR="198.51.100.7")
    assert (elsewhere.status_code, elsewhere.json()["valid"]) == (200, True)


def test_a_thousand_forged_tokens_are_nobody(shop):
    known = make_customer(project=shop.project, source_id="crm-1", name=CANARY)
    real = identities.token_of(project=shop.project, customer=known)
    stranger = make_shop("Other")
    theirs = identities.token_of(
        project=stranger.project, customer=make_customer(project=stranger.project, source_id="crm-1")
    )
    forged = [theirs, *(_flipped(real, bit) for bit in range(192)), *(tokens.anonymous() for _ in range(807))]
    before = Customer.objects.count()
    for token in forged:
        found = identities.resolve(
            project=shop.project, tracking_id=token, source_id=None, customer_id=None, cookie=token,
            at=known.created_at, anonymous=True, store=False,
        )  # fmt: skip
        assert found.customer is None
        assert found.token != real
    assert len(set(forged)) == 1000
    assert Customer.objects.count() == before
    for token in forged[:5]:
        answer = shop.server().get(f"/v1/customers/{quote(token, safe='')}")
        assert answer.status_code == 404


def _flipped(token: str, bit: int) -> str:
    data = bytearray(base64.b64decode(token.removeprefix("track_")))
    data[bit // 8] ^= 1 << (bit % 8)
    return "track_" + base64.b64encode(bytes(data)).decode()


def test_a_client_key_reads_nothing_of_another_customer_and_changes_nothing(shop):
    make_voucher(project=shop.project, code="OPEN")
    known = make_customer(
        project=shop.project, source_id="crm-1", name=f"{CANARY} name", email=f"{CANARY}@shop.example",
        phone=f"{CANARY} phone", metadata={"secret": f"{CANARY} metadata"}, address={"city": f"{CANARY} city"},
    )  # fmt: skip
    token = identities.token_of(project=shop.project, customer=known)
    before = Customer.objects.values().get(pk=known.pk)
    browser = shop.browser()
    for customer in (
        {"source_id": "crm-1"},
        {"id": known.public_id},
        {"source_id": token},
        {"email": f"{CANARY}@shop.example"},
    ):
        overwriting = {**customer, "name": "Mallory", "metadata": {"secret": "gone"}}
        order = {"amount": 1000}
        answers = [
            browser.get("/client/v1/validate", {"code": "OPEN", "amount": 1000, **_flat(overwriting)}),
            browser.post("/client/v1/validations", _stack(overwriting, order)),
            browser.post("/client/v1/redemptions", _stack(overwriting, order)),
            browser.post("/client/v1/redeem?code=OPEN", {"customer": overwriting, "order": order}),
            browser.post("/client/v1/events", {"event": "seen", "customer": overwriting}),
            browser.post("/client/v1/customers", overwriting),
        ]
        for answer in answers:
            text = answer.content.decode().replace(str(customer.get("email")), "")
            assert CANARY not in text, f"{answer.request['PATH_INFO']} tells of {customer}: {text[:600]}"
    after = Customer.objects.values().get(pk=known.pk)
    profile = ("name", "email", "phone", "metadata", "address", "source_id", "deleted_at")
    assert {name: after[name] for name in profile} == {name: before[name] for name in profile}


def test_validating_does_not_tell_whether_somebody_is_known(shop):
    make_voucher(project=shop.project, code="OPEN")
    make_customer(project=shop.project, source_id="crm-known", email="known@shop.example")
    shapes = set()
    for source_id in ("crm-known", "crm-unknown"):
        answer = shop.browser().get("/client/v1/validate", {"code": "OPEN", "amount": 1000, "customer": source_id})
        body = answer.json()
        assert body.pop("tracking_id").startswith("track_")
        shapes.add(json.dumps(body, sort_keys=True).replace(source_id, ""))
    assert len(shapes) == 1


@pytest.mark.parametrize("names_itself", [True, False])
def test_a_client_key_cannot_lock_all_uses_of_a_code(shop, settings, names_itself):
    settings.CLIENT_RATE, settings.CLIENT_SESSION_RATE = (100_000, 5), (10, 3600)
    make_voucher(project=shop.project, code="MANY", quantity=50)
    statuses = []
    for number in range(60):
        body = {"redeemables": [{"object": "voucher", "id": "MANY"}], "session": {"type": "LOCK"}}
        if names_itself:
            body["tracking_id"] = f"visitor-{number}"
        query = f"code=MANY&session_type=LOCK&tracking_id=visitor-{number}"
        browser = shop.browser()  # a fresh one: no cookie
        answer = (
            browser.get(f"/client/v1/validate?{query}") if number % 2 else browser.post("/client/v1/validations", body)
        )
        statuses.append(answer.status_code)
    assert statuses.count(200) == 10
    assert set(statuses[10:]) == {429}
    assert SessionLock.objects.count() == 10
    assert shop.server().post("/v1/redemptions", _stack({}, {"amount": 100}, "MANY")).status_code == 200


def test_an_identity_holds_a_code_once_however_often_it_asks(shop, settings):
    settings.CLIENT_SESSION_RATE = None
    make_voucher(project=shop.project, code="MANY", quantity=5)
    make_customer(project=shop.project, source_id="crm-1")
    for number in range(12):
        query = f"code=MANY&session_type=LOCK&session_key=key-{number}&tracking_id=crm-1"
        assert shop.browser().get(f"/client/v1/validate?{query}").json()["valid"]
    assert SessionLock.objects.values_list("key", flat=True).get() == "key-11"


@pytest.mark.parametrize("made_by", ["browser", "server", "server for nobody"])
def test_a_session_is_used_overwritten_and_released_only_by_who_made_it(shop, made_by):
    make_voucher(project=shop.project, code="ONCE", quantity=1)
    make_voucher(project=shop.project, code="FREE")
    held = {"type": "LOCK", "key": "cart-1"}
    ann = {"redeemables": [{"object": "voucher", "id": "ONCE"}], "session": held}
    if made_by != "server for nobody":
        ann["tracking_id"] = "ann"
    caller, door = (shop.browser(), "/client/v1") if made_by == "browser" else (shop.server(), "/v1")
    assert caller.post(f"{door}/validations", ann).json()["valid"]
    before = list(SessionLock.objects.values())
    for code in ("ONCE", "FREE"):
        eve = {"redeemables": [{"object": "voucher", "id": code}], "session": held, "tracking_id": "eve"}
        overwriting = shop.browser().post("/client/v1/validations", eve)
        assert (overwriting.status_code, overwriting.json()["valid"] if overwriting.status_code == 200 else False) in (
            (200, False), (400, False),
        ), overwriting.json()  # fmt: skip
        legacy = shop.browser().get(
            f"/client/v1/validate?code={code}&session_type=LOCK&session_key=cart-1&tracking_id=eve"
        )
        assert legacy.status_code == 400 or not legacy.json()["valid"], legacy.json()
        redeeming = shop.browser().post("/client/v1/redemptions", eve)
        assert redeeming.status_code == 400, redeeming.json()
        old = shop.browser().post(f"/client/v1/redeem?code={code}", {"session": held, "customer": {"source_id": "eve"}})
        assert old.status_code == 400, old.json()
        assert shop.browser().delete(f"/client/v1/vouchers/{code}/sessions/cart-1").status_code in (401, 403, 404, 405)
        assert list(SessionLock.objects.values()) == before


def _flat(customer: dict) -> dict:
    flat = {}
    for key, value in customer.items():
        if isinstance(value, dict):
            flat |= {f"customer[{key}][{name}]": text for name, text in value.items()}
        else:
            flat[f"customer[{key}]"] = value
    return flat


def _stack(customer: dict, order: dict, code: str = "OPEN") -> dict:
    return {"redeemables": [{"object": "voucher", "id": code}], "customer": customer, "order": order}


def test_tokens_cannot_be_guessed():
    assert len(base64.b64decode(tokens.anonymous().removeprefix("track_"))) >= 16
    assert tokens.anonymous() != tokens.anonymous()
    assert secrets.compare_digest(tokens.for_identity("a", "x"), tokens.for_identity("a", "x"))
    assert tokens.for_identity("a", "x") != tokens.for_identity("b", "x")
