"""A proxy in front of PostgreSQL that is slow, hangs up, falls silent, or loses one answer."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

COMMIT = b"COMMIT\0"
"""What psycopg sends to commit, as a simple query."""


class Proxy:
    """Passes bytes between clients and a Unix socket.

    delay: seconds before each block. silent: nothing passes, connections are taken and nobody answers.
    """

    def __init__(self, upstream: Path) -> None:
        self.upstream = upstream
        self.delay = 0.0
        self._passing = threading.Event()
        self._passing.set()
        self._swallow, self._question = 0, COMMIT
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._over = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over = True
        self._passing.set()
        self._listener.close()
        self.cut()

    @property
    def silent(self) -> bool:
        """Whether nothing passes."""
        return not self._passing.is_set()

    @silent.setter
    def silent(self, value: bool) -> None:
        if value:
            self._passing.clear()
        else:
            self._passing.set()

    @property
    def swallowed(self) -> bool:
        """Whether every answer that was to be lost was lost."""
        return not self._swallow

    def swallow(self, answers: int, question: bytes = COMMIT) -> None:
        """Let the next blocks with the question through and hang up instead of passing what is answered."""
        with self._lock:
            self._swallow, self._question = answers, question

    def cut(self) -> None:
        """Hang up on everybody."""
        with self._lock:
            pairs, self._open = self._open, set()
        for one in pairs:
            _hang_up(one)

    def _accept(self) -> None:
        while not self._over:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.upstream))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            lost = threading.Event()
            for source, target, asks in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(source, target, asks, lost), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, asks: bool, lost: threading.Event) -> None:
        with suppress(OSError):
            while block := source.recv(65_536):
                self._passing.wait()
                if self.delay:
                    time.sleep(self.delay)
                if asks and self._take_one(block):
                    lost.set()
                if not asks and lost.is_set():
                    break
                target.sendall(block)
        _hang_up(source)
        _hang_up(target)

    def _take_one(self, block: bytes) -> bool:
        with self._lock:
            if not self._swallow or self._question not in block:
                return False
            self._swallow -= 1
            return True


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
