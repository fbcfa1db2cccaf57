"""T22 with two real servers on one database: what one of them ended, the other refuses soon, or at once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import pytest

from config import embedded
from config.paths import BASE_DIR

pytestmark = [pytest.mark.alone, pytest.mark.slow]

FLAGS = "--interface wsgi --http 1 --no-ws --no-access-log --log-level error --workers 1 --blocking-threads 8"
ANN, EVE = "ann@shop.example", "eve@shop.example"
PASSWORD, NEXT_PASSWORD = "correct horse battery", "another staple entirely"
KEY_SECONDS, TOKEN_SECONDS = 30, 60
"""After which a revoked key, and what a token stood for, must be refused everywhere."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Browser:
    """Somebody at one of the servers, with cookies."""

    port: int
    jar: CookieJar = field(default_factory=CookieJar)

    def ask(self, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] = {}) -> tuple[int, str]:
        """Status and body; a form is posted with the CSRF token of the cookie."""
        opener = build_opener(HTTPCookieProcessor(self.jar), _NoRedirects)
        token = next((cookie.value for cookie in self.jar if cookie.name == "csrftoken"), "") or ""
        request = Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if form is None else urlencode(form).encode(),
            headers={**headers, **({} if form is None else {"X-CSRFToken": token})},
        )
        try:
            with opener.open(request, timeout=15) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def sign_in(self, password: str, name: str = ANN) -> int:
        """302 where the door opens."""
        self.ask("/dashboard/login/")
        return self.ask("/dashboard/login/", {"username": name, "password": password})[0]

    def status(self, path: str, headers: Mapping[str, str] = {}) -> int:
        return self.ask(path, headers=headers)[0]


@dataclass(frozen=True)
class Place:
    """Two servers and the keys of one project."""

    ports: tuple[int, int]
    keys: dict[str, str]

    def at(self, number: int) -> Browser:
        return Browser(self.ports[number])


def _manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def _serve(environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "config.wsgi:application", "--port", str(port), *FLAGS.split()],
        cwd=BASE_DIR, env=environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return process, port


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if Browser(port).status("/livez") == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    data = Path(mkdtemp(prefix="tessera-two-"))
    with embedded.server(data, for_tests=True) as url:
        environment = {name: value for name, value in os.environ.items() if name != "TESSERA_PROCESS"}
        environment |= {"DATA_DIR": str(data), "DATABASE_URL": url, "ADMIN_PASSWORD": PASSWORD}
        _manage(environment, "migrate", "--verbosity=0")
        _manage(environment, "collectstatic", "--noinput", "--verbosity=0")
        keys = json.loads(_manage(environment, "create_project", "Two", "--json"))
        for person in (ANN, EVE):
            _manage(environment, "create_admin", person)
        started = [_serve(environment) for _ in range(2)]
        try:
            for _, port in started:
                _wait(port)
            yield Place((started[0][1], started[1][1]), keys)
        finally:
            for process, _ in started:
                process.terminate()
            for process, _ in started:
                process.wait(30)


def _refused_within(seconds: float, since: float, ask: Any) -> bool:
    """Whether `ask` answers 401 before so many seconds are over; looks twice a second."""
    while ask() != 401:
        if time.monotonic() - since > seconds:
            return False
        time.sleep(0.5)
    return True


def _server_headers(place: Place) -> dict[str, str]:
    return {"X-App-Id": place.keys["app_id"], "X-App-Token": place.keys["app_token"]}


def _token(place: Place) -> dict[str, str]:
    """The header of a fresh bearer token, made at the first server."""
    form = {"grant_type": "client_credentials", "scope": "api"}
    status, body = place.at(0).ask("/v1/oauth/token", form, _server_headers(place))
    assert status == 200, body
    return {"Authorization": f"Bearer {json.loads(body)['access_token']}"}


def test_a_wrong_password_counts_wherever_it_is_tried(place: Place) -> None:
    tries = [place.at(number).sign_in("wrong", EVE) for number in (0, 1, 0, 1, 0)]
    assert tries == [200] * 5
    assert [place.at(number).sign_in(PASSWORD, EVE) for number in (1, 0)] == [429, 429]


def test_a_session_ends_everywhere_at_once(place: Place) -> None:
    here, there = place.at(0), place.at(1)
    assert (here.sign_in(PASSWORD), there.sign_in(PASSWORD)) == (302, 302)
    elsewhere = Browser(place.ports[1], here.jar)
    assert elsewhere.status("/dashboard/") == 200, "one session is good for both servers"
    before = {cookie.value for cookie in here.jar if cookie.name == "sessionid"}
    form = {"old_password": PASSWORD, "new_password1": NEXT_PASSWORD, "new_password2": NEXT_PASSWORD}
    assert here.ask("/dashboard/profile/password/", form)[0] == 302
    assert here.status("/dashboard/") == 200
    assert there.status("/dashboard/") == 302, "the other browser was signed out by the new password"
    assert before.isdisjoint(cookie.value for cookie in here.jar if cookie.name == "sessionid")
    assert elsewhere.ask("/dashboard/logout/", {})[0] == 302
    assert here.status("/dashboard/") == 302
    assert place.at(1).sign_in(PASSWORD) == 200
    back = place.at(1)
    assert back.sign_in(NEXT_PASSWORD) == 302
    form = {"old_password": NEXT_PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert back.ask("/dashboard/profile/password/", form)[0] == 302


def test_what_one_server_revokes_the_other_refuses_in_time(place: Place) -> None:
    """One wait for all of it: a token that was revoked, a key, and a token of that key."""
    admin = place.at(0)
    assert admin.sign_in(PASSWORD) == 302
    key, revoked, orphan = _server_headers(place), _token(place), _token(place)
    path = "/v1/customers"
    assert {place.at(number).status(path, who) for number in (0, 1) for who in (key, revoked, orphan)} == {200}
    secret = revoked["Authorization"].removeprefix("Bearer ")
    token_since = time.monotonic()
    assert admin.ask("/v1/oauth/token/revoke", {"access_token": secret}, key)[0] == 204
    key_since = time.monotonic()
    page = f"/dashboard/settings/keys/{place.keys['app_id']}/"
    assert admin.ask(page, {"do": "revoke", "password": PASSWORD})[0] == 302
    assert [place.at(0).status(path, who) for who in (key, revoked)] == [401, 401], "at once where it was done"
    other = place.at(1)
    assert other.status(path, key) == 200, "the other still remembers: the wait below is for something"
    assert _refused_within(KEY_SECONDS, key_since, lambda: other.status(path, key))
    assert _refused_within(TOKEN_SECONDS, token_since, lambda: other.status(path, revoked))
    assert _refused_within(TOKEN_SECONDS, key_since, lambda: other.status(path, orphan))
