"""One line and one measurement for each request: by route template, never by path."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

log = logging.getLogger("tessera.access")

REQUESTS: Final = Counter("tessera_requests_total", "Answered requests.", ["method", "route", "status"])
SECONDS: Final = Histogram(
    "tessera_request_seconds", "Time to answer.", ["method", "route"], buckets=settings.PROMETHEUS_LATENCY_BUCKETS
)
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
TRACE: Final = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
QUIET: Final = ("livez", "healthz", "metrics")
"""Asked every few seconds by machines: counted, not logged."""


class AccessLogMiddleware:
    """Stands right inside the request id's middleware and around everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        status = 500
        try:
            response = self.get_response(request)
            status = response.status_code
            return response
        finally:
            record(request, status, time.perf_counter() - began)


def record(request: HttpRequest, status: int, seconds: float) -> None:
    """Measure and log one request."""
    route = route_of(request)
    method = request.method if request.method in METHODS else "OTHER"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    if route in QUIET and status < 500:
        return
    extra: dict[str, Any] = {
        "request_id": request.META.get("REQUEST_ID", ""),
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    access = getattr(request, "access", None)
    if access is not None:
        extra |= {"project": access.project.public_id, "key_id": access.key.app_id}
    trace = TRACE.fullmatch(request.META.get("HTTP_TRACEPARENT", ""))
    if trace is not None:
        extra["trace_id"] = trace["trace"]
    log.log(logging.ERROR if status >= 500 and status != 503 else logging.INFO, "request", extra=extra)


def route_of(request: HttpRequest) -> str:
    """`v1/customers/<id>`: the pattern that matched, without the values; `-` where none did."""
    match = request.resolver_match
    if match is None:
        return "static" if request.path_info.startswith(settings.STATIC_URL) else "-"
    return _template(match.route)


_templates: dict[str, str] = {}


def _template(route: str) -> str:
    known = _templates.get(route)
    if known is None:
        known = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route)
        known = known.replace("/?", "").replace("\\Z", "").replace("$", "").replace("^", "").replace("\\.", ".")
        _templates[route] = known
    return known
