"""Rate limits without another server: an UNLOGGED table of hits, two windows weighted into a sliding one.

Client calls are limited for each address and key (CLIENT_RATE), server calls for each project (API_RATE, off unless
set). Unknown codes cost more: CLIENT_MISS_RATE bounds how many an address may try.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config.api.addresses import client_address
from config.api.authentication import access_of

Rate = tuple[int, int]
"""(requests, seconds)"""

MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class State:
    """Where a caller stands. retry_at: when the next call may be made, Unix seconds."""

    allowed: bool
    limit: int
    remaining: int
    retry_at: int


class Refusals:
    """Buckets that are refused until a moment: a flood of one caller costs no SQL. Bounded, of this process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def until(self, bucket: str, now: float) -> float | None:
        """The end of the refusal, or None."""
        end = self._until.get(bucket)
        return end if end is not None and end > now else None

    def remember(self, bucket: str, end: float) -> None:
        """Refuse the bucket until `end`."""
        with self._lock:
            if len(self._until) >= MOST_REMEMBERED:
                self._until.clear()
            self._until[bucket] = end

    def clear(self) -> None:
        """Forgive everybody; for tests."""
        with self._lock:
            self._until.clear()


refusals: Final = Refusals()

_HIT: Final = """
WITH former AS (
    SELECT coalesce(max(hits), 0) * %(weight)s AS hits FROM api_ratewindow
    WHERE bucket = %(bucket)s AND starts = %(former)s
)
INSERT INTO api_ratewindow AS now (bucket, starts, hits)
SELECT %(bucket)s, %(starts)s, 1 FROM former WHERE former.hits + 1 <= %(limit)s
ON CONFLICT (bucket, starts) DO UPDATE SET hits = now.hits + 1
    WHERE now.hits + 1 + (SELECT former.hits FROM former) <= %(limit)s
RETURNING hits + (SELECT former.hits FROM former)
"""
_LOOK: Final = "SELECT starts, hits FROM api_ratewindow WHERE bucket = %s AND starts IN (%s, %s)"


