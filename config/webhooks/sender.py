"""Sends what waits, from every worker process: a thread of its own with an event loop, fed and emptied by `step`.

At most 4 deliveries at once to a webhook and 32 in all, so a receiver that hangs holds up nobody but itself. For
receivers that answer quickly a few more are taken ahead, so that the database is asked for many at a time.
"""

from __future__ import annotations

import asyncio
import json
import logging
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
from config.webhooks.sending import Answer, Message

log = logging.getLogger("tessera.webhooks")

AT_ONCE: Final = 32
EACH: Final = 4
AHEAD: Final = 128
"""Taken in advance for one webhook that answers within QUICK."""
MANY: Final = 32
GATHER: Final = 0.02
"""While plenty is under way, answers are written down this many at a time, or after so many seconds."""
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
        self._wanted = 1
        self._loop = asyncio.new_event_loop()
        self._all = asyncio.Semaphore(AT_ONCE)
        self._client = sending.Client(settings.WEBHOOK_ALLOWED_NETWORKS, ssl.create_default_context())
        threading.Thread(target=self._loop.run_forever, name="webhooks", daemon=True).start()

    def step(self) -> bool:
        """Write down what came back, take more. Waits a moment for answers where there is nothing else to do."""
        if self._held.total() > 2 * MANY:
            self._wait(MANY, GATHER)
        at = self._clock()
        finished = self._finish(at)
        room = AT_ONCE * 8 - self._held.total()
        claimed: list[Claimed] = []
        if room > 0:
            claimed = deliveries.claim(at=at, limit=room, each=EACH, held=self._counted())
        for one in claimed:
            self._held[one.webhook] += 1
            asyncio.run_coroutine_threadsafe(self._deliver(one, time.monotonic()), self._loop)
        if not claimed and not finished and self._held.total():
            self._wait(1, 0.05)
        return bool(claimed or finished or self._held.total())

    def _wait(self, answers: int, seconds: float) -> None:
        """Until so many answers have come, or for so long."""
        self._wanted = answers
        self._ready.clear()
        if self._outcomes.qsize() < answers:
            self._ready.wait(seconds)

    def _counted(self) -> dict[int, int]:
        """What is held of each webhook; of those that answer quickly so much less that more is taken ahead."""
        ahead = {webhook: EACH - AHEAD for webhook, seconds in dict(self._seconds).items() if seconds <= QUICK}
        return {webhook: self._held[webhook] + ahead.get(webhook, 0) for webhook in {*self._held, *ahead}}

    def _finish(self, at: datetime) -> bool:
        outcomes: list[Outcome] = []
        while not self._outcomes.empty():
            outcomes.append(self._outcomes.get())
        if not outcomes:
            return False
        try:
            deliveries.finish(outcomes, at=at, chance=random.random())  # noqa: S311  jitter
        except Exception:  # the database is away: what came back is written down with the next step
            for outcome in outcomes:
                self._outcomes.put(outcome)
            raise
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
                outcome = Outcome(claimed, await self._answer(claimed))
                self._seconds[claimed.webhook] = time.monotonic() - began
        self._outcomes.put(outcome)
        if self._outcomes.qsize() >= self._wanted:
            self._ready.set()

    async def _answer(self, claimed: Claimed) -> Answer:
        """What came of one attempt; whatever goes wrong is an attempt that failed, or it would be held for ever."""
        try:
            message = message_of(claimed, int(self._clock().timestamp()))
            return await sending.send(self._client, message, allow_http=settings.WEBHOOK_ALLOW_HTTP)
        except Exception as error:
            log.exception("webhook %s could not be tried", claimed.public_id)
            return Answer(None, "", f"could not be sent ({type(error).__name__})", 0)


def message_of(claimed: Claimed, timestamp: int) -> Message:
    """The request: the project's own headers, then ours, which nobody can replace. timestamp: Unix seconds.

    While the secret is being rotated both sign: Standard Webhooks' header lists them, the contract's has room for one.
    """
    body = claimed.payload
    held = [encryption.decrypt(secret) for secret in (claimed.secret, claimed.former_secret) if secret]
    host = sending.host_of(claimed.target_url)
    ours = {
        "Host": host,
        "Content-Type": "application/json",
        "Content-Length": str(len(body.encode())),
        "User-Agent": USER_AGENT,
        signatures.HEADER: signatures.signature(held[0], body),
        "webhook-id": claimed.public_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            signatures.standard(secret, claimed.public_id, timestamp, body) for secret in held
        ),
    }
    if len(held) > 1:
        ours[signatures.FORMER_HEADER] = signatures.signature(held[1], body)
    taken = {name.lower() for name in ours}
    theirs = {name: text for name, text in json.loads(claimed.headers).items() if name.lower() not in taken}
    return Message(claimed.target_url, {**theirs, **ours}, body.encode())


_sender: Sender | None = None
_lock = threading.Lock()


def step(clock: Callable[[], datetime]) -> bool:
    """One step of this process's sender, which is made with the first."""
    global _sender
    with _lock:
        if _sender is None:
            _sender = Sender(clock)
    return _sender.step()
