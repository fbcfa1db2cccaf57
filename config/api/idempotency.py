"""`Idempotency-Key`: the same key and request give one effect and the same answer, at once, later and after a crash.

The key's row goes in first, in the transaction of the effect: a twin waits for it at the unique index and then finds
the answer. Kept are answers of success, and refusals that were recorded as rows of their own; what was refused without
a trace leaves the key free.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import envelope, wire_json
from config.api.authentication import access_of
from config.api.errors import RETRY_AFTER, status_of
from config.api.models import IdempotencyKey
from config.kernel import instants
from config.kernel.errors import Conflict, DomainError, InvalidPayload, MultipleRequests
from config.project import transactions
from config.project.models import Project

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
LONGEST: Final = 255
KEPT: Final = timedelta(hours=24)
UNKNOWN: Final = "It is not known whether the request took effect; repeat it with the same Idempotency-Key"
PARAMETER: Final = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters. A repeated request with it gets the first one's answer, 24 h.",
)
"""For the published schema of every call that takes the header."""


class IdempotencyKeyReused(Conflict):
    """Idempotency key reused"""

    key = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class _Asked:
    project: Project
    key: str
    fingerprint: str
    at: datetime


def once(request: Request, work: Callable[[], Response]) -> HttpResponseBase:
    """The answer of `work`, or where the request carried a key that was used before, the answer of then.

    Call it before anything reads `request.data`. Raises InvalidPayload (the key), IdempotencyKeyReused,
    MultipleRequests (its twin takes too long), and what `work` raises.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not 1 <= len(key) <= LONGEST or not (key.isascii() and key.isprintable()):
        raise InvalidPayload(f"Header {HEADER} should be 1 to {LONGEST} printable ASCII characters")
    asked = _Asked(access_of(request).project, key, _fingerprint(request), instants.now())
    return transactions.run(lambda: _once(request, asked, work), lost=lambda: _after_loss(asked))


def forget(before: datetime) -> int:
    """Drop the keys from before an instant."""
    return IdempotencyKey.objects.filter(created_at__lt=before).delete()[0]


def erase(project: Project, out_of: Callable[[Any], Any]) -> None:
    """Take a person out of the kept answers; the keys stay, so what was done is still done only once."""
    for row in IdempotencyKey.objects.of(project).exclude(answer=""):
        value = orjson.loads(row.answer)
        left = out_of(value)
        if left != value:
            row.answer = wire_json.dump(left).decode()
            row.save(update_fields=["answer"])


def _fingerprint(request: Request) -> str:
    plain = request._request
    body = hashlib.sha256(plain.body).hexdigest()
    text = "\n".join((plain.method or "", plain.path_info, plain.META.get("QUERY_STRING", ""), body))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _once(request: Request, asked: _Asked, work: Callable[[], Response]) -> HttpResponseBase:
    """Runs in a transaction, maybe more than once."""
    mine = _enter(asked)
    if mine is None:
        return _replayed(asked)
    try:
        response = work()
    except DomainError as error:
        if not error.recorded:
            raise
        response = Response(envelope.body_of(error, status_of(error)), status=status_of(error))
        request._request.wire_error = error  # type: ignore[attr-defined]  # for the log, as the handler notes it
    IdempotencyKey.objects.filter(pk=mine).update(
        status=response.status_code, answer=wire_json.dump(response.data).decode()
    )
    return response


def _enter(asked: _Asked) -> int | None:
    """Write the key; None where it is there already. Waits for a twin that is at work."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO api_idempotencykey (project_id, key, fingerprint, answer, created_at)
                    VALUES (%s, %s, %s, '', %s) ON CONFLICT (project_id, key) DO NOTHING RETURNING id""",
                [asked.project.pk, asked.key, asked.fingerprint, asked.at],
            )
            row = cursor.fetchone()
    except OperationalError as error:
        if transactions.sqlstate(error) == transactions.LOCKED:
            raise MultipleRequests("A request with the same Idempotency-Key is still at work") from error
        raise
    return None if row is None else int(row[0])


def _replayed(asked: _Asked) -> HttpResponseBase:
    row = IdempotencyKey.objects.of(asked.project).filter(key=asked.key).first()
    if row is None or row.status is None:
        raise MultipleRequests("A request with the same Idempotency-Key is still at work")
    if row.fingerprint != asked.fingerprint:
        raise IdempotencyKeyReused(f"{HEADER} was used for another request")
    return HttpResponse(
        row.answer.encode(), status=row.status, content_type="application/json", headers={REPLAYED: "true"}
    )


def _after_loss(asked: _Asked) -> HttpResponseBase | None:
    """The answer to COMMIT was lost: the key's row tells, to whoever can ask, whether it took effect."""
    try:
        row = IdempotencyKey.objects.of(asked.project).filter(key=asked.key).first()
    except OperationalError:
        return Response(envelope.unavailable(UNKNOWN), status=503, headers=RETRY_AFTER)
    return None if row is None else _replayed(asked)
