"""The wire's error bodies, made in one place."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from config.api import request_id, wire_json
from config.kernel.errors import DomainError


def body_of(error: DomainError, status: int) -> dict[str, Any]:
    """The envelope of a domain error."""
    return body(
        status,
        error.message,
        key=error.key,
        details=error.details,
        resource_id=error.resource_id,
        resource_type=error.resource_type,
        custom_message=error.custom_message,
    )


def body(
    status: int,
    message: str,
    *,
    key: str = "",
    details: str | None = None,
    resource_id: str | None = None,
    resource_type: str | None = None,
    custom_message: str | None = None,
) -> dict[str, Any]:
    """`{code, key, message, details, request_id, resource_id, resource_type, error}`, absent parts left out."""
    envelope: dict[str, Any] = {"code": status}
    if key:
        envelope["key"] = key
    envelope["message"] = message
    if details:
        envelope["details"] = details
    envelope["request_id"] = request_id.current()
    if resource_id is not None:
        envelope["resource_id"] = resource_id
    if resource_type is not None:
        envelope["resource_type"] = resource_type
    if custom_message:
        envelope["error"] = {"message": custom_message}
    return envelope


def response(content: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """A plain Django answer with a JSON body, for middleware that stands outside DRF."""
    text = wire_json.dump(content)
    answer = HttpResponse(text, status=status, content_type="application/json", headers=headers or {})
    answer["Content-Length"] = str(len(text))
    return answer


def too_large(limit: int) -> dict[str, Any]:
    """The 413 body, which the wire writes in a form of its own."""
    return {
        "statusCode": 413,
        "error": "Request Entity Too Large",
        "message": f"Payload content length greater than maximum allowed: {limit}",
    }


def malformed_json() -> dict[str, Any]:
    """The 400 body for a text that is not JSON, also in a form of its own."""
    return {"statusCode": 400, "error": "Bad Request", "message": "Invalid request payload JSON format"}


def unauthorized() -> dict[str, Any]:
    """The 401 body."""
    return body(401, "Unauthorized", key="unauthorized")


def unavailable(details: str = "") -> dict[str, Any]:
    """The 503 body: the database is away for the moment."""
    return body(503, "Service unavailable", key="service_unavailable", details=details or None)
