from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient

from config.kernel import instants
from config.project import keys, oauth
from config.project.models import AccessToken, ApiKey
from tests.factories import ORIGIN, make_shop

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def nothing_remembered():
    keys.cache.clear()
    oauth.forget()
    yield
    keys.cache.clear()
    oauth.forget()


@pytest.fixture
def shop():
    return make_shop()


def ask(shop, path="token", **fields):
    body = {"grant_type": "client_credentials", **fields} if path == "token" else fields
    return shop.server().post(f"/v1/oauth/{path}", urlencode(body), content_type=FORM)


def bearer(token, **headers):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", **headers)
    return client


def test_a_key_makes_a_token_for_a_quarter_of_an_hour(shop):
    answer = ask(shop, scope="customers vouchers")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["expires_in"], body["scope"], body["token_type"]) == (900, "customers vouchers", "Bearer")
    assert body["client_id"] == shop.secrets["app_id"]
    assert abs(body["expires_at"] - instants.now().timestamp() - 900) < 5
    assert body["access_token"] not in str(AccessToken.objects.values())


def test_json_is_taken_as_well_and_a_missing_scope_is_everything(shop):
    body = shop.server().post("/v1/oauth/token", {"grant_type": "client_credentials"}).json()
    assert body["scope"] == "api client_api"


def test_a_token_opens_what_its_scopes_say(shop):
    token = ask(shop, scope="customers").json()["access_token"]
    assert bearer(token).get("/v1/customers").status_code == 200
    refused = bearer(token).get("/v1/vouchers")
    assert (refused.status_code, refused.json()["key"]) == (403, "missing_required_permission")
    everything = ask(shop, scope="api").json()["access_token"]
    assert bearer(everything).get("/v1/vouchers").status_code == 200


def test_the_client_side_needs_client_scopes_and_an_allowed_origin_where_there_is_one(shop):
    server = ask(shop, scope="api").json()["access_token"]
    client = ask(shop, scope="client_validate").json()["access_token"]
    path = "/client/v1/validate?code=X&amount=100"
    assert bearer(server).get(path).status_code == 403
    assert bearer(client).get(path).status_code == 200
    assert bearer(client, HTTP_ORIGIN=ORIGIN).get(path).status_code == 200
    assert bearer(client, HTTP_ORIGIN="https://evil.example").get(path).status_code == 403
    assert bearer(client).get("/v1/customers").status_code == 403


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"grant_type": "password"}, "invalid_grant_type", "Invalid grant_type"),
        ({"grant_type": ""}, "invalid_grant_type", "Invalid grant_type"),
        ({"scope": "vouchers nonsense odd"}, "invalid_scope", "Invalid scope: nonsense,odd"),
    ],
)
def test_what_cannot_be_given_is_refused(shop, fields, key, message):
    answer = ask(shop, **fields)
    assert (answer.status_code, answer.json()["key"], answer.json()["message"]) == (400, key, message)
    assert not AccessToken.objects.exists()


def test_a_token_never_has_more_than_its_key(shop):
    ApiKey.objects.filter(app_id=shop.secrets["app_id"]).update(scopes=["customers"])
    keys.cache.clear()
    assert ask(shop, scope="vouchers").json()["message"] == "Invalid scope: vouchers"
    assert ask(shop).json()["scope"] == "customers"


def test_a_token_makes_no_token(shop):
    token = ask(shop).json()["access_token"]
    body = urlencode({"grant_type": "client_credentials"})
    assert bearer(token).post("/v1/oauth/token", body, content_type=FORM).status_code == 401


def test_introspection_tells_of_living_tokens_of_the_project_only(shop):
    token = ask(shop, scope="customers").json()["access_token"]
    known = ask(shop, "introspect", access_token=token).json()
    assert (known["active"], known["scope"], known["access_token"]) == (True, "customers", token)
    assert ask(shop, "introspect", access_token="unknown").json() == {"active": False}
    assert ask(make_shop("Other"), "introspect", access_token=token).json() == {"active": False}
    missing = ask(shop, "introspect")
    assert (missing.status_code, missing.json()["key"]) == (400, "missing_parameters")


def test_a_revoked_token_opens_nothing(shop):
    token = ask(shop).json()["access_token"]
    assert bearer(token).get("/v1/customers").status_code == 200
    assert ask(make_shop("Other"), "token/revoke", access_token=token).status_code == 404
    gone = ask(shop, "token/revoke", access_token=token)
    assert (gone.status_code, gone.content) == (204, b"")
    assert bearer(token).get("/v1/customers").status_code == 401
    again = ask(shop, "token/revoke", access_token=token)
    assert (again.status_code, again.content) == (404, b"")


def test_a_token_ends_with_its_time_and_with_its_key(shop):
    late = ask(shop).json()["access_token"]
    AccessToken.objects.update(expires_at=instants.now() - timedelta(seconds=1))
    assert bearer(late).get("/v1/customers").status_code == 401
    assert oauth.drop_expired(at=instants.now()) == 1
    token = ask(shop).json()["access_token"]
    ApiKey.objects.filter(app_id=shop.secrets["app_id"]).update(active=False)
    assert bearer(token).get("/v1/customers").status_code == 401


def test_a_project_has_a_thousand_live_tokens_at_most(shop, monkeypatch):
    monkeypatch.setattr(oauth, "MOST_LIVE", 1)
    assert ask(shop).status_code == 200
    assert ask(shop).json()["key"] == "limit_exceeded"


def test_a_key_is_bound_to_its_networks(shop):
    ApiKey.objects.filter(app_id=shop.secrets["app_id"]).update(allowed_networks=["10.0.0.0/8"])
    keys.cache.clear()
    refused = shop.server().get("/v1/customers")
    assert (refused.status_code, refused.json()["key"]) == (403, "forbidden")
    ApiKey.objects.filter(app_id=shop.secrets["app_id"]).update(allowed_networks=["127.0.0.0/8"])
    keys.cache.clear()
    assert shop.server().get("/v1/customers").status_code == 200
