"""Django's middleware for people, kept off the calls of the API: those have no session, no user and no messages."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase

API: Final = ("/v1/", "/client/", "/management/")


class OnlyPages:
    """Mixed into a middleware: calls of the API pass it by."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API):
            passed: HttpResponseBase = self.get_response(request)
            return passed
        answer: HttpResponseBase = super().__call__(request)  # type: ignore[misc]
        return answer


class SessionMiddleware(OnlyPages, sessions.SessionMiddleware):
    """Sessions of pages."""


class AuthenticationMiddleware(OnlyPages, auth.AuthenticationMiddleware):
    """Users of pages."""


class MessageMiddleware(OnlyPages, messages.MessageMiddleware):
    """Messages on pages."""
