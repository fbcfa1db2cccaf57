"""A small HTTP load driver: clients that keep their connection and send prepared requests one after another.

Raw sockets and prepared bytes, so that the driver costs little of the processor it shares with the server.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

CLIENTS = 8
LENGTH = re.compile(rb"content-length: *(\d+)")


@dataclass
class Measured:
    """What a run saw. seconds: wall time; latencies: of each answer, in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds; share: 0.95 for the 95th."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request(method: str, path: str, headers: Mapping[str, str], body: object = None) -> bytes:
    """A whole request, ready to send."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(content)}"]
    if content:
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Connection:
    """One client's kept connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def ask(self, prepared: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self._socket.sendall(prepared)
        data = self._left
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        head = data[:end].lower()
        found = LENGTH.search(head)
        if found is None:
            raise ConnectionError(f"an answer without Content-Length: {head!r}")
        length = int(found[1])
        while len(data) < end + 4 + length:
            data += self._receive()
        self._left = data[end + 4 + length :]
        return int(data[9:12]), data[end + 4 : end + 4 + length]

    def _receive(self) -> bytes:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        return chunk

    def close(self) -> None:
        """Give the connection up."""
        self._socket.close()


def run(port: int, requests: Sequence[bytes], *, seconds: float, clients: int = CLIENTS) -> Measured:
    """Send the requests, over and over and each client from a place of its own, for so long."""
    return _run(port, lambda client: _around(requests, client * len(requests) // clients), seconds, clients)


def _around(requests: Sequence[bytes], start: int) -> Callable[[], bytes]:
    turns = itertools.cycle(range(len(requests)))
    for _ in range(start):
        next(turns)
    return lambda: requests[next(turns)]


def _run(port: int, chooser: Callable[[int], Callable[[], bytes]], seconds: float, clients: int) -> Measured:
    measured, lock = Measured(), threading.Lock()
    failures: list[BaseException] = []
    began = time.perf_counter()
    until = began + seconds

    def work(client: int) -> None:
        try:
            send(client)
        except BaseException as error:  # noqa: BLE001  told in the main thread
            failures.append(error)

    def send(client: int) -> None:
        choose, connection = chooser(client), Connection(port)
        latencies: list[float] = []
        statuses: Counter[int] = Counter()
        while (sent := time.perf_counter()) < until:
            status, _ = connection.ask(choose())
            latencies.append(time.perf_counter() - sent)
            statuses[status] += 1
        connection.close()
        with lock:
            measured.latencies += latencies
            measured.statuses.update(statuses)

    threads = [threading.Thread(target=work, args=[client]) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    measured.seconds = time.perf_counter() - began
    return measured
