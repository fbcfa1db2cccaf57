"""Who calls: the three key pairs. `request.auth` is an `Access`; there is no user on the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.api import request_id
from config.kernel import instants
from config.kernel.causes import Cause
from config.kernel.errors import Forbidden
from config.project import keys, origins
from config.project.models import ApiKey, Project


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may do: in which project, with which key."""

    project: Project
    key: ApiKey

    @property
    def is_client(self) -> bool:
        """Whether the key is a publishable one, from a browser or an app."""
        return self.key.kind == ApiKey.Kind.CLIENT

    def event_source(self) -> dict[str, Any]:
        """The wire's `event_source` of what this request causes."""
        return {
            "channel": "CLIENT_API" if self.is_client else "API",
            "api_key": {"name": self.key.name, "app_id": self.key.app_id},
        }

    @property
    def cause(self) -> Cause:
        """What this request is for the event log."""
        return Cause(self.event_source(), self.group_id)

    @property
    def group_id(self) -> str:
        """The request's id: events it causes share it."""
        return request_id.current()


def access_of(request: Request | HttpRequest) -> Access:
    """The access of an authenticated API request."""
    auth = getattr(request, "auth", None)
    if not isinstance(auth, Access):
        raise NotAuthenticated
    return auth


class KeyAuthentication(BaseAuthentication):
    """A pair of headers, an id and a secret. Subclasses name the headers and the kind of key."""

    kind: ClassVar[str]
    id_header: ClassVar[str]
    secret_header: ClassVar[str]

    def authenticate(self, request: Request) -> tuple[None, Access]:
        app_id = request.headers.get(self.id_header, "")
        secret = request.headers.get(self.secret_header, "")
        credential = keys.find(app_id, secret, self.kind, instants.now()) if app_id and secret else None
        if credential is None:
            raise NotAuthenticated
        request._request.access = credential  # type: ignore[attr-defined]
        return None, Access(credential.project, credential.key)

    def authenticate_header(self, request: Request) -> str:
        return self.id_header


class ServerKeyAuthentication(KeyAuthentication):
    """`/v1`: the shop's backend."""

    kind = ApiKey.Kind.SERVER
    id_header = "X-App-Id"
    secret_header = "X-App-Token"  # noqa: S105  a header's name


class ManagementKeyAuthentication(KeyAuthentication):
    """`/management/v1`: who sets projects up."""

    kind = ApiKey.Kind.MANAGEMENT
    id_header = "X-Management-Id"
    secret_header = "X-Management-Token"  # noqa: S105


class ClientKeyAuthentication(KeyAuthentication):
    """`/client/v1`: a browser or app on an allowed origin."""

    kind = ApiKey.Kind.CLIENT
    id_header = "X-Client-Application-Id"
    secret_header = "X-Client-Token"  # noqa: S105

    def authenticate(self, request: Request) -> tuple[None, Access]:
        user, access = super().authenticate(request)
        origin = request.headers.get("Origin", "")
        if not origins.is_allowed(origin, access.project.client_trusted_domains):
            raise Forbidden(f"Origin {origin[:100]} is not allowed" if origin else "Origin header is required")
        return user, access


class HasScope(BasePermission):
    """The key's scopes; a key without any may do everything its kind may. Views name theirs as `scope`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Access):
            raise NotAuthenticated
        scopes = request.auth.key.scopes
        whole = "client_api" if request.auth.is_client else "api"
        return not scopes or whole in scopes or getattr(view, "scope", None) in scopes


class ClientSwitch(HasScope):
    """`HasScope`, and the project's switch that the view names as `client_switch` is on."""

    def has_permission(self, request: Request, view: Any) -> bool:
        allowed = super().has_permission(request, view)
        switch = getattr(view, "client_switch", "")
        if switch and isinstance(request.auth, Access) and not getattr(request.auth.project, switch):
            raise Forbidden(f"The project's option {switch} is off")
        return allowed
