import itertools

import pytest
from django.test import override_settings
from django.urls import path
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from config.api import limits
from config.api.authentication import ClientKeyAuthentication
from config.api.limits import ClientRate
from config.api.models import RateWindow
from config.project import keys
from tests.factories import make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

START = 1_800_000_000.0
FIVE = (5, 5)


class CodeView(APIView):
    authentication_classes = (ClientKeyAuthentication,)
    throttle_classes = (ClientRate,)

    def get(self, request):
        if "unknown" in request.query_params:
            limits.count_miss(request)
        return Response({})


class ServerView(APIView):
    def get(self, request):
        return Response({})


urlpatterns = [path("client/v1/code", CodeView.as_view()), path("v1/thing", ServerView.as_view())]


@pytest.fixture(autouse=True)
def forgive():
    keys.cache.clear()
    limits.refusals.clear()


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = START

    monkeypatch.setattr(limits.time, "time", lambda: Clock.now)
    return Clock


def hits(bucket, moments, rate=FIVE):
    return [limits.hit(bucket, rate, START + moment).allowed for moment in moments]


def test_five_calls_pass_and_the_sixth_does_not():
    assert hits("a", [0, 0.1, 0.2, 0.3, 0.4, 0.5]) == [True] * 5 + [False]
    assert hits("b", [0.6]) == [True]


def test_a_full_window_still_weighs_at_the_beginning_of_the_next():
    assert hits("a", [4] * 5) == [True] * 5
    assert hits("a", [5.0]) == [False]
    limits.refusals.clear()
    assert hits("a", [6.0, 6.1]) == [True, False]
    limits.refusals.clear()
    assert hits("a", [9.9] * 4 + [9.95]) == [True] * 3 + [False, False]


def test_refused_calls_do_not_count():
    for moment in range(3):
        limits.refusals.clear()
        hits("a", [moment] * 9)
    assert RateWindow.objects.get().hits == 5


def test_a_flood_costs_no_sql(django_assert_num_queries):
    hits("a", [0] * 6)
    with django_assert_num_queries(0):
        assert hits("a", [0.1] * 50) == [False] * 50
    with django_assert_num_queries(1):
        assert hits("b", [0]) == [True]


def test_what_is_said_about_the_rest():
    states = [limits.hit("a", FIVE, START) for _ in range(6)]
    assert [state.remaining for state in states] == [4, 3, 2, 1, 0, 0]
    assert {state.limit for state in states} == {5}
    assert states[5].retry_at == START + 6


@pytest.mark.parametrize(("former", "current"), list(itertools.product(range(6), range(6))))
def test_the_promised_moment_is_right(former, current):
    """A call at that moment passes, and one a tenth of a second earlier would not have, if it was refused at all."""
    free = limits.free_at(former, current, int(START), FIVE)
    if current + 1 + former <= 5:
        return

    def fits(at):
        if at < START + 5:
            return current + 1 + former * (1 - (at - START) / 5) <= 5 + 1e-6
        return 1 + current * (1 - (at - START - 5) / 5) <= 5 + 1e-6

    assert fits(free)
    assert not fits(free - 0.1) or free == START + 5


def test_old_windows_are_forgotten():
    hits("a", [0, 5, 10])
    assert limits.forget(before=START + 10) == 2
    assert RateWindow.objects.count() == 1


@pytest.mark.parametrize(
    ("_case", "proxies", "remote", "forwarded", "address"),
    [
        ("the socket's", [], "198.51.100.7", "", "198.51.100.7"),
        ("a claim is not believed", [], "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("our proxy is", ["10.0.0.0/8"], "10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("the last hop before ours", ["10.0.0.0/8"], "10.1.2.3", "1.1.1.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("only proxies", ["10.0.0.0/8"], "10.1.2.3", "10.9.9.9", "10.9.9.9"),
        ("rubbish", ["10.0.0.0/8"], "10.1.2.3", "1.1.1.1, x", "unknown"),
        ("one home", [], "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("mapped", [], "::ffff:198.51.100.7", "", "198.51.100.7"),
        ("a socket of the machine", [], "", "", "unknown"),
    ],
)
def test_whose_address_counts(_case, proxies, remote, forwarded, address):
    request = APIRequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    with override_settings(TRUSTED_PROXIES=proxies):
        assert limits.address_of(request) == address


@override_settings(CLIENT_RATE=FIVE)
def test_client_calls_are_limited_for_each_address_and_key(clock):
    shop, other = make_shop(), make_shop("Other")
    client = shop.browser()
    answers = [client.get("/client/v1/code") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5].json() == {"code": 429, "message": "Too many requests hit the API too quickly."}
    assert [answer["X-Rate-Limit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    headers = ("X-Rate-Limit-Limit", "X-Rate-Limit-Type", "X-Rate-Limit-Retry", "Retry-After")
    assert [answers[5][name] for name in headers] == ["5", "api_calls", str(int(START) + 6), "6"]
    assert "Retry-After" not in answers[0]
    assert answers[5]["Access-Control-Allow-Origin"] == "https://shop.example"
    assert client.get("/client/v1/code", REMOTE_ADDR="198.51.100.7").status_code == 200
    assert client.get("/client/v1/code", HTTP_X_FORWARDED_FOR="198.51.100.8").status_code == 429
    assert other.browser().get("/client/v1/code").status_code == 200
    clock.now = START + 6
    assert client.get("/client/v1/code").status_code == 200


@override_settings(CLIENT_RATE=(100, 5), CLIENT_MISS_RATE=(3, 600))
def test_guessing_ends_all_calls_of_that_address(clock):
    client = make_shop().browser()
    assert [client.get("/client/v1/code?unknown").status_code for _ in range(5)] == [200] * 3 + [429] * 2
    assert client.get("/client/v1/code").status_code == 429
    assert client.get("/client/v1/code", REMOTE_ADDR="198.51.100.7").status_code == 200


def test_limits_that_are_off_show_nothing(django_assert_num_queries):
    shop = make_shop()
    browser, server = shop.browser(), shop.server()
    for client, address in ((browser, "/client/v1/code?unknown"), (server, "/v1/thing")):
        client.get(address)
        with django_assert_num_queries(0):
            answer = client.get(address)
        assert not any(header.lower().startswith("x-rate") for header in answer.headers)


@override_settings(API_RATE=(2, 3600))
def test_server_calls_are_limited_for_each_project_where_it_is_wanted(clock):
    client = make_shop().server()
    assert [client.get("/v1/thing").status_code for _ in range(3)] == [200, 200, 429]
    assert make_shop("Other").server().get("/v1/thing")["X-Rate-Limit-Remaining"] == "1"
