"""The calls that are hot or no resource: validate and redeem. Parsed and rendered by plain functions."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import idempotency, limits, request_id, tracking_cookie
from config.api.authentication import ClientKeyAuthentication, ClientSwitch, access_of
from config.api.idempotency import once
from config.api.parameters import path_id
from config.kernel import instants
from config.kernel.errors import InvalidQueryParams
from vouchers.api import bodies, schemas
from vouchers.api.redeeming import channel_of, legacy_request, redeem_one, redeem_stackable
from vouchers.api.viewsets import voucher_redemptions
from vouchers.payloads import parse_stackable
from vouchers.rendering import for_browser, render_validation
from vouchers.services import validations, vouchers

TRACKING_ID = OpenApiParameter("tracking_id", str, description="Raw, or as it was issued.")


class ValidationView(APIView):
    """`POST /v1/validations`: would these redeemables go through now? Always 200; `valid` says it."""

    scope = "validations"

    @extend_schema(
        tags=["validations"],
        operation_id="validations_validate",
        request=bodies.StackableBody,
        responses=schemas.ValidationShape,
    )
    def post(self, request: Request) -> Response:
        return self.answer(request, anonymous=False)

    def answer(self, request: Request, *, anonymous: bool) -> Response:
        """anonymous: whether a visitor whom nobody names gets a tracking id, which the cookie then keeps."""
        access = access_of(request)
        asked = parse_stackable(request.data, cookie=tracking_cookie.read(request), anonymous=anonymous)
        if asked.session is not None and access.is_client:
            limits.count_session(request)
        validation = validations.validate(
            project=access.project,
            request=asked,
            at=instants.now(),
            channel=channel_of(access),
        )
        response = Response(render_validation(validation, request_id.current()))
        if access.is_client:
            if any(outcome.candidate.terms is None for outcome in validation.stack.outcomes):
                limits.count_miss(request)
            if validation.identity.token is not None:
                tracking_cookie.write(response, request, validation.identity.token)
        return response


class ClientValidationView(ValidationView):
    """`POST /client/v1/validations`: the same from a browser."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_validations"

    @extend_schema(
        tags=["client"],
        operation_id="client_validations_validate",
        request=bodies.StackableBody,
        responses=schemas.ValidationShape,
    )
    def post(self, request: Request) -> Response:
        return self.answer(request, anonymous=True)


class ClientRedemptionView(APIView):
    """`POST /client/v1/redemptions`: from a browser, where the project allows it."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_redemptions"
    client_switch = "client_redeem_enabled"

    @extend_schema(
        tags=["client"],
        operation_id="client_redemptions_redeem",
        parameters=[idempotency.PARAMETER],
        request=bodies.StackableBody,
        responses=schemas.RedeemedShape,
    )
    def post(self, request: Request) -> HttpResponseBase:
        return once(request, lambda: self.redeem(request))

    @staticmethod
    def redeem(request: Request) -> Response:
        asked = parse_stackable(request.data, cookie=tracking_cookie.read(request))
        wire = redeem_stackable(request, asked)
        wire["redemptions"] = [for_browser(entry, asked.customer) for entry in wire["redemptions"]]
        if "parent_redemption" in wire:
            wire["parent_redemption"] = for_browser(wire["parent_redemption"], asked.customer)
        return Response(wire)


class VoucherRedemptionView(APIView):
    """`/v1/vouchers/{code}/redemption`: redeem one code, or list the attempts on it."""

    scope = "redemptions"

    @extend_schema(tags=["redemptions"], parameters=[path_id("code")], responses=schemas.VoucherRedemptionsShape)
    def get(self, request: Request, code: str) -> Response:
        return voucher_redemptions(vouchers.find(project=access_of(request).project, identifier=code))

    @extend_schema(
        tags=["redemptions"],
        operation_id="vouchers_redeem",
        parameters=[path_id("code"), TRACKING_ID, idempotency.PARAMETER],
        request=bodies.LegacyBody,
        responses=schemas.LegacyRedemptionShape,
    )
    def post(self, request: Request, code: str) -> HttpResponseBase:
        return once(request, lambda: Response(redeem_one(request, legacy_request(request, code))))


class ClientRedeemView(APIView):
    """`POST /client/v1/redeem?code=`: the same from a browser, where the project allows it."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_redeem"
    client_switch = "client_redeem_enabled"

    @extend_schema(
        tags=["client"],
        operation_id="client_redeem",
        parameters=[OpenApiParameter("code", str, required=True), TRACKING_ID, idempotency.PARAMETER],
        request=bodies.LegacyBody,
        responses=schemas.LegacyRedemptionShape,
    )
    def post(self, request: Request) -> HttpResponseBase:
        return once(request, lambda: self.redeem(request))

    @staticmethod
    def redeem(request: Request) -> Response:
        code = request.query_params.get("code", "")
        if not code:
            raise InvalidQueryParams("Query should have required property 'code'")
        asked = legacy_request(request, code)
        return Response(for_browser(redeem_one(request, asked), asked.customer))
