"""Cross-origin calls of browsers to `/client/v1`, and to nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from config.project import origins
from config.project.models import Project

PREFIX: Final = "/client/v1/"
ALLOW_HEADERS: Final = ", ".join(
    (
        *("accept", "content-type", "x-client-application-id", "x-client-token", "x-voucherify-channel"),
        *("x-voucherify-api-version", "x-voucherify-double-opt-in", "authorization", "idempotency-key"),
    )
)
EXPOSE_HEADERS: Final = ", ".join(
    ("x-request-id", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-retry", "x-rate-limit-type")
)


class KnownOrigins:
    """The allowed entries of all projects: a preflight carries no keys, so it cannot say which project it is for.

    An origin that was just allowed is met at its first call; one that was taken away is gone after FRESH_SECONDS.
    """

    FRESH_SECONDS: Final = 30.0
    MISS_SECONDS: Final = 1.0

    def __init__(self) -> None:
        self._entries: list[str] = []
        self._read_at = float("-inf")

    def allow(self, origin: str) -> bool:
        """Whether any project trusts the origin."""
        if origins.split_origin(origin) is None:
            return False
        age = time.monotonic() - self._read_at
        if age < self.FRESH_SECONDS and origins.is_allowed(origin, self._entries):
            return True
        if age < self.MISS_SECONDS:
            return False
        open_ones = Project.objects.filter(deleted_at=None).exclude(client_trusted_domains=[])
        lists = open_ones.values_list("client_trusted_domains", flat=True)
        self._entries = sorted({entry for entries in lists for entry in entries})
        self._read_at = time.monotonic()
        return origins.is_allowed(origin, self._entries)

    def clear(self) -> None:
        """Forget everything; for tests and for the process that changed a project."""
        self._read_at = float("-inf")


known: Final = KnownOrigins()


class CorsMiddleware:
    """Answers preflights without credentials and puts the headers on every client answer, errors included.

    Once the keys have told the project, its own list decides; before that (preflights, wrong keys) any project's does.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        response = HttpResponse(status=204) if request.method == "OPTIONS" else self.get_response(request)
        patch_vary_headers(response, ["Origin"])
        origin = request.headers.get("Origin", "")
        if origin and _allows(request, origin):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Credentials"] = "true"
            response["Access-Control-Allow-Headers"] = ALLOW_HEADERS
            response["Access-Control-Allow-Methods"] = "GET, POST, PUT, OPTIONS"
            response["Access-Control-Expose-Headers"] = EXPOSE_HEADERS
            response["Access-Control-Max-Age"] = "600"
            response["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response


def _allows(request: HttpRequest, origin: str) -> bool:
    project = getattr(getattr(request, "access", None), "project", None)
    if isinstance(project, Project):
        return origins.is_allowed(origin, project.client_trusted_domains)
    try:
        return known.allow(origin)
    except DatabaseError:
        return False  # the database is away: the answer says so, and this must not hide it
