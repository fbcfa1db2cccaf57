"""The older calls that browsers make: one code, asked by a query."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import limits, request_id, tracking_cookie
from config.api.authentication import ClientKeyAuthentication, ClientSwitch, access_of
from config.api.parameters import path_id
from config.kernel import instants
from vouchers.api import bodies, legacy, schemas
from vouchers.payloads import parse_legacy, parse_query
from vouchers.services import validations
from vouchers.services.channels import Channel

NO_VALUE: Final = "[object Object]"
"""What a browser's library makes of an object that it cannot put into a query."""


def query(name: str, words: str) -> OpenApiParameter:
    """A parameter of the query."""
    return OpenApiParameter(name, str, OpenApiParameter.QUERY, description=words)


class ClientValidateView(APIView):
    """`GET /client/v1/validate`: a browser asks for a code; a refusal is an answer too, with HTTP 200."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_validate"

    @extend_schema(
        tags=["client"],
        operation_id="client_validate",
        responses=schemas.LegacyValidationShape,
        parameters=[
            OpenApiParameter("code", str, OpenApiParameter.QUERY, required=True),
            query("tracking_id", "Raw or as issued."),
            query("amount", "Minor units."),
            query("customer", "Id, source id or tracking id; also `customer[source_id]`, `customer[metadata][key]`, …"),
            query(
                "item[0][product_id]", "Also `sku_id`, `source_id`, `related_object`, `quantity`, `price`, `amount`."
            ),
            query("session_type", "`LOCK` holds the code for `session_ttl` `session_ttl_unit`s under `session_key`."),
            query("session_key", "One's own key; one is made if there is none."),
            query("session_ttl", "7 if not given."),
            query("session_ttl_unit", "`DAYS` if not given; down to `NANOSECONDS`."),
            query("metadata[key]", "Of the redemption; `order[metadata][key]` of the order."),
        ],
    )
    def get(self, request: Request) -> Response:
        access = access_of(request)
        pairs = [(key, value) for key, values in request.query_params.lists() for value in values if value != NO_VALUE]
        asked = parse_query(pairs, cookie=tracking_cookie.read(request))
        if asked.session is not None:
            limits.count_session(request)
        validation = validations.validate(
            project=access.project,
            request=asked,
            at=instants.now(),
            channel=Channel("CLIENT_API", access.key.app_id, access.group_id, access.event_source()),
        )
        if validation.stack.outcomes[0].candidate.terms is None:
            limits.count_miss(request)
        response = Response(legacy.render_legacy(validation, request_id.current(), shows_customer=False))
        if validation.identity.token is not None:
            tracking_cookie.write(response, request, validation.identity.token)
        return response


class VoucherValidateView(APIView):
    """`POST /v1/vouchers/{code}/validate`: the same for the shop's backend; the body may be empty."""

    scope = "validations"

    @extend_schema(
        tags=["validations"],
        operation_id="vouchers_validate",
        parameters=[path_id("code")],
        request=bodies.LegacyBody,
        responses=schemas.LegacyValidationShape,
    )
    def post(self, request: Request, code: str) -> Response:
        access = access_of(request)
        validation = validations.validate(
            project=access.project,
            request=parse_legacy(code, request.data, cookie=tracking_cookie.read(request), anonymous=True),
            at=instants.now(),
            channel=Channel("API", access.key.app_id, access.group_id, access.event_source()),
        )
        return Response(legacy.render_legacy(validation, request_id.current(), shows_customer=True))
