"""What drf-spectacular is told beyond what views say themselves: the envelope of errors, and the three key pairs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

ERROR = {
    "description": "Refused; the body names what is wrong.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["message"],
                "properties": {
                    "code": {"type": "integer"},
                    "key": {"type": "string"},
                    "message": {"type": "string"},
                    "details": {"type": "string"},
                    "request_id": {"type": "string"},
                    "resource_id": {"type": "string"},
                    "resource_type": {"type": "string"},
                },
            }
        }
    },
}


class WireAutoSchema(AutoSchema):
    """Every operation may answer with the error envelope."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            if "201" in operation["responses"]:  # what is created is answered with 200 on this wire
                operation["responses"]["200"] = operation["responses"].pop("201")
            for status in ("400", "401", "403", "404", "405", "409", "413", "415", "429", "503"):
                operation["responses"].setdefault(status, ERROR)
        return operation


class _KeyPair(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    names: tuple[str, str]
    headers: tuple[str, str]

    @property
    def name(self) -> list[str]:  # type: ignore[override]
        return list(self.names)

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [{"type": "apiKey", "in": "header", "name": header} for header in self.headers]


class ServerKeys(_KeyPair):  # type: ignore[no-untyped-call]
    target_class = "config.api.authentication.ServerKeyAuthentication"
    names = ("X-App-Id", "X-App-Token")
    headers = ("X-App-Id", "X-App-Token")


class ClientKeys(_KeyPair):  # type: ignore[no-untyped-call]
    target_class = "config.api.authentication.ClientKeyAuthentication"
    names = ("X-Client-Application-Id", "X-Client-Token")
    headers = ("X-Client-Application-Id", "X-Client-Token")


class ManagementKeys(_KeyPair):  # type: ignore[no-untyped-call]
    target_class = "config.api.authentication.ManagementKeyAuthentication"
    names = ("X-Management-Id", "X-Management-Token")
    headers = ("X-Management-Id", "X-Management-Token")


def without_trailing_slash(endpoints: list[tuple[str, str, str, Any]], **_: Any) -> list[tuple[str, str, str, Any]]:
    """Routes take an optional slash at the end; the description names the form without it."""
    return [(path.rstrip("/"), regex, method, view) for path, regex, method, view in endpoints]
