"""The one place where errors become answers: domain errors, DRF's own, and the database's by SQLSTATE."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from config.api import envelope
from config.api.parsing import MalformedBody
from config.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Refused

log = logging.getLogger("tessera.errors")

STATUS: Final[dict[type[DomainError], int]] = {
    Invalid: 400,
    Refused: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
}
RETRY_AFTER: Final = {"Retry-After": "2"}

TRY_AGAIN_CLASSES: Final = ("08", "53", "57")
TRY_AGAIN: Final = frozenset({"25P03", "25P04", "40001", "40P01", "55P03"})
"""SQLSTATEs that say: not now. Services turn 55P03 (lock not available) on a redeemable into `multiple_requests`."""


def status_of(error: DomainError) -> int:
    """The HTTP status of the error's family."""
    return next(status for family, status in STATUS.items() if isinstance(error, family))


CANCELED: Final = "57014"
MISSING: Final = "23503"
"""What a row refers to was deleted between the look and the write, or the other way round."""
DUPLICATE: Final = "23505"
"""Somebody else took the name meanwhile; services that know which one say it better before it comes here."""
CHANGED_MEANWHILE: Final = "Something that this request refers to was created or deleted meanwhile; look and try again"
TOOK_TOO_LONG: Final = "The query took longer than allowed: ask for less, or with conditions that choose fewer rows"


def sqlstate_of(error: BaseException) -> str | None:
    """The five characters of the database's complaint, from Django's wrapper or its cause."""
    for candidate in (error, error.__cause__):
        state = getattr(candidate, "sqlstate", None)
        if state:
            return str(state)
    return None


def is_temporary(error: DatabaseError) -> bool:
    """Whether the same request may succeed a little later: the connection, the pool or a limit gave way.

    An OperationalError without SQLSTATE is a lost connection or an exhausted pool; a DataError without one is a value
    that could not even be sent.
    """
    state = sqlstate_of(error)
    if state is None:
        return type(error).__name__ in ("OperationalError", "InterfaceError", "PoolTimeout")
    return state in TRY_AGAIN or state.startswith(TRY_AGAIN_CLASSES)


