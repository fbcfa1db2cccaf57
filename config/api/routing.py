"""Routers: ids and codes in paths are decoded once, slashes included, and a trailing slash changes nothing."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter


class WireRouter(SimpleRouter):
    """`/v1/customers` and `/v1/customers/` answer alike, without a redirect that would lose the body."""

    # A resource's actions come before the resource itself: an identifier may hold slashes and would swallow them.
    routes = sorted(SimpleRouter.routes, key=lambda route: "{lookup}" in route.url and "{url_path}" not in route.url)

    def __init__(self) -> None:
        super().__init__(trailing_slash=False)
        self.trailing_slash = "/?"


IDENTIFIER = r"[^/]+(?:/+[^/]+)*?/*?"
"""A path parameter that may hold slashes (`%2F` is decoded before routing), at its end too; lazy, so that what follows
it is found. The last slash of an address is taken for the address's own: `tracking.tokens.read` puts it back."""
