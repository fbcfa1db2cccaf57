"""Every address says who may call it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from config.api.authentication import HasScope, KeyAuthentication
from config.dashboard.base import Page
from config.project.permissions import Permission

PUBLIC = {
    "": "leads to the dashboard",
    "livez": "for load balancers",
    "healthz": "for load balancers",
    "metrics": "by network",
    "api/schema/": "the description of the API is no secret",
    "api/docs/": "the same, for people",
    "docs/browser/": "explains the shops' library; keys are typed in and stay in the browser",
    "v1/assets/qr/(?P<asset_id>[^/]+)/?$": "the id is the secret: pictures stand in e-mails",
    "v1/assets/barcode/(?P<asset_id>[^/]+)/?$": "the same",
    "dashboard/login/": "where one signs in",
    "dashboard/logout/": "ends a session, by POST with a token",
}
"""What anybody may call, with the reason."""


def addresses(
    patterns: list[URLPattern | URLResolver] | None = None, prefix: str = ""
) -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


ALL = sorted({route: view for route, view in addresses() if not route.startswith("admin/")}.items())


@pytest.mark.parametrize(("route", "view"), ALL, ids=[route for route, _ in ALL])
def test_every_address_says_who_may_call_it(route, view):
    if route in PUBLIC:
        return
    kind = getattr(view, "cls", getattr(view, "view_class", None))
    assert kind is not None, "neither an API view nor a class of the dashboard: name it in PUBLIC or make it one"
    if issubclass(kind, APIView):
        assert route.startswith(("v1/", "client/v1/", "management/v1/"))
        if any(permission is AllowAny for permission in kind.permission_classes):
            pytest.fail("anybody may call it: name it in PUBLIC with the reason")
        assert all(issubclass(permission, HasScope) for permission in kind.permission_classes)
        assert all(issubclass(one, KeyAuthentication) for one in kind.authentication_classes)
        assert len(kind.authentication_classes) == 1
    else:
        assert route.startswith("dashboard/")
        assert issubclass(kind, Page)
        assert isinstance(kind.permission, Permission)


def test_each_prefix_takes_its_own_kind_of_key():
    wanted = {"v1/": "server", "client/v1/": "client", "management/v1/": "management"}
    for route, view in ALL:
        kind = getattr(view, "cls", None)
        prefix = next((prefix for prefix in wanted if route.startswith(prefix)), None)
        if prefix and kind is not None and route not in PUBLIC:
            assert {one.kind for one in kind.authentication_classes} == {wanted[prefix]}, route


def test_public_addresses_exist():
    assert set(PUBLIC) - {route for route, _ in ALL} == set()
