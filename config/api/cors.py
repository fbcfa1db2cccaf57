"""Cross-origin calls of browsers to `/client/v1`, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

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


class CorsMiddleware:
    """Answers preflights without credentials and puts the headers on every client answer, errors included.

    A preflight carries no keys, so any well-formed origin is echoed there; the call itself is held to the project's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response = HttpResponse(status=204)
            allowed = origins.split_origin(origin) is not None
        else:
            response = self.get_response(request)
            project = getattr(getattr(request, "access", None), "project", None)
            allowed = isinstance(project, Project) and origins.is_allowed(origin, project.client_trusted_domains)
        patch_vary_headers(response, ["Origin"])
        if allowed:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Credentials"] = "true"
            response["Access-Control-Allow-Headers"] = ALLOW_HEADERS
            response["Access-Control-Allow-Methods"] = "GET, POST, PUT, OPTIONS"
            response["Access-Control-Expose-Headers"] = EXPOSE_HEADERS
            response["Access-Control-Max-Age"] = "600"
            response["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response
