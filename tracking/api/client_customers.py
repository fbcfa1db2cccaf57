"""`POST /client/v1/customers`: a page stores the visitor's profile, where the project allows that."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import limits, tracking_cookie
from config.api.authentication import ClientKeyAuthentication, ClientSwitch, access_of
from config.kernel import instants
from customers.payloads import parse_customer
from customers.rendering import render_simple
from tracking.services import visitors


class ClientCustomerBody(serializers.Serializer[Any]):
    """The profile, or part of it."""

    source_id = serializers.CharField(required=False, allow_null=True)
    name = serializers.CharField(required=False, allow_null=True)
    email = serializers.CharField(required=False, allow_null=True)
    phone = serializers.CharField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_null=True)
    address = serializers.DictField(required=False, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)


class ClientCustomerAnswer(serializers.Serializer[Any]):
    """The ids, and what was sent."""

    id = serializers.CharField()
    source_id = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_null=True)
    metadata = serializers.DictField()
    tracking_id = serializers.CharField()
    object = serializers.ChoiceField(["customer"])


class ClientCustomerView(APIView):
    """A stored customer stays as it is where the project wants that; a new one is made."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope: ClassVar[str] = "client_customers"
    client_switch: ClassVar[str] = "client_create_customer_enabled"

    @extend_schema(
        tags=["client"],
        operation_id="client_create_customer",
        request=ClientCustomerBody,
        responses={200: ClientCustomerAnswer},
    )
    def post(self, request: Request) -> Response:
        access, cookie = access_of(request), tracking_cookie.read(request)
        data = parse_customer(request.data, "")
        visitor = visitors.store(
            project=access.project, data=data, cookie=cookie, at=instants.now(), cause=access.cause
        )
        response = Response(
            visitors.shown(render_simple(visitor.customer), data) | {"tracking_id": visitor.identity.token}
        )
        if visitor.identity.token is not None:
            tracking_cookie.write(response, request, visitor.identity.token)
        return response
