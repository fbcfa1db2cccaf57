"""Who calls: the three key pairs. `request.auth` is an `Access`; there is no user on the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.api import addresses, request_id
from config.kernel import instants
from config.kernel.causes import Cause
from config.kernel.errors import Forbidden, MissingRequiredPermission
from config.project import keys, oauth, origins, scopes
from config.project.keys import Credential
from config.project.models import ApiKey, Project


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may do: in which project, with which key.

    is_client: it came from a browser or an app. scopes: of the token that it showed in place of the key's secret.
    """

    project: Project
    key: ApiKey
    is_client: bool = False
    scopes: tuple[str, ...] = ()

    def opens(self, scope: str | None) -> bool:
        """Whether key and token both open it; None asks for the whole API."""
        held = (self.key.scopes, self.scopes)
        return all(scopes.open_to(one, scope, client=self.is_client) for one in held)

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
    """A pair of headers, an id and a secret, or a bearer token. Subclasses name the headers and the kind of key."""

    kind: ClassVar[str]
    id_header: ClassVar[str]
    secret_header: ClassVar[str]
    takes_tokens: ClassVar[bool] = False

    def authenticate(self, request: Request) -> tuple[None, Access]:
        credential, held = self._credential(request)
        if credential is None:
            raise NotAuthenticated
        networks = credential.key.allowed_networks
        if networks and not addresses.is_in(addresses.client_address(request._request), networks):
            raise Forbidden("This key may not be used from this address")
        request._request.access = credential  # type: ignore[attr-defined]
        return None, Access(credential.project, credential.key, self.kind == ApiKey.Kind.CLIENT, held)

    def authenticate_header(self, request: Request) -> str:
        return self.id_header

    def _credential(self, request: Request) -> tuple[Credential | None, tuple[str, ...]]:
        app_id = request.headers.get(self.id_header, "")
        secret = request.headers.get(self.secret_header, "")
        if app_id and secret:
            return keys.find(app_id, secret, self.kind, instants.now()), ()
        bearer = request.headers.get("Authorization", "") if self.takes_tokens else ""
        if bearer[:7].lower() != "bearer ":
            return None, ()
        grant = oauth.find(bearer[7:].strip(), instants.now())
        return (None, ()) if grant is None else (grant.credential, grant.scopes)


class ServerKeyAuthentication(KeyAuthentication):
    """`/v1`: the shop's backend."""

    kind = ApiKey.Kind.SERVER
    id_header = "X-App-Id"
    secret_header = "X-App-Token"  # noqa: S105  a header's name
    takes_tokens = True


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
    takes_tokens = True

    def authenticate(self, request: Request) -> tuple[None, Access]:
        user, access = super().authenticate(request)
        origin = request.headers.get("Origin", "") or _own_origin(request)
        if not origin and access.scopes:  # a token is no key that a page gives away: its holder may be no browser
            return user, access
        if not origins.is_allowed(origin, access.project.client_trusted_domains):
            raise Forbidden(f"Origin {origin[:100]} is not allowed" if origin else "Origin header is required")
        return user, access


def _own_origin(request: Request) -> str:
    """Our own, for a page of ours: browsers send no Origin with a GET to where the page came from."""
    same = request.headers.get("Sec-Fetch-Site", "") == "same-origin"
    return f"{request.scheme}://{request.get_host()}" if same else ""


class HasScope(BasePermission):
    """The key's scopes; a key without any may do everything its kind may. Views name theirs as `scope`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Access):
            raise NotAuthenticated
        if not request.auth.opens(getattr(view, "scope", None)):
            raise MissingRequiredPermission
        return True


class ClientSwitch(HasScope):
    """`HasScope`, and the project's switch that the view names as `client_switch` is on."""

    def has_permission(self, request: Request, view: Any) -> bool:
        allowed = super().has_permission(request, view)
        switch = getattr(view, "client_switch", "")
        if switch and isinstance(request.auth, Access) and not getattr(request.auth.project, switch):
            raise Forbidden(f"The project's option {switch} is off")
        return allowed


class KeyPairOnly(HasScope):
    """Any key of the kind, whatever its scopes, but no token: a token makes no token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Access) or request.auth.scopes:
            raise NotAuthenticated
        return True