def hit(bucket: str, rate: Rate, now: float) -> State:
    """Count one call against the bucket, unless that is refused; refused calls do not count. One statement if allowed.

    now: Unix time. The statement stands alone, so it is committed whatever becomes of the call.
    """
    limit, seconds = rate
    if (end := refusals.until(bucket, now)) is not None:
        return State(False, limit, 0, math.ceil(end))
    starts = int(now // seconds) * seconds
    weight = 1 - (now - starts) / seconds
    with connection.cursor() as cursor:
        cursor.execute(
            _HIT,
            {"bucket": bucket, "starts": starts, "former": starts - seconds, "weight": weight, "limit": limit},
        )
        row = cursor.fetchone()
        if row is not None:
            return State(True, limit, max(0, math.floor(limit - row[0])), math.ceil(now))
        cursor.execute(_LOOK, [bucket, starts, starts - seconds])
        hits: dict[int, int] = dict(cursor.fetchall())
    end = free_at(hits.get(starts - seconds, 0), hits.get(starts, 0), starts, rate)
    refusals.remember(bucket, end)
    return State(False, limit, 0, math.ceil(end))


def free_at(former: int, current: int, starts: int, rate: Rate) -> float:
    """When one more call fits: as the former window loses weight, or after this one. Pure.

    free_at(0, 5, 100, (5, 5)) == 106: a full window weighs 4 one second after its end.
    """
    limit, seconds = rate
    room = limit - 1 - current
    if room >= 0 and former > 0:
        return starts + seconds * max(0.0, 1 - room / former)
    return starts + seconds * (1 + max(0.0, 1 - (limit - 1) / max(current, 1)))


HOUR: Final = 3600
"""The longest window of the rates that are no settings, such as those of signing in."""


def longest_window() -> int:
    """Seconds of the longest rate that is set."""
    rates: list[Rate | None] = [
        *(settings.API_RATE, settings.CLIENT_RATE, settings.CLIENT_MISS_RATE, settings.CLIENT_SESSION_RATE)
    ]
    return max(HOUR, *(seconds for _, seconds in filter(None, rates)), 0)


def forgive(bucket: str) -> None:
    """Forget all hits of the bucket."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM api_ratewindow WHERE bucket = %s", [bucket])


def give_back(bucket: str, rate: Rate, now: float) -> None:
    """Take one hit back, in the window of `now`."""
    starts = int(now // rate[1]) * rate[1]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE api_ratewindow SET hits = hits - 1 WHERE bucket = %s AND starts = %s AND hits > 0", [bucket, starts]
        )


def forget(*, before: float) -> int:
    """Drop windows that can count no more; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM api_ratewindow WHERE starts < %s", [int(before)])
        return int(cursor.rowcount)


def bucket_of(*parts: object) -> str:
    """The name of a bucket: a digest, so that neither addresses nor keys are stored."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def address_of(request: HttpRequest | Request) -> str:
    """Who calls: the first hop from the right that is no proxy of ours; IPv6 by its /64, as one home has all of it."""
    address = client_address(getattr(request, "_request", request))
    if address is None:
        return "unknown"
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


class ApiRate(BaseThrottle):
    """API_RATE for each project; off unless set."""

    kind = "api"

    def allow_request(self, request: Request, view: Any) -> bool:
        rate: Rate | None = settings.API_RATE
        if rate is None:
            return True
        state = hit(self.bucket(request), rate, time.time())
        request._request.rate_state = state  # type: ignore[attr-defined]
        return state.allowed

    def bucket(self, request: Request) -> str:
        """Whose calls are counted together."""
        return bucket_of(self.kind, access_of(request).project.pk)


class ClientRate(ApiRate):
    """CLIENT_RATE for each address and client key, and nothing more for one that has guessed too many codes."""

    kind = "client"

    def allow_request(self, request: Request, view: Any) -> bool:
        rate: Rate | None = settings.CLIENT_RATE
        if rate is None:
            return True
        now = time.time()
        end = refusals.until(_misses(request), now)
        state = hit(self.bucket(request), rate, now) if end is None else State(False, rate[0], 0, math.ceil(end))
        request._request.rate_state = state  # type: ignore[attr-defined]
        return state.allowed

    def bucket(self, request: Request) -> str:
        return bucket_of(self.kind, access_of(request).key.pk, address_of(request))


def count_miss(request: Request) -> None:
    """Note that a client call named a code that does not exist. Raises Throttled where there were too many already."""
    rate: Rate | None = settings.CLIENT_MISS_RATE
    if rate is not None and not (state := hit(_misses(request), rate, time.time())).allowed:
        request._request.rate_state = state  # type: ignore[attr-defined]
        raise Throttled


def count_session(request: Request) -> None:
    """Note that a client call wants to hold a code. Raises Throttled where this address held too many of late."""
    rate: Rate | None = settings.CLIENT_SESSION_RATE
    if rate is None:
        return
    bucket = bucket_of("sessions", access_of(request).key.pk, address_of(request))
    if not (state := hit(bucket, rate, time.time())).allowed:
        request._request.rate_state = state  # type: ignore[attr-defined]
        raise Throttled


def _misses(request: Request) -> str:
    return bucket_of("misses", access_of(request).key.pk, address_of(request))


class RateHeadersMiddleware:
    """Shows where the caller stands, on answers that were counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        state = getattr(request, "rate_state", None)
        if isinstance(state, State):
            response["X-Rate-Limit-Limit"] = str(state.limit)
            response["X-Rate-Limit-Remaining"] = str(state.remaining)
            response["X-Rate-Limit-Retry"] = str(state.retry_at)
            response["X-Rate-Limit-Type"] = "api_calls"
            if not state.allowed:
                response["Retry-After"] = str(max(1, state.retry_at - int(time.time())))
        return response
