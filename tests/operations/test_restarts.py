"""T5: PostgreSQL restarted under load: clean 503s, nothing acknowledged is lost or doubled, and no restart of ours."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest

from config import embedded
from config.paths import BASE_DIR
from tests.operations.test_sockets import FLAGS, Shop, manage, wait

pytestmark = [pytest.mark.alone, pytest.mark.slow]

CLIENTS = 6
ENOUGH = 25
"""Answers between two disturbances."""
PATIENCE = 60.0
BODY = (
    b'{"redeemables":[{"object":"voucher","id":"TEN"}],"customer":{"source_id":"c-1"},"order":{"amount":1000}}'
)  # fmt: skip


@dataclass
class Running:
    shop: Shop
    data: Path
    url: str
    server: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A server as in production over a PostgreSQL that keeps its promises."""
    data = Path(mkdtemp(prefix="tessera-restarts-"))
    with embedded.server(data) as url:
        environment = {name: value for name, value in os.environ.items() if name != "TESSERA_PROCESS"}
        environment |= {"DATA_DIR": str(data), "DATABASE_URL": url, "LOG_LEVEL": "CRITICAL"}
        manage(environment, "migrate", "--verbosity=0")
        made = json.loads(manage(environment, "create_project", "Restarts", "--json"))
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
            body = b'{"code":"TEN","type":"DISCOUNT_VOUCHER","discount":{"type":"PERCENT","percent_off":10}}'
            assert shop.send(shop.head("POST /v1/vouchers HTTP/1.1", f"Content-Length: {len(body)}"), body)[0] == 200
            yield Running(shop, data, url, server)
        finally:
            server.terminate()
            server.wait(30)


@dataclass
class Load:
    """Clients that redeem and repeat with their key until they are answered."""

    shop: Shop
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    strange: list[Any] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    news: threading.Condition = field(default_factory=threading.Condition)

    def client(self, number: int) -> None:
        turn = 0
        while not self.over.is_set():
            status, head, body = self.ask(f"k-{number}-{turn}")
            if status == 200:
                with self.news:
                    self.acknowledged[f"k-{number}-{turn}"] = json.loads(body)["redemptions"][0]["id"]
                    self.news.notify_all()
                turn += 1
            elif (
                status == 503 and b"retry-after: 2" in head.lower() and json.loads(body)["key"] == "service_unavailable"
            ):
                self.refused += 1
                self.over.wait(0.05)
            else:
                self.strange.append((status, body[:300]))
                self.over.wait(0.05)

    def ask(self, key: str) -> tuple[int, bytes, bytes]:
        head = self.shop.head(
            "POST /v1/redemptions HTTP/1.1", f"Content-Length: {len(BODY)}", f"Idempotency-Key: {key}"
        )
        with self.shop.connect() as connection:
            connection.sendall(head + BODY)
            received = b""
            while b"\r\n\r\n" not in received:
                if not (block := connection.recv(65_536)):
                    return 0, received, b""
                received += block
            head, _, body = received.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            while length and len(body) < int(length[1]):
                body += connection.recv(65_536)
            return int(head.split()[1]), head, body

    def until_more(self) -> float:
        """Wait for ENOUGH more answers; how long the first of them took."""
        start, before = time.monotonic(), len(self.acknowledged)
        with self.news:
            assert self.news.wait_for(lambda: len(self.acknowledged) > before, timeout=PATIENCE), self.strange
            first = time.monotonic() - start
            assert self.news.wait_for(lambda: len(self.acknowledged) > before + ENOUGH, timeout=PATIENCE), self.strange
        return first


def disturb(running: Running, how: str) -> None:
    if how == "terminate":
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        return
    done = embedded._control(running.data, "restart", "-w", "-m", how)
    assert done.returncode == 0, done.stderr


def test_postgresql_restarted_under_load_costs_some_503_and_nothing_else(running: Running) -> None:
    load = Load(running.shop)
    clients = [threading.Thread(target=load.client, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        load.until_more()
        for how in ("fast", "immediate", "terminate"):
            disturb(running, how)
            assert running.shop.send(running.shop.head("GET /livez HTTP/1.1", keys=False))[0] == 200
            assert load.until_more() < 15, how
    finally:
        load.over.set()
        for client in clients:
            client.join(timeout=PATIENCE)
    assert load.strange == []
    assert running.server.poll() is None
    with psycopg.connect(running.url) as connection:
        stored = {key for (key,) in connection.execute("SELECT public_id FROM vouchers_redemption")}
        failed = connection.execute("SELECT count(*) FROM vouchers_redemption WHERE result <> 'SUCCESS'").fetchone()
        used = connection.execute("SELECT redeemed_quantity FROM vouchers_voucher").fetchone()
        keys = dict(connection.execute("SELECT key, status FROM api_idempotencykey").fetchall())
        counted = connection.execute("SELECT redemptions_succeeded FROM customers_customer").fetchone()
    acknowledged = set(load.acknowledged.values())
    assert len(acknowledged) == len(load.acknowledged)
    assert acknowledged <= stored
    assert len(stored) == len(keys) <= len(load.acknowledged) + CLIENTS  # an effect a key, answered or about to be
    assert set(keys.values()) == {200}
    assert used == counted == (len(stored),)
    assert failed == (0,)
