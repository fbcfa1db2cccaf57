"""T5 and T2 over a proxy: a database that falls silent, hangs up, is slow, or loses the answer to COMMIT."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest

from config import embedded
from config.paths import BASE_DIR
from config.patience import Patient
from tests.operations.proxy import COMMIT, Proxy
from tests.operations.test_sockets import FLAGS, Shop, manage, wait

pytestmark = [pytest.mark.alone, pytest.mark.slow]

LONGEST = 15.0
"""Seconds that a request may take whatever happens."""
HEALTHY = 3.0
"""Seconds after which requests are served again once the database answers."""
CLIENTS = 10


@dataclass
class Running:
    shop: Shop
    proxy: Proxy
    url: str
    server: subprocess.Popen[bytes]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    seconds: float

    @property
    def key(self) -> str:
        return str(json.loads(self.body).get("key", ""))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A server as in production, with its limits, four connections, and a proxy before its database."""
    data = Path(mkdtemp(prefix="tessera-blackouts-"))
    with embedded.server(data, for_tests=True) as url, Proxy(embedded.socket_dir(data) / embedded.SOCKET_NAME) as proxy:
        environment = {name: value for name, value in os.environ.items() if name != "TESSERA_PROCESS"}
        environment |= {"DATA_DIR": str(data), "DATABASE_URL": url, "LOG_LEVEL": "CRITICAL"}
        manage(environment, "migrate", "--verbosity=0")
        made = json.loads(manage(environment, "create_project", "Blackouts", "--json"))
        environment |= {
            "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{proxy.port}/{embedded.DATABASE}",
            "DATABASE_POOL_SIZE": "4",
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        server = subprocess.Popen(
            [sys.executable, "-m", "granian", "config.wsgi:application", "--port", str(port), *FLAGS.split()],
            cwd=BASE_DIR, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        shop = Shop(port, f"X-App-Id: {made['app_id']}\r\nX-App-Token: {made['app_token']}")
        try:
            wait(shop)
            for code, more in (("MANY", {}), ("FEW", {"redemption": {"quantity": 5}})):
                terms = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
                made_one = post(shop, "/v1/vouchers", {"code": code, **terms, **more})
                assert made_one.status == 200, made_one.body
            yield Running(shop, proxy, url, server)
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(autouse=True)
def as_before(running: Running) -> Iterator[None]:
    """Each test leaves a database that answers, and a server that never had to be started again."""
    yield
    running.proxy.silent, running.proxy.delay = False, 0.0
    running.proxy.swallow(0)
    until_served(running)
    assert running.server.poll() is None


def post(shop: Shop, path: str, body: Any, key: str = "") -> Answer:
    sent = json.dumps(body).encode()
    headers = [f"Content-Length: {len(sent)}", *([f"Idempotency-Key: {key}"] if key else [])]
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", shop.port), timeout=60) as connection:
        connection.sendall(shop.head(f"POST {path} HTTP/1.1", *headers) + sent)
        received = b""
        while b"\r\n\r\n" not in received and (block := connection.recv(65_536)):
            received += block
        head, _, answer = received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(answer) < length and (block := connection.recv(65_536)):
            answer += block
    status = int(head.split()[1])
    if status == 503:
        assert b"retry-after: 2" in head.lower()
    return Answer(status, answer, time.monotonic() - start)


def redeem(running: Running, code: str = "MANY", key: str = "", customer: str = "c-1") -> Answer:
    body = {"redeemables": [{"object": "voucher", "id": code}], "customer": {"source_id": customer}}
    return post(running.shop, "/v1/redemptions", {**body, "order": {"amount": 1000}}, key)


def validate(running: Running) -> Answer:
    return post(running.shop, "/v1/validations", {"redeemables": [{"object": "voucher", "id": "MANY"}]})


def at_once(number: int, work: Any) -> list[Answer]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(work, range(number)))


def until_served(running: Running) -> float:
    """Seconds until a redemption is served again."""
    start = time.monotonic()
    while (answer := redeem(running)).status != 200:
        assert answer.status == 503, answer.body
        assert time.monotonic() - start < 4 * LONGEST
    return time.monotonic() - start


def stored(running: Running, *, code: str = "MANY") -> tuple[int, int, int]:
    """(redemptions that succeeded, uses counted, attempts that failed)"""
    with psycopg.connect(running.url) as connection:
        row = connection.execute(
            """SELECT (SELECT count(*) FROM vouchers_redemption r WHERE r.voucher_id = v.id AND r.result = 'SUCCESS'),
                v.redeemed_quantity,
                (SELECT count(*) FROM vouchers_redemption r WHERE r.voucher_id = v.id AND r.result <> 'SUCCESS')
            FROM vouchers_voucher v WHERE v.code = %s""",
            [code],
        ).fetchone()
    assert row is not None
    return row


def test_a_database_that_takes_everything_and_never_answers_costs_503_within_the_time(running: Running) -> None:
    assert redeem(running).status == 200
    done = stored(running)
    running.proxy.silent = True
    first = at_once(CLIENTS, lambda index: redeem(running, key=f"black-{index}") if index % 2 else validate(running))
    assert running.shop.send(running.shop.head("GET /livez HTTP/1.1", keys=False))[0] == 200
    start = time.monotonic()
    assert running.shop.send(running.shop.head("GET /healthz HTTP/1.1", keys=False))[0] == 503
    assert time.monotonic() - start < 2
    second = at_once(CLIENTS, lambda _: validate(running))
    for answer in (*first, *second):
        assert (answer.status, answer.key) == (503, "service_unavailable")
        assert answer.seconds < LONGEST
    running.proxy.silent = False
    assert until_served(running) < HEALTHY
    after = stored(running)
    assert after[0] == after[1] <= done[0] + 1 + CLIENTS // 2, "what was under way may have come through"
    assert after[2] == 0
    again = [redeem(running, key=f"black-{index}") for index in range(1, CLIENTS, 2)]
    assert {answer.status for answer in again} == {200}
    with psycopg.connect(running.url) as connection:
        kept = connection.execute("SELECT count(*) FROM api_idempotencykey WHERE key LIKE 'black-%'").fetchone()
    assert kept == (CLIENTS // 2,), "one effect a key, before or after"


def test_a_database_that_falls_silent_in_the_middle_of_requests_ends_them_in_time(running: Running) -> None:
    """Their connections are in use, so only patience ends them: TCP sees a server that takes what it is sent."""
    before = stored(running)
    running.proxy.delay = 0.15
    silence = threading.Timer(0.5, lambda: setattr(running.proxy, "silent", True))
    silence.start()
    answers = at_once(4, lambda index: redeem(running, key=f"middle-{index}"))
    silence.join()
    assert {(answer.status, answer.key) for answer in answers} == {(503, "service_unavailable")}
    assert 8 < max(answer.seconds for answer in answers) < LONGEST
    assert running.shop.send(running.shop.head("GET /livez HTTP/1.1", keys=False))[0] == 200
    running.proxy.silent, running.proxy.delay = False, 0.0
    assert until_served(running) < HEALTHY
    assert {redeem(running, key=f"middle-{index}").status for index in range(4)} == {200}
    after = stored(running)
    assert after[0] == after[1] and after[0] - before[0] <= 6 and after[2] == 0


@pytest.mark.parametrize("patience", [0.4, None])
def test_patience_ends_what_would_wait_for_ever(running: Running, patience: float | None) -> None:
    """With its control: psycopg alone waits until the server says something."""
    kind = type("Tried", (Patient,), {"patience": patience})
    address = f"postgresql://postgres@127.0.0.1:{running.proxy.port}/{embedded.DATABASE}"
    with kind.connect(address, autocommit=True) as connection, ThreadPoolExecutor(1) as pool:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        running.proxy.silent = True
        asked = pool.submit(connection.execute, "SELECT 2")
        if patience is None:
            with pytest.raises(TimeoutError):
                asked.result(timeout=1.5)
            running.proxy.silent = False
            assert asked.result(timeout=5).fetchone() == (2,)
        else:
            with pytest.raises(psycopg.OperationalError, match="did not answer in time"):
                asked.result(timeout=1.5)
            assert connection.closed


def test_a_database_that_hangs_up_is_found_again(running: Running) -> None:
    for _ in range(3):
        running.proxy.cut()
        assert until_served(running) < HEALTHY
    assert stored(running)[2] == 0


def test_more_requests_than_connections_wait_two_seconds_and_are_told_so(running: Running) -> None:
    running.proxy.delay = 0.4
    answers = at_once(40, lambda _: validate(running))
    told = Counter(answer.status for answer in answers)
    assert set(told) == {200, 503}
    assert all(answer.key == "service_unavailable" for answer in answers if answer.status == 503)
    assert max(answer.seconds for answer in answers) < LONGEST
    running.proxy.delay = 0
    assert until_served(running) < HEALTHY


def test_the_last_uses_are_given_once_also_over_a_slow_line(running: Running) -> None:
    """T1 with 20 ms added to every round trip."""
    running.proxy.delay = 0.01
    answers: list[Answer] = []
    while len(answers) < 16:
        answers += [one for one in at_once(4, lambda _: redeem(running, "FEW")) if one.status != 503]
    told = Counter(answer.status if answer.status == 200 else answer.key for answer in answers)
    assert told == {200: 5, "quantity_exceeded": len(answers) - 5}
    assert stored(running, code="FEW")[:2] == (5, 5)


def test_one_key_from_many_threads_while_the_answer_to_commit_is_lost_has_one_effect(running: Running) -> None:
    """T2."""
    for turn in range(3):
        before, key = stored(running), f"lost-{turn}"
        running.proxy.swallow(1)
        answers = at_once(CLIENTS, lambda _, key=key: redeem(running, key=key))
        assert running.proxy.swallowed
        assert {answer.status for answer in answers} <= {200, 400, 503}
        assert {answer.key for answer in answers if answer.status == 400} <= {"multiple_requests"}
        later = redeem(running, key=key)
        assert later.status == 200
        assert {answer.body for answer in answers if answer.status == 200} <= {later.body}
        assert stored(running) == (before[0] + 1, before[1] + 1, 0)
        body = {"redeemables": [{"object": "voucher", "id": "MANY"}]}
        other = post(running.shop, "/v1/redemptions", body, key)
        assert (other.status, other.key) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(("customer", "question"), [("somebody new", COMMIT), ("c-1", b"PAID")])
def test_a_lost_answer_without_a_key_is_503_and_no_failure_is_recorded(
    running: Running, customer: str, question: bytes
) -> None:
    """Of a transaction, and of the one statement that redeems for somebody who is as we know them."""
    assert redeem(running).status == 200
    before = stored(running)
    running.proxy.swallow(1, question)
    answer = redeem(running, customer=customer)
    assert running.proxy.swallowed
    assert (answer.status, answer.key) == (503, "service_unavailable")
    assert stored(running) == (before[0] + 1, before[1] + 1, 0), "it took effect; nobody can know without a key"
