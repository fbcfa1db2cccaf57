"""Sessions, users and messages are for pages."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.dashboard import only_pages

MIDDLEWARE = (only_pages.SessionMiddleware, only_pages.AuthenticationMiddleware, only_pages.MessageMiddleware)


def passed(path: str) -> HttpRequest:
    """The request as a view would see it."""
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    chain = view
    for middleware in reversed(MIDDLEWARE):
        chain = middleware(chain)  # type: ignore[assignment]
    chain(RequestFactory().get(path))
    return seen[0]


@pytest.mark.parametrize("path", ["/v1/validations", "/client/v1/validate", "/management/v1/projects"])
def test_calls_of_the_api_have_neither_session_nor_user_nor_messages(path: str) -> None:
    request = passed(path)
    assert [name for name in ("session", "user", "_messages") if hasattr(request, name)] == []


@pytest.mark.parametrize("path", ["/", "/dashboard/", "/admin/", "/api/docs/", "/healthz", "/v1"])
def test_pages_have_all_of_them(path: str) -> None:
    request = passed(path)
    assert [name for name in ("session", "user", "_messages") if not hasattr(request, name)] == []
