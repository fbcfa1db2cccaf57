"""The cookie that keeps a browser's tracking id; set by the server, as browsers' own libraries have no code for it.

Source: tracking, section 5.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request

from config.project import origins

PATH: Final = "/client/v1"
MAX_AGE: Final = 365 * 24 * 3600


def read(request: HttpRequest | Request) -> str | None:
    """The token in the cookie, or None. Only the database knows whether it was ever issued."""
    value = request.COOKIES.get(settings.TRACKING_COOKIE_NAME)
    return unquote(value) if value else None


def write(response: HttpResponseBase, request: HttpRequest | Request, token: str) -> None:
    """Keep the token for a year from now.

    Across sites a cookie needs SameSite=None, which browsers take with Secure only; within one site Lax will do, so
    that a shop on plain http in development keeps its cookie too.
    """
    same_site = is_same_site(request)
    response.set_cookie(
        settings.TRACKING_COOKIE_NAME,
        quote(token, safe=""),
        max_age=MAX_AGE,
        path=PATH,
        httponly=True,
        secure=request.is_secure() or not same_site,
        samesite="Lax" if same_site else "None",
    )


def is_same_site(request: HttpRequest | Request) -> bool:
    """Whether the page that calls is surely of our own site: the same scheme, and one host is the other or below it.

    Two hosts below a third may be of one site or of two (`a.co.uk`, `b.co.uk`); those count as two.
    """
    page = origins.split_origin(request.headers.get("Origin", ""))
    ours = origins.split_origin(f"{'https' if request.is_secure() else 'http'}://{request.get_host()}")
    if page is None or ours is None or page.scheme != ours.scheme:
        return False
    return page.host == ours.host or page.host.endswith(f".{ours.host}") or ours.host.endswith(f".{page.host}")
