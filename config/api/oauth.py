"""OAuth 2.0, client credentials: tokens for server keys. Source: http and auth, section 4."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import KeyPairOnly, access_of
from config.api.parsing import WireJsonParser
from config.kernel import instants
from config.project import oauth
from config.project.models import AccessToken


class TokenBody(serializers.Serializer[Any]):
    """What is asked for."""

    grant_type = serializers.ChoiceField(["client_credentials"])
    scope = serializers.CharField(required=False)


class AccessTokenBody(serializers.Serializer[Any]):
    """Which token is meant."""

    access_token = serializers.CharField()


class TokenAnswer(serializers.Serializer[Any]):
    """A token. expires_at: Unix seconds."""

    access_token = serializers.CharField()
    client_id = serializers.CharField()
    expires_at = serializers.IntegerField()
    expires_in = serializers.IntegerField()
    scope = serializers.CharField()
    token_type = serializers.ChoiceField(["Bearer"])


class IntrospectAnswer(serializers.Serializer[Any]):
    """What is known of a token; of one that does not live nothing but that."""

    active = serializers.BooleanField()
    access_token = serializers.CharField(required=False)
    client_id = serializers.CharField(required=False)
    expires_at = serializers.IntegerField(required=False)
    expires_in = serializers.IntegerField(required=False)
    scope = serializers.CharField(required=False)
    token_type = serializers.ChoiceField(["Bearer"], required=False)


class OAuthView(APIView):
    """Authenticated by a key pair, never by a token; bodies are forms, JSON is taken as well."""

    permission_classes = (KeyPairOnly,)
    parser_classes = (FormParser, WireJsonParser)

    def text(self, request: Request, name: str) -> str:
        """A field of the body, "" where it is missing or no text."""
        value = request.data.get(name) if hasattr(request.data, "get") else None
        return value if isinstance(value, str) else ""


class TokenView(OAuthView):
    """`POST /v1/oauth/token`."""

    @extend_schema(tags=["oauth"], operation_id="oauth_token", request=TokenBody, responses={200: TokenAnswer})
    def post(self, request: Request) -> Response:
        at, key = instants.now(), access_of(request).key
        token, row = oauth.issue(
            key=key, grant_type=self.text(request, "grant_type"), scope=self.text(request, "scope"), at=at
        )
        response = Response(_facts(token, row, at))
        response["Cache-Control"] = "no-store"
        return response


class IntrospectView(OAuthView):
    """`POST /v1/oauth/introspect`."""

    @extend_schema(
        tags=["oauth"], operation_id="oauth_introspect", request=AccessTokenBody, responses={200: IntrospectAnswer}
    )
    def post(self, request: Request) -> Response:
        token = self.text(request, "access_token")
        if not token:
            raise oauth.MissingParameters
        at = instants.now()
        row = oauth.find_own(key=access_of(request).key, token=token, at=at)
        return Response({"active": False} if row is None else {**_facts(token, row, at), "active": True})


class RevokeView(OAuthView):
    """`POST /v1/oauth/token/revoke`."""

    @extend_schema(
        tags=["oauth"], operation_id="oauth_revoke", request=AccessTokenBody, responses={204: None, 404: None}
    )
    def post(self, request: Request) -> Response:
        token = self.text(request, "access_token")
        gone = bool(token) and oauth.revoke(key=access_of(request).key, token=token, at=instants.now())
        return Response(status=204 if gone else 404)


def _facts(token: str, row: AccessToken, at: datetime) -> dict[str, Any]:
    return {
        "access_token": token,
        "client_id": row.key.app_id,
        "expires_at": int(row.expires_at.timestamp()),
        "expires_in": int((row.expires_at - at).total_seconds()),
        "scope": " ".join(row.scopes),
        "token_type": "Bearer",
    }
