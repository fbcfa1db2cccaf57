"""Where this server is reached, for links in answers: PUBLIC_URL, else the address that the request came by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest

_current: ContextVar[HttpRequest | None] = ContextVar("server_address", default=None)


def base() -> str:
    """`https://host` without a slash at the end; empty outside of a request where PUBLIC_URL is not set."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    request = _current.get()
    return "" if request is None else f"{request.scheme}://{request.get_host()}"


@contextmanager
def of(request: HttpRequest) -> Iterator[None]:
    """Links of what is rendered inside lead to where this request came in."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)
