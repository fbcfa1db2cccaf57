"""Sessions over HTTP: in each of the calls that validate and redeem."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from config.api import limits
from tests.factories import Shop, make_shop, make_voucher
from vouchers.models import SessionLock

pytestmark = pytest.mark.django_db
ECHO = {"key": "k", "type": "LOCK", "ttl": 5, "ttl_unit": "MINUTES"}


@pytest.fixture
def shop() -> Shop:
    limits.refusals.clear()
    shop = make_shop(client_side=("redeem",))
    make_voucher(project=shop.project, code="ONCE", quantity=1)
    return shop


def lock(shop: Shop, path: str, body: dict[str, Any] | None = None) -> Any:
    client = shop.browser() if path.startswith("/client") else shop.server()
    return (client.get(path) if body is None else client.post(path, body)).json()


REDEEMABLES = {"redeemables": [{"object": "voucher", "id": "ONCE"}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/validations", {**REDEEMABLES, "session": ECHO}),
        ("/client/v1/validations", {**REDEEMABLES, "session": ECHO}),
        ("/v1/vouchers/ONCE/validate", {"session": ECHO}),
        (
            "/client/v1/validate?code=ONCE&session_type=LOCK&session_key=k&session_ttl=5&session_ttl_unit=MINUTES",
            None,
        ),
    ],
)
def test_every_validation_can_hold_and_echoes_the_session(shop: Shop, path: str, body: dict[str, Any] | None) -> None:
    wire = lock(shop, path, body)
    assert (wire["valid"], wire["session"]) == (True, ECHO)
    refused = shop.server().post("/v1/redemptions", REDEEMABLES)
    assert (refused.status_code, refused.json()["key"]) == (400, "quantity_exceeded")
    done = shop.server().post("/v1/redemptions", {**REDEEMABLES, "session": {"type": "LOCK", "key": "k"}})
    assert done.status_code == 200, done.json()
    assert done.json()["redemptions"][0]["session"] == {"key": "k"}
    assert SessionLock.objects.count() == 0


def test_the_older_redemption_takes_the_key_too(shop: Shop) -> None:
    lock(shop, "/v1/validations", {**REDEEMABLES, "session": ECHO})
    path = "/v1/vouchers/ONCE/redemption"
    assert shop.server().post(path, {}).json()["key"] == "quantity_exceeded"
    assert shop.server().post(path, {"session": {"type": "LOCK", "key": "k"}}).status_code == 200


def test_a_session_is_echoed_with_its_defaults(shop: Shop) -> None:
    wire = lock(shop, "/v1/validations", {**REDEEMABLES, "session": {"type": "LOCK"}})
    assert wire["session"] == {"key": SessionLock.objects.get().key, "type": "LOCK", "ttl": 7, "ttl_unit": "DAYS"}
    assert "session" not in lock(shop, "/v1/validations", {**REDEEMABLES, "session": {"type": "LOCK"}})


@override_settings(CLIENT_SESSION_RATE=(2, 3600))
def test_a_browser_may_open_only_so_many_sessions(shop: Shop) -> None:
    make_voucher(project=shop.project, code="MANY", quantity=100)
    body = {"redeemables": [{"object": "voucher", "id": "MANY"}], "session": {"type": "LOCK"}}
    statuses = [shop.browser().post("/client/v1/validations", body).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    plain = {"redeemables": body["redeemables"]}
    assert shop.browser().post("/client/v1/validations", plain).status_code == 200
    assert shop.server().post("/v1/validations", body).status_code == 200
    assert SessionLock.objects.count() == 3


def test_a_browser_cannot_redeem_with_the_session_of_somebody_else(shop: Shop) -> None:
    body = {**REDEEMABLES, "session": ECHO, "tracking_id": "ann"}
    assert lock(shop, "/client/v1/validations", body)["valid"]
    stolen = shop.browser().post("/client/v1/redemptions", {**body, "tracking_id": "eve"})
    assert (stolen.status_code, stolen.json()["key"]) == (400, "invalid_customer")
    assert shop.browser().post("/client/v1/redemptions", body).status_code == 200
