"""T22: what was revoked in one process is refused in another within half a minute (keys) or a minute (tokens).

Every door and both kinds of token, quickly: rows change behind the process, and its clock moves on. With two real
servers: `tests/operations/test_two_processes.py`.
"""

from __future__ import annotations

import time

import pytest
from rest_framework.test import APIClient

from config.project import keys, oauth
from config.project.models import AccessToken, ApiKey
from tests.factories import Shop, make_shop

pytestmark = pytest.mark.django_db
DOORS = [
    ("server", "/v1/customers"),
    ("browser", "/client/v1/promotions/tiers"),
    ("management", "/management/v1/projects"),
]


@pytest.fixture
def shop() -> Shop:
    keys.cache.clear()
    oauth.forget()
    return make_shop()


def wait(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    later = time.monotonic() + seconds
    monkeypatch.setattr(time, "monotonic", lambda: later)


@pytest.mark.parametrize(("caller", "path"), DOORS)
def test_a_key_revoked_elsewhere_opens_nothing_after_half_a_minute(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caller: str, path: str
) -> None:
    client = getattr(shop, caller)()
    assert client.get(path).status_code == 200
    ApiKey.objects.update(active=False)
    wait(monkeypatch, 30.1)
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("how", ["token", "key"])
def test_a_token_ended_elsewhere_opens_nothing_after_a_minute(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    form = {"grant_type": "client_credentials", "scope": "api"}
    token = shop.server().post("/v1/oauth/token", form).json()["access_token"]
    client = APIClient(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/v1/customers").status_code == 200
    if how == "token":
        AccessToken.objects.all().delete()
    else:
        ApiKey.objects.update(active=False)
    wait(monkeypatch, 60)
    assert client.get("/v1/customers").status_code == 401


def test_what_a_process_remembers_of_a_missing_key_ends_after_five_seconds(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ApiKey.objects.update(active=False)
    assert shop.server().get("/v1/customers").status_code == 401
    ApiKey.objects.update(active=True)
    wait(monkeypatch, 5.1)
    assert shop.server().get("/v1/customers").status_code == 200
