"""Calls of older libraries about promotions and campaigns, over the same engine.

Source: campaigns and promotions, sections 6.4 and 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import idempotency, limits, request_id, tracking_cookie
from config.api.authentication import ClientKeyAuthentication, ClientSwitch, access_of
from config.api.idempotency import once
from config.api.lists import envelope, parse_order
from config.api.parameters import path_id
from config.kernel import ids, instants
from config.kernel.errors import InvalidPayload, InvalidQueryParams
from vouchers import qualifying
from vouchers.api import bodies, campaign_bodies, schemas
from vouchers.api.qualifications import QualificationBody
from vouchers.api.redeeming import channel_of, redeem
from vouchers.models import Campaign, PromotionTier, RuleAssignment, Voucher
from vouchers.payloads import Redeemable, RedeemRequest, parse_context, parse_query
from vouchers.qualifying import Filters, QualificationRequest
from vouchers.rendering import render_redeemed, render_voucher
from vouchers.rendering.campaigns import render_campaign
from vouchers.rendering.promotions import render_promotions, render_tier_validation
from vouchers.rendering.qualifications import render_lines
from vouchers.services import qualifications, tiers, validations
from vouchers.services.qualifications import Qualification

MOST_CAMPAIGNS = 50
"""And vouchers."""
AUDIENCE_PARAMETERS: Final = [
    OpenApiParameter("audienceRulesOnly", bool, description="Ask only rules about customers."),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST_CAMPAIGNS, "default": 10}),
]
OF_NO_CAMPAIGN: Final = Filters({"resource_type": {"$is": ("voucher",)}, "campaign_id": {"$is_unknown": ()}})


class PromotionsShape(schemas.Shape):
    """The promotions that are valid now."""

    valid = serializers.BooleanField()
    promotions = serializers.ListField(child=serializers.DictField())
    tracking_id = serializers.CharField(**schemas.MAYBE)


class TierValidationShape(schemas.Shape):
    """One tier, valid or with the reason."""

    valid = serializers.BooleanField()
    id = serializers.CharField()
    reason = serializers.CharField(**schemas.MAYBE)
    error = serializers.DictField(**schemas.MAYBE)
    tracking_id = serializers.CharField(**schemas.MAYBE)


class QualifiedCampaignsShape(schemas.Shape):
    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = campaign_bodies.CampaignShape(many=True)  # type: ignore[assignment]
    total = schemas.Count()
    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    tracking_id = serializers.CharField(**schemas.MAYBE)


class QualifiedVoucherShape(schemas.VoucherShape):
    applicable_to = serializers.DictField()
    inapplicable_to = serializers.DictField()


class QualifiedVouchersShape(schemas.Shape):
    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = QualifiedVoucherShape(many=True)  # type: ignore[assignment]
    total = schemas.Count()
    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    tracking_id = serializers.CharField(**schemas.MAYBE)


def context_of(request: Request) -> RedeemRequest:
    """Customer, order and metadata of the body, which may be empty."""
    body = request.data or {}
    if not isinstance(body, dict):
        raise InvalidPayload("Payload should be object")
    return parse_context({**body, "session": None}, cookie=tracking_cookie.read(request))


def tier_of(request: Request, tier_id: str) -> PromotionTier:
    """The tier of the path. Raises NotFound."""
    return tiers.find(project=access_of(request).project, public_id=tier_id)


class PromotionsValidationView(APIView):
    """`POST /v1/promotions/validation`: which promotions hold for this cart?"""

    scope = "promotions"

    @extend_schema(
        tags=["promotions"],
        operation_id="promotions_validate_all",
        request=bodies.LegacyBody,
        parameters=AUDIENCE_PARAMETERS[:1],
        responses=PromotionsShape,
    )
    def post(self, request: Request) -> Response:
        return self.answer(request, context_of(request))

    def answer(self, request: Request, context: RedeemRequest) -> Response:
        """Every tier that would be redeemed."""
        access = access_of(request)
        found = qualifications.promotions(
            project=access.project,
            context=context,
            at=instants.now(),
            channel=channel_of(access),
            audience_only=_audience_only(request),
        )
        response = Response(render_promotions(found))
        if access.is_client and found.identity.token is not None:
            tracking_cookie.write(response, request, found.identity.token)
        return response


class ClientPromotionsValidationView(PromotionsValidationView):
    """`GET /client/v1/promotions/validation`: the same by a query, from a browser."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_promotions"
    http_method_names = ("get", "options", "head")

    @extend_schema(
        tags=["client"],
        operation_id="client_promotions_validate",
        responses=PromotionsShape,
        parameters=[
            OpenApiParameter("amount", str, description="Minor units."),
            OpenApiParameter("customer", str, description="Also `customer[source_id]`, …"),
            OpenApiParameter("item[0][product_id]", str, description="Also `sku_id`, `quantity`, `price`, …"),
            OpenApiParameter("tracking_id", str, description="Raw or as issued."),
            OpenApiParameter("metadata[key]", str),
        ],
    )
    def get(self, request: Request) -> Response:
        pairs = [(key, value) for key, values in request.query_params.lists() for value in values]
        pairs = [pair for pair in pairs if pair[0] not in ("code", "session_type")]
        asked = parse_query([("code", "none"), *pairs], cookie=tracking_cookie.read(request))
        return self.answer(request, replace(asked, redeemables=()))


