"""`/v1/qualifications` and the older calls that ask the same. Source: campaigns and promotions, sections 6.4 and 8."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import limits, tracking_cookie
from config.api.authentication import ClientKeyAuthentication, ClientSwitch, access_of
from config.kernel import instants
from vouchers import qualifying
from vouchers.api import bodies, schemas
from vouchers.api.redeeming import channel_of
from vouchers.rendering.qualifications import render_qualification
from vouchers.services import qualifications


class QualificationOptionsBody(schemas.Shape):
    limit = serializers.IntegerField(min_value=1, max_value=qualifying.MOST, **schemas.MAYBE_NULL)
    starting_after = serializers.DateTimeField(**schemas.MAYBE_NULL)
    filters = serializers.DictField(**schemas.MAYBE_NULL)
    expand = serializers.ListField(child=serializers.ChoiceField(choices=qualifying.EXPANSIONS), **schemas.MAYBE_NULL)
    sorting_rule = serializers.ChoiceField(choices=qualifying.SORTINGS, **schemas.MAYBE_NULL)


class QualificationBody(schemas.Shape):
    """Everything is optional."""

    customer = bodies.RedeemingCustomerBody(**schemas.MAYBE_NULL)
    order = bodies.OrderBody(**schemas.MAYBE_NULL)
    tracking_id = serializers.CharField(**schemas.MAYBE_NULL)
    scenario = serializers.ChoiceField(choices=qualifying.SCENARIOS, **schemas.MAYBE_NULL)
    metadata = serializers.DictField(**schemas.MAYBE_NULL)
    options = QualificationOptionsBody(**schemas.MAYBE_NULL)


class QualifiedListShape(schemas.Shape):
    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]
    total = schemas.Count()
    has_more = serializers.BooleanField()
    more_starting_after = serializers.DateTimeField(**schemas.MAYBE)


class QualificationShape(schemas.Shape):
    """A page of what qualifies."""

    redeemables = QualifiedListShape()
    tracking_id = serializers.CharField(**schemas.MAYBE)
    order = schemas.OrderShape(**schemas.MAYBE)
    stacking_rules = serializers.DictField()


class QualificationView(APIView):
    """`POST /v1/qualifications`: what can this customer use on this cart?"""

    scope = "qualifications"

    @extend_schema(
        tags=["qualifications"],
        operation_id="qualifications_qualify",
        request=QualificationBody,
        responses=QualificationShape,
    )
    def post(self, request: Request) -> Response:
        return self.answer(request, anonymous=False)

    def answer(self, request: Request, *, anonymous: bool) -> Response:
        """anonymous: whether a visitor whom nobody names gets a tracking id, which the cookie then keeps."""
        access = access_of(request)
        found = qualifications.qualify(
            project=access.project,
            request=qualifying.parse_qualification(
                request.data or {}, cookie=tracking_cookie.read(request), anonymous=anonymous
            ),
            at=instants.now(),
            channel=channel_of(access),
        )
        response = Response(render_qualification(found))
        if access.is_client and found.identity.token is not None:
            tracking_cookie.write(response, request, found.identity.token)
        return response


class ClientQualificationView(QualificationView):
    """`POST /client/v1/qualifications`: the same from a browser."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_qualifications"

    @extend_schema(
        tags=["client"],
        operation_id="client_qualifications_qualify",
        request=QualificationBody,
        responses=QualificationShape,
    )
    def post(self, request: Request) -> Response:
        return self.answer(request, anonymous=True)
