"""T7: what comes over the wire before anybody parses it, against a real server and raw sockets."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest

from config import embedded
from config.paths import BASE_DIR

pytestmark = [pytest.mark.alone, pytest.mark.slow]

SLOW_CLIENTS = 32
FLAGS = "--interface wsgi --http 1 --no-ws --no-access-log --log-level error --workers 1 --blocking-threads 64"
ORDER = b'{"redeemables":[{"object":"voucher","id":"TEN"}],"order":{"amount":1000}}'


@dataclass(frozen=True)
class Shop:
    port: int
    keys: str

    def head(self, line: str, *headers: str, keys: bool = True) -> bytes:
        lines = [line, "Host: localhost", *([self.keys] if keys else []), *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def send(self, *parts: bytes, close: bool = False) -> tuple[int, bytes]:
        """Send the parts on a connection of their own; the status and body of the answer (0: the server hung up)."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            if close:
                connection.shutdown(socket.SHUT_WR)
            return read(connection)


def read(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    try:
        while b"\r\n\r\n" not in received:
            if not (block := connection.recv(65_536)):
                return 0, received
            received += block
        head, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        while length and len(body) < int(length[1]):
            body += connection.recv(65_536)
    except ConnectionResetError:
        return 0, received
    return int(head.split()[1]), body


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A server as in production, with a project and one code."""
    data = Path(mkdtemp(prefix="tessera-sockets-"))
    with embedded.server(data, for_tests=True) as url:
        environment = {name: value for name, value in os.environ.items() if name != "TESSERA_PROCESS"}
        environment |= {"DATA_DIR": str(data), "DATABASE_URL": url, "BODY_LIMIT": "100000"}
        manage(environment, "migrate", "--verbosity=0")
        made = json.loads(manage(environment, "create_project", "Sockets", "--json"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        server = subprocess.Popen(
            [sys.executable, "-m", "granian", "config.wsgi:application", "--port", str(port), *FLAGS.split()],
            cwd=BASE_DIR, env=environment, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        keys = f"X-App-Id: {made['app_id']}\r\nX-App-Token: {made['app_token']}"
        there = Shop(port, keys)
        try:
            wait(there)
            body = b'{"code":"TEN","type":"DISCOUNT_VOUCHER","discount":{"type":"PERCENT","percent_off":10}}'
            assert there.send(there.head("POST /v1/vouchers HTTP/1.1", f"Content-Length: {len(body)}"), body)[0] == 200
            yield there
        finally:
            server.terminate()
            server.wait(30)


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def wait(shop: Shop) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if shop.send(shop.head("GET /livez HTTP/1.1", keys=False))[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def chunks(body: bytes, size: int = 7) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"


def test_a_chunked_body_is_read_like_a_plain_one(shop: Shop):
    line = "POST /v1/validations HTTP/1.1"
    plain = shop.send(shop.head(line, f"Content-Length: {len(ORDER)}"), ORDER)
    chunked = shop.send(shop.head(line, "Transfer-Encoding: chunked"), chunks(ORDER))
    assert plain[0] == chunked[0] == 200
    orders = [json.loads(body)["order"] for _, body in (plain, chunked)]
    assert orders[0] == orders[1]
    assert orders[0]["total_amount"] == 900


def test_a_chunked_body_beyond_the_limit_is_refused(shop: Shop):
    head = shop.head("POST /v1/validations HTTP/1.1", "Transfer-Encoding: chunked")
    status, body = shop.send(head, chunks(b"x" * 100_001, 4096))
    assert (status, json.loads(body)["statusCode"]) == (413, 413)


@pytest.mark.parametrize(
    ("headers", "body", "statuses"),
    [
        (["Content-Length: 200000"], b"", {413}),
        (["Content-Length: -1"], b"", {0, 400}),
        (["Content-Length: many"], b"", {0, 400}),
        (["Content-Length: 3", "Content-Length: 5"], b"{}xyz", {0, 400}),
        (["Content-Encoding: gzip", "Content-Length: 2"], b"{}", {415}),
        (["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n", {0, 400}),
    ],
)
def test_wrong_lengths_and_encodings_are_refused(shop: Shop, headers, body, statuses):
    status, _ = shop.send(shop.head("POST /v1/validations HTTP/1.1", *headers), body)
    assert status in statuses
    assert shop.send(shop.head("GET /livez HTTP/1.1", keys=False))[0] == 200


def test_a_body_that_ends_early_is_no_redemption(shop: Shop):
    line = shop.head("POST /v1/vouchers/TEN/redemption HTTP/1.1", "Content-Length: 50")
    assert shop.send(line, b'{"order":', close=True)[0] in {0, 400}
    listed = json.loads(shop.send(shop.head("GET /v1/redemptions HTTP/1.1"))[1])
    assert listed["total"] == 0


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        ("TRACE /v1/vouchers HTTP/1.1", {400, 405}),
        (f"GET /v1/vouchers?code={'x' * 64_000} HTTP/1.1", {0, 400, 414, 431}),
        (f"GET /v1/vouchers/{'x' * 60_000} HTTP/1.1", {0, 400, 404, 414, 431}),
        ("GET /v1/vouchers/%00 HTTP/1.1", {400, 404}),
        ("GET /v1/vouchers?code=%00 HTTP/1.1", {400}),
        ("GET /v1/vouchers/%zz%c3%28 HTTP/1.1", {400, 404}),
        ("GET /v1/vouchers/%ff%fe HTTP/1.1", {400, 404}),
        ("GET /v1/customers?email=%ed%a0%80 HTTP/1.1", {200, 400}),
    ],
)
def test_hostile_request_lines_get_an_answer_below_500(shop: Shop, line, statuses):
    status, body = shop.send(shop.head(line))
    assert status in statuses
    if status in (400, 404) and body.startswith(b"{"):
        assert json.loads(body)["code"] == status


def test_half_sent_requests_do_not_keep_others_waiting(shop: Shop):
    held = [shop.connect() for _ in range(SLOW_CLIENTS)]
    try:
        for connection in held:
            connection.sendall(shop.head("POST /v1/validations HTTP/1.1", "Content-Length: 500") + b'{"redeemables":')
        for _ in range(5):
            before = time.monotonic()
            assert shop.send(shop.head("GET /v1/vouchers/TEN HTTP/1.1"))[0] == 200
            assert time.monotonic() - before < 5.0  # a second by the book; CI's machines have moods
    finally:
        for connection in held:
            connection.close()