class TierValidationView(APIView):
    """`POST /v1/promotions/tiers/{id}/validation`: would this tier go through now?"""

    scope = "promotions"

    @extend_schema(
        tags=["promotions"],
        operation_id="promotions_validate_tier",
        request=bodies.LegacyBody,
        parameters=[path_id("tier_id")],
        responses=TierValidationShape,
    )
    def post(self, request: Request, tier_id: str) -> Response:
        access, tier = access_of(request), tier_of(request, tier_id)
        asked = replace(context_of(request), redeemables=(Redeemable(tier.public_id, "promotion_tier"),))
        validation = validations.validate(
            project=access.project, request=asked, at=instants.now(), channel=channel_of(access)
        )
        own = list(RuleAssignment.objects.filter(promotion_tier=tier).select_related("rule").order_by("pk"))
        return Response(render_tier_validation(validation, tier, own, request_id.current()))


class TierRedemptionView(APIView):
    """`POST /v1/promotions/tiers/{id}/redemption`: redeem this tier."""

    scope = "redemptions"

    @extend_schema(
        tags=["promotions"],
        operation_id="promotions_redeem_tier",
        request=bodies.LegacyBody,
        parameters=[path_id("tier_id"), idempotency.PARAMETER],
        responses=schemas.RedemptionShape,
    )
    def post(self, request: Request, tier_id: str) -> HttpResponseBase:
        return once(request, lambda: self.redeem(request, tier_id))

    @staticmethod
    def redeem(request: Request, tier_id: str) -> Response:
        """The tier, alone."""
        tier = tier_of(request, tier_id)
        asked = replace(context_of(request), redeemables=(Redeemable(tier.public_id, "promotion_tier"),))
        wire: dict[str, Any] = render_redeemed(redeem(request, asked), request_id.current())
        return Response(wire["redemptions"][0])


class CampaignQualificationView(APIView):
    """`POST /v1/campaigns/qualification`: which campaigns could give this customer a code?"""

    scope = "campaigns"
    orders: ClassVar[Mapping[str, str]] = {
        **{"created_at": "created_at", "updated_at": "updated_at", "type": "type", "code": "name"},
        **{"category": "category__name", "campaign": "name"},
    }

    @extend_schema(
        tags=["campaigns"],
        operation_id="campaigns_qualify",
        request=QualificationBody,
        parameters=[
            *AUDIENCE_PARAMETERS,
            OpenApiParameter("order", str, enum=[sign + name for name in orders for sign in ("", "-")]),
        ],
        responses=QualifiedCampaignsShape,
    )
    def post(self, request: Request) -> Response:
        access, at = access_of(request), instants.now()
        _, column = parse_order(request.query_params, self.orders, "-created_at")
        found = qualifications.campaigns(
            project=access.project,
            context=replace(context_of(request), expand=None),
            audience_only=_audience_only(request),
            limit=_limit(request),
            at=at,
        )
        keys = [one.qualifier.campaign.pk for one in found.qualified if one.qualifier.campaign is not None]
        rows = Campaign.objects.of(access.project).filter(pk__in=keys).for_wire().order_by(column, "-pk")
        data = [render_campaign(row) for row in rows]
        return Response(envelope("data", data, len(data), **_told(found, at)))


class VoucherQualificationView(APIView):
    """`POST /v1/vouchers/qualification`: which codes that belong to no campaign may this customer use?"""

    scope = "vouchers"
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at", "code": "code"}

    @extend_schema(
        tags=["vouchers"],
        operation_id="vouchers_qualify",
        request=QualificationBody,
        parameters=[
            *AUDIENCE_PARAMETERS,
            OpenApiParameter("order", str, enum=[sign + name for name in orders for sign in ("", "-")]),
        ],
        responses=QualifiedVouchersShape,
    )
    def post(self, request: Request) -> Response:
        access, at = access_of(request), instants.now()
        _, column = parse_order(request.query_params, self.orders, "-created_at")
        asked = QualificationRequest(
            context=replace(context_of(request), expand=None),
            scenario=qualifying.AUDIENCE if _audience_only(request) else qualifying.ALL,
            limit=MOST_CAMPAIGNS,
            filters=OF_NO_CAMPAIGN,
        )
        found = qualifications.qualify(project=access.project, request=asked, at=at, channel=channel_of(access))
        qualified = {one.qualifier.voucher.pk: one for one in found.qualified if one.qualifier.voucher is not None}
        rows = Voucher.objects.of(access.project).filter(pk__in=qualified).for_wire()
        sign = "-" if column.startswith("-") else ""
        data = [
            {**render_voucher(row, qualified[row.pk].qualifier.assignments), **render_lines(qualified[row.pk])}
            for row in rows.order_by(column, f"{sign}pk")[: _limit(request)]
        ]
        return Response(envelope("data", data, len(data), **_told(found, at)))


def _told(found: Qualification, at: datetime) -> dict[str, Any]:
    extra = {"id": ids.new("qfl_"), "created_at": instants.to_wire(at)}
    if found.identity.token is not None:
        extra["tracking_id"] = found.identity.token
    return extra


def _audience_only(request: Request) -> bool:
    return request.query_params.get("audienceRulesOnly", "").lower() == "true"


def _limit(request: Request) -> int:
    text = request.query_params.get("limit") or "10"
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= MOST_CAMPAIGNS):
        raise InvalidQueryParams(f"Property .limit should be between 1 and {MOST_CAMPAIGNS}")
    return int(text)
