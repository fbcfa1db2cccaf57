"""How long a session lasts: twelve hours without a request, seven days in all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from config.kernel import instants

IDLE: Final = timedelta(hours=12)
WHOLE: Final = timedelta(days=7)
NOTED_EVERY: Final = timedelta(minutes=5)
"""A session's last use is written this often, not with every request."""

BEGAN, SEEN = "began", "seen"
PAGES: Final = ("/dashboard/", "/admin/", "/api/")
"""Where sessions count. Calls of the API that carry a cookie by chance ask nothing of the table of sessions."""


def begin(session: SessionBase, at: datetime) -> None:
    """Start the clocks of a session that was just signed in."""
    session[BEGAN] = session[SEEN] = at.timestamp()


def is_over(session: SessionBase, at: datetime) -> bool:
    """Whether one of the clocks has run out. A session without them ends with its cookie."""
    now = at.timestamp()
    began, seen = session.get(BEGAN, now), session.get(SEEN, now)
    return bool(now - began > WHOLE.total_seconds() or now - seen > IDLE.total_seconds())


class SessionClockMiddleware:
    """Signs out who stayed away for too long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        mine = request.path.startswith(PAGES) and request.session.session_key is not None
        if mine and BEGAN in request.session:
            at = instants.now()
            if is_over(request.session, at):
                logout(request)
            elif at.timestamp() - request.session[SEEN] > NOTED_EVERY.total_seconds():
                request.session[SEEN] = at.timestamp()
        return self.get_response(request)
