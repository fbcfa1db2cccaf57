"""Every request gets an id: it goes into the answer, the log, error envelopes and the rows the request causes."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from config.api import server_address
from config.kernel import ids

HEADER = "X-Request-Id"
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """The id of the request being served in this thread, or an empty text outside of one."""
    return _current.get()


class RequestIdMiddleware:
    """Names the request `v-…` (API) or `w-…` (dashboard)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        api = request.path_info.startswith(("/v1/", "/client/", "/management/"))
        token = _current.set(ids.new("v-" if api else "w-"))
        request.META["REQUEST_ID"] = _current.get()
        try:
            with server_address.of(request):
                response = self.get_response(request)
            response[HEADER] = _current.get()
        finally:
            _current.reset(token)
        return response
