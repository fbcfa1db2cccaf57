"""Sends what waits, from every worker process: a thread of its own with an event loop, fed and emptied by `step`.

At most 4 deliveries at once to a webhook and 32 in all, so a receiver that hangs holds up nobody but itself. To
receivers that answer quickly a few more are taken ahead, so that the database is asked for many at a time.
"""

from __future__ import annotations

import asyncio
import json
import queue
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings

from config.project import encryption
from config.webhooks import deliveries, sending, signatures
from config.webhooks.deliveries import Claimed, Outcome
from config.webhooks.sending import Message

AT_ONCE: Final = 32
EACH: Final = 4
AHEAD: Final = 64
"""Taken in advance for one webhook that answers within QUICK."""
QUICK: Final = 0.1
STALE: Final = 60.0
"""Seconds after which something taken ahead and not begun is given back."""
USER_AGENT: Final = "Tessera-Webhooks/1"


class Sender:
    """The deliveries that one process has under way. clock: tells the time, aware, in UTC."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._held: Counter[int] = Counter()
        self._seconds: dict[int, float] = {}
        self._slots: dict[int, asyncio.Semaphore] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._all = asyncio.Semaphore(AT_ONCE)
        self._networks: list[str] = settings.WEBHOOK_ALLOWED_NETWORKS
        self._pool = sending.make_pool(self._networks, ssl.create_default_context())
        threading.Thread(target=self._loop.run_forever, name="webhooks", daemon=True).start()

    def step(self) -> bool:
        """Write down what came back, take more. Waits a moment for answers where there is nothing else to do."""
        at = self._clock()
        finished = self._finish(at)
        quick = all(seconds <= QUICK for seconds in self._seconds.values())
        room = AT_ONCE * 4 - self._held.total()
        claimed: list[Claimed] = []
        if room > 0:
            each = AHEAD if quick else EACH
            claimed = deliveries.claim(at=at, limit=room, each=each, held=self._held)
        for one in claimed:
            self._held[one.webhook] += 1
            asyncio.run_coroutine_threadsafe(self._deliver(one, time.monotonic()), self._loop)
        if not claimed and not finished and self._held.total():
            self._ready.wait(0.05)
        return bool(claimed or finished or self._held.total())

    def _finish(self, at: datetime) -> bool:
        self._ready.clear()
        outcomes: list[Outcome] = []
        while not self._outcomes.empty():
            outcomes.append(self._outcomes.get())
        if not outcomes:
            return False
        deliveries.finish(outcomes, at=at, chance=random.random())  # noqa: S311  jitter
        for outcome in outcomes:
            self._held[outcome.claimed.webhook] -= 1
        self._held += Counter()  # drops the zeros
        return True

    async def _deliver(self, claimed: Claimed, taken: float) -> None:
        slot = self._slots.setdefault(claimed.webhook, asyncio.Semaphore(EACH))
        async with slot, self._all:
            if time.monotonic() - taken > STALE:
                outcome = Outcome(claimed, None)
            else:
                began = time.monotonic()
                answer = await sending.send(
                    self._pool, message_of(claimed, int(self._clock().timestamp())),
                    allow_http=settings.WEBHOOK_ALLOW_HTTP, networks=self._networks,
                )  # fmt: skip
                self._seconds[claimed.webhook] = time.monotonic() - began
                outcome = Outcome(claimed, answer)
        self._outcomes.put(outcome)
        self._ready.set()


def message_of(claimed: Claimed, timestamp: int) -> Message:
    """The request: the project's own headers, then ours, which nobody can replace. timestamp: Unix seconds."""
    secret, body = encryption.decrypt(claimed.secret), claimed.payload
    host = sending.host_of(claimed.target_url)
    headers = {
        **json.loads(claimed.headers),
        "Host": host,
        "Content-Type": "application/json",
        "Content-Length": str(len(body.encode())),
        "User-Agent": USER_AGENT,
        "x-voucherify-signature": signatures.signature(secret, body),
        "webhook-id": claimed.public_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures.standard(secret, claimed.public_id, timestamp, body),
    }
    return Message(claimed.target_url, headers, body.encode())


_sender: Sender | None = None
_lock = threading.Lock()


def step(clock: Callable[[], datetime]) -> bool:
    """One step of this process's sender, which is made with the first."""
    global _sender
    with _lock:
        if _sender is None:
            _sender = Sender(clock)
    return _sender.step()