def is_bad_value(error: BaseException) -> bool:
    """Whether a value reached the database that parsing should have refused."""
    state = sqlstate_of(error)
    if isinstance(error, UnicodeEncodeError):
        return True
    return type(error).__name__ == "DataError" if state is None else state.startswith("22")


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; None lets the error go on to be a 500."""
    answer = _answer(error)
    if answer is None:
        return None
    content, status, headers = answer
    if isinstance(error, exceptions.MethodNotAllowed):
        content = _method_not_allowed(context)
    request = context.get("request")
    if request is not None:
        request._request.wire_error = error
    return Response(content, status=status, headers=headers)


def _answer(error: Exception) -> tuple[dict[str, Any] | None, int, dict[str, str]] | None:
    if isinstance(error, DomainError):
        return envelope.body_of(error, status_of(error)), status_of(error), {}
    if isinstance(error, exceptions.APIException | Http404):
        return _answer_drf(error)
    if isinstance(error, RequestDataTooBig):
        return envelope.too_large(10_485_760), 413, {}
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent | SuspiciousOperation):
        return envelope.body(400, "Invalid payload", key="invalid_payload", details=type(error).__name__), 400, {}
    return answer_database(error)


def _answer_drf(error: Exception) -> tuple[dict[str, Any], int, dict[str, str]]:
    if isinstance(error, MalformedBody):
        return envelope.malformed_json(), 400, {}
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return envelope.unauthorized(), 401, {}
    if isinstance(error, exceptions.PermissionDenied):
        return envelope.body(403, "Forbidden", key="forbidden", details=str(error.detail)), 403, {}
    if isinstance(error, Http404 | exceptions.NotFound):
        return envelope.body(404, "Resource not found", key="not_found"), 404, {}
    if isinstance(error, exceptions.MethodNotAllowed):
        return envelope.body(405, "HTTP Method Not Allowed", details=str(error.detail)), 405, {}
    if isinstance(error, exceptions.UnsupportedMediaType):
        return envelope.body(415, "Unsupported Media Type", key="unsupported_media_type"), 415, {}
    if isinstance(error, exceptions.Throttled):
        return {"code": 429, "message": "Too many requests hit the API too quickly."}, 429, {}
    if isinstance(error, exceptions.ValidationError):
        details = describe(error.detail)
        return envelope.body(400, "Invalid payload", key="invalid_payload", details=details), 400, {}
    status = getattr(error, "status_code", 500)
    return envelope.body(status, str(error)), status, {}


def _method_not_allowed(context: dict[str, Any]) -> dict[str, Any]:
    """`PUT is not supported by this endpoint. Did you mean GET or POST?`"""
    view, request = context["view"], context["request"]
    others = [method for method in view.allowed_methods if method not in ("OPTIONS", "HEAD")]
    hint = f" Did you mean {' or '.join(others)}?" if others else ""
    details = f"{request.method} is not supported by this endpoint.{hint}"
    return envelope.body(405, "HTTP Method Not Allowed", details=details)


def answer_database(error: BaseException) -> tuple[dict[str, Any], int, dict[str, str]] | None:
    """503 for what passes, 400 for a value the database refused, 409 for a lost race, None for a fault of ours."""
    if is_bad_value(error):
        log.warning("a value passed validation and was refused by the database", exc_info=error)
        return envelope.body(400, "Invalid payload", key="invalid_payload"), 400, {}
    if (lost := sqlstate_of(error)) in (MISSING, DUPLICATE):
        log.warning("somebody else was faster: %s", lost)
        key, message = (
            ("duplicate_found", "Duplicated resource found") if lost == DUPLICATE else ("conflict", "Conflict")
        )
        return envelope.body(409, message, key=key, details=CHANGED_MEANWHILE), 409, {}
    if isinstance(error, DatabaseError) and is_temporary(error):
        state = sqlstate_of(error)
        log.warning("the database is not available: %s", state or type(error).__name__)
        return envelope.unavailable(TOOK_TOO_LONG if state == CANCELED else ""), 503, RETRY_AFTER
    return None


def describe(detail: Any, path: str = "") -> str:
    """Serializer errors in the wire's words: `Property .address.city should be string`; the first one."""
    if isinstance(detail, dict):
        key, child = next(iter(detail.items()))
        code = _code_of(child)
        if code == "required":
            place = f"Property {path}" if path else "Payload"
            return f"{place} should have required property '{key}'"
        if isinstance(key, int):
            return describe(child, f"{path}[{key}]")
        return describe(child, path if key == "non_field_errors" else f"{path}.{key}")
    if isinstance(detail, list) and detail:
        index = next((i for i, child in enumerate(detail) if child), 0)
        child = detail[index]
        return describe(child, f"{path}[{index}]" if isinstance(child, dict) else path)
    sentence = str(detail).rstrip(".")
    sentence = sentence[:1].lower() + sentence[1:]
    return f"Property {path} is invalid: {sentence}" if path else f"Payload is invalid: {sentence}"


def _code_of(detail: Any) -> str:
    first = detail[0] if isinstance(detail, list) and detail else detail
    return str(getattr(first, "code", ""))


class DatabaseErrorMiddleware:
    """The same answers for what stands outside DRF: other middleware, and views that are not the API's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        answer = answer_database(error)
        if answer is None:
            return None
        content, status, headers = answer
        return envelope.response(content, status, headers)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 for an address that leads nowhere, in the envelope."""
    return envelope.response(envelope.body(404, "Resource not found", key="not_found"), 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: nothing but the code, a sentence and the id to look up in the log."""
    return envelope.response(envelope.body(500, "Internal server error", key="internal_error"), 500)
