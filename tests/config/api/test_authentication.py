from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import path
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from config.api.authentication import ClientKeyAuthentication, ManagementKeyAuthentication
from config.kernel import ids, instants
from config.project import keys
from config.project.models import ApiKey
from tests.factories import make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class ServerView(APIView):
    scope = "customers"

    def get(self, request):
        return Response({"project": request.auth.project.public_id})

    def post(self, request):
        return Response({"body": request.data})


class ClientView(ServerView):
    authentication_classes = (ClientKeyAuthentication,)


class ManagementView(ServerView):
    authentication_classes = (ManagementKeyAuthentication,)


urlpatterns = [
    path("v1/thing", ServerView.as_view()),
    path("client/v1/thing", ClientView.as_view()),
    path("management/v1/thing", ManagementView.as_view()),
]


@pytest.fixture(autouse=True)
def fresh_cache():
    keys.cache.clear()


def test_each_kind_of_key_opens_its_own_door_only():
    shop = make_shop()
    doors = ("/v1/thing", "/client/v1/thing", "/management/v1/thing")
    callers = (shop.server(), shop.browser(), shop.management())
    opened = [[caller.get(door).status_code for door in doors] for caller in callers]
    assert opened == [[200, 401, 401], [401, 200, 401], [401, 401, 200]]
    assert shop.server().get("/v1/thing").json() == {"project": shop.project.public_id}


def test_without_keys_the_answer_is_401_in_the_envelope():
    response = APIClient().get("/v1/thing")
    assert response.status_code == 401
    body = response.json()
    assert body.pop("request_id") == response["X-Request-Id"]
    assert body == {"code": 401, "key": "unauthorized", "message": "Unauthorized"}


@pytest.mark.parametrize("secret", ["", "wrong", "é", "x" * 10_000])
def test_a_wrong_secret_is_401(secret):
    shop = make_shop()
    client = APIClient()
    client.credentials(HTTP_X_APP_ID=shop.secrets["app_id"], HTTP_X_APP_TOKEN=secret)
    assert client.get("/v1/thing").status_code == 401


def test_client_keys_work_from_allowed_origins_only():
    shop = make_shop(origins=("https://shop.example",))
    assert shop.browser("https://shop.example").get("/client/v1/thing").status_code == 200
    refused = shop.browser("https://evil.example").get("/client/v1/thing")
    assert (refused.status_code, refused.json()["key"]) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in refused
    assert refused["Vary"] == "Origin"
    assert shop.browser("").get("/client/v1/thing").status_code == 403


def test_a_client_answer_carries_the_cors_headers():
    response = make_shop().browser("https://shop.example").get("/client/v1/thing")
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert response["Access-Control-Allow-Credentials"] == "true"


def test_a_revoked_key_is_refused():
    shop = make_shop()
    ApiKey.objects.filter(app_id=shop.secrets["app_id"]).update(active=False)
    keys.cache.clear()
    assert shop.server().get("/v1/thing").status_code == 401


def test_the_former_secret_counts_until_the_rotation_ends():
    shop = make_shop()
    secret, at = ids.new_uuid(), instants.now()
    key = ApiKey.objects.get(app_id=shop.secrets["app_id"])
    ApiKey.objects.filter(pk=key.pk).update(
        secret_hash=keys.hash_secret(secret), previous_secret_hash=key.secret_hash, previous_valid_until=at
    )
    keys.cache.clear()
    before, after = at - timedelta(seconds=1), at + timedelta(seconds=1)
    assert keys.find(key.app_id, shop.secrets["app_token"], "server", before)
    assert keys.find(key.app_id, shop.secrets["app_token"], "server", after) is None
    assert keys.find(key.app_id, secret, "server", after)


def test_a_key_with_other_scopes_is_forbidden():
    shop = make_shop()
    ApiKey.objects.filter(app_id=shop.secrets["app_id"]).update(scopes=["vouchers"])
    assert shop.server().get("/v1/thing").status_code == 403
    keys.cache.clear()
    ApiKey.objects.filter(app_id=shop.secrets["app_id"]).update(scopes=["customers"])
    assert shop.server().get("/v1/thing").status_code == 200


def test_secrets_are_not_stored():
    shop = make_shop()
    stored = str(list(ApiKey.objects.values()))
    assert shop.secrets["app_token"] not in stored
    assert keys.hash_secret(shop.secrets["app_token"]) in stored


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {"body": {}}),
        (b"  ", {"body": {}}),
        (b'{"a":1}', {"body": {"a": 1}}),
        (b'{"a":', {"statusCode": 400, "error": "Bad Request", "message": "Invalid request payload JSON format"}),
    ],
)
def test_bodies(body, expected):
    response = make_shop().server().generic("POST", "/v1/thing", body, content_type="application/json")
    assert response.json() == expected


def test_an_encoded_body_is_415_and_a_large_one_413(settings):
    settings.BODY_LIMIT = 100
    server = make_shop().server()
    assert server.post("/v1/thing", {}, headers={"Content-Encoding": "gzip"}).status_code == 415
    response = server.post("/v1/thing", {"a": "x" * 200})
    assert response.status_code == 413
    assert response.json() == {
        "statusCode": 413,
        "error": "Request Entity Too Large",
        "message": "Payload content length greater than maximum allowed: 100",
    }


@pytest.mark.parametrize("query", ["a=%00", "a=" + "x" * 20_000])
def test_hostile_query_strings_are_400(query):
    assert make_shop().server().get(f"/v1/thing?{query}").status_code == 400


def test_405_has_the_wires_words():
    response = make_shop().server().put("/v1/thing", {})
    assert (response.status_code, response.json()["message"]) == (405, "HTTP Method Not Allowed")
    assert response.json()["details"] == "PUT is not supported by this endpoint. Did you mean GET or POST?"
