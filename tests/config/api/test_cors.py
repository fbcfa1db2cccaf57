"""T21: which origins a browser may call from, on answers, errors and preflights."""

import pytest
from django.test import Client
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import cors
from config.api.authentication import ClientKeyAuthentication
from config.kernel.errors import InvalidPayload
from config.project import keys
from tests.factories import NOW, make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

SHOP = "https://shop.example"
ALLOWED = (SHOP, "http://localhost:3000", "https://.brand.example")


class ThingView(APIView):
    authentication_classes = (ClientKeyAuthentication,)

    def get(self, request):
        return Response({"valid": True})

    def post(self, request):
        raise InvalidPayload("Property .x should be string")

    def put(self, request):
        raise RuntimeError("a fault of ours")


class ServerView(APIView):
    def get(self, request):
        return Response({})


urlpatterns = [path("client/v1/thing", ThingView.as_view()), path("v1/thing", ServerView.as_view())]
handler404 = "config.api.errors.page_not_found"
handler500 = "config.api.errors.server_error"

ORIGINS = [
    ("exact", SHOP, True),
    ("with its port", "http://localhost:3000", True),
    ("a label below", "https://www.brand.example", True),
    ("other case, the same origin", "https://SHOP.example", True),
    ("null", "null", False),
    ("prefix", "https://shop.example.evil.test", False),
    ("suffix", "https://evilshop.example", False),
    ("suffix of a label", "https://evilbrand.example", False),
    ("below an exact entry", "https://www.shop.example", False),
    ("another port", "https://shop.example:8443", False),
    ("another port than the listed", "http://localhost:3001", False),
    ("another scheme", "http://shop.example", False),
    ("user info", "https://shop.example@evil.test", False),
    ("user info before the host", "https://evil.test@shop.example", False),
    ("a trailing dot", "https://shop.example.", False),
    ("punycode", "https://xn--shp-tna.example", False),
    ("not a host", "https://shop.example%2eevil.test", False),
    ("two of them", f"{SHOP},https://evil.test", False),
    ("two of them, the listed last", "https://evil.test,.brand.example", False),
]


@pytest.fixture(autouse=True)
def fresh_caches():
    keys.cache.clear()
    cors.known.clear()


@pytest.fixture
def browser():
    return make_shop(origins=ALLOWED).browser


def allowed_by(response):
    assert "Origin" in response["Vary"]
    origin = response.get("Access-Control-Allow-Origin")
    assert response.get("Access-Control-Allow-Credentials") == ("true" if origin else None)
    return origin


@pytest.mark.parametrize(("_case", "origin", "is_allowed"), ORIGINS)
def test_answers_errors_and_preflights_echo_allowed_origins_only(_case, origin, is_allowed, browser):
    echoed = origin if is_allowed else None
    client = browser(origin)
    client.raise_request_exception = False

    answer = client.get("/client/v1/thing")
    assert (answer.status_code, allowed_by(answer)) == (200 if is_allowed else 403, echoed)
    error = client.post("/client/v1/thing", {}, format="json")
    assert (error.status_code, allowed_by(error)) == (400 if is_allowed else 403, echoed)
    assert allowed_by(client.get("/client/v1/nowhere")) == echoed
    assert allowed_by(client.get("/client/v1/thing?" + "x" * 20_000)) == echoed
    assert allowed_by(Client().get("/client/v1/thing", headers={"Origin": origin})) == echoed

    preflight = Client().options(
        "/client/v1/thing", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    assert (preflight.status_code, allowed_by(preflight)) == (204, echoed)
    if is_allowed:
        assert "x-client-token" in preflight["Access-Control-Allow-Headers"]
        assert "idempotency-key" in preflight["Access-Control-Allow-Headers"]
        assert preflight["Access-Control-Allow-Methods"] == "GET, POST, PUT, OPTIONS"


def test_an_origin_that_is_not_allowed_is_told_so(browser):
    refused = browser("https://evil.test").get("/client/v1/thing").json()
    assert (refused["code"], refused["key"], refused["message"], refused["details"]) == (
        *(403, "forbidden", "Forbidden", "Origin https://evil.test is not allowed"),
    )
    assert browser("").get("/client/v1/thing").json()["details"] == "Origin header is required"


def test_a_fault_of_ours_can_be_read_by_the_page(browser):
    client = browser(SHOP)
    client.raise_request_exception = False
    answer = client.put("/client/v1/thing", {}, format="json")
    assert (answer.status_code, allowed_by(answer)) == (500, SHOP)


def test_the_list_of_another_project_opens_nothing(browser):
    other = make_shop("Other", origins=("https://other.example",))
    refused = browser("https://other.example").get("/client/v1/thing")
    assert (refused.status_code, allowed_by(refused)) == (403, None)
    assert other.browser("https://other.example").get("/client/v1/thing").status_code == 200


def test_a_star_allows_every_origin_but_null():
    browser = make_shop(origins=("*",)).browser
    assert allowed_by(browser("https://any.test").get("/client/v1/thing")) == "https://any.test"
    assert browser("null").get("/client/v1/thing").status_code == 403


def test_a_new_projects_origin_is_known_at_its_first_preflight(browser, monkeypatch):
    def preflight():
        return Client().options("/client/v1/thing", headers={"Origin": "https://new.example"})

    assert allowed_by(preflight()) is None
    make_shop("New", origins=("https://new.example",))
    later = cors.time.monotonic() + cors.KnownOrigins.MISS_SECONDS
    monkeypatch.setattr(cors.time, "monotonic", lambda: later)
    assert allowed_by(preflight()) == "https://new.example"


def test_the_origins_of_a_closed_project_open_no_preflight(browser):
    shop = make_shop("Closing", origins=("https://closing.example",))

    def preflight():
        cors.known.clear()
        headers = {"Origin": "https://closing.example", "Access-Control-Request-Method": "POST"}
        return Client().options("/client/v1/events", headers=headers)

    assert allowed_by(preflight()) == "https://closing.example"
    shop.project.deleted_at = NOW
    shop.project.save(update_fields=["deleted_at"])
    assert allowed_by(preflight()) is None


def test_a_page_may_send_a_bearer_token(browser):
    headers = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = Client().options("/client/v1/events", headers=headers)
    assert (response.status_code, allowed_by(response)) == (204, SHOP)
    assert "authorization" in response["Access-Control-Allow-Headers"].split(", ")


def test_the_server_side_knows_no_origins():
    shop = make_shop(origins=ALLOWED)
    for response in (
        shop.server().get("/v1/thing", HTTP_ORIGIN=SHOP),
        Client().options("/v1/thing", headers={"Origin": SHOP, "Access-Control-Request-Method": "GET"}),
    ):
        assert not any(header.lower().startswith("access-control-") for header in response.headers)
