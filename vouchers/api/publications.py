"""`/v1/publications`: codes handed to customers. Source: campaigns and promotions, section 7."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import idempotency, limits, tracking_cookie
from config.api.authentication import ClientKeyAuthentication, ClientSwitch, access_of
from config.api.filters import FlagFilter
from config.api.idempotency import once
from config.api.parameters import path_id
from config.api.resources import ScopedViewSet
from config.filters.fields import FieldTable
from config.kernel import instants
from config.kernel.errors import InvalidQueryParams
from config.project.models import Project
from vouchers import publication_fields, publishing
from vouchers.api import bodies, schemas
from vouchers.api.filters import WireFilterSet
from vouchers.api.redeeming import channel_of
from vouchers.engine import codes
from vouchers.models import Publication, RuleAssignment, Voucher
from vouchers.rendering import render_voucher
from vouchers.rendering.publications import for_browser, render_publication
from vouchers.services import publications, vouchers

JOIN_ONCE = OpenApiParameter("join_once", bool, description="Always the same code for a customer.")
CAMPAIGN = OpenApiParameter("campaign", str, description="Name or id, where the body names no campaign.")
TYPES: Mapping[str, str] = {
    "discount": Voucher.Type.DISCOUNT,
    "loyalty": Voucher.Type.LOYALTY,
    "gift": Voucher.Type.GIFT,
}


class PublishedCampaignBody(schemas.Shape):
    name = serializers.CharField(max_length=500)
    count = serializers.IntegerField(min_value=1, max_value=publishing.MOST, **schemas.MAYBE)


class PublishBody(schemas.Shape):
    """A voucher, or codes of a campaign, for a customer."""

    voucher = serializers.CharField(max_length=500, **schemas.MAYBE_NULL)
    campaign = PublishedCampaignBody(**schemas.MAYBE_NULL)
    customer = bodies.RedeemingCustomerBody()
    source_id = serializers.CharField(max_length=500, **schemas.MAYBE_NULL)
    metadata = serializers.DictField(**schemas.MAYBE_NULL)
    channel = serializers.CharField(max_length=500, **schemas.MAYBE_NULL)


class PublicationShape(schemas.Shape):
    """What was published to whom; a refused attempt says why instead."""

    id = serializers.CharField()
    object = serializers.ChoiceField(choices=["publication"])
    created_at = serializers.DateTimeField()
    customer_id = serializers.CharField(**schemas.MAYBE)
    tracking_id = serializers.CharField(**schemas.MAYBE)
    metadata = serializers.DictField()
    channel = serializers.CharField()
    source_id = serializers.CharField(**schemas.NULL)
    result = serializers.ChoiceField(choices=["SUCCESS", "FAILURE"])
    customer = schemas.SimpleCustomerShape(**schemas.MAYBE)
    failure_code = serializers.CharField(**schemas.MAYBE)
    failure_message = serializers.CharField(**schemas.MAYBE)
    vouchers_id = serializers.ListField(child=serializers.CharField(), **schemas.MAYBE)
    vouchers = serializers.ListField(child=serializers.CharField(), **schemas.MAYBE)
    voucher = serializers.DictField(**schemas.MAYBE)


def publish(request: Request, asked: publishing.PublishRequest) -> Publication:
    """Publish now, in the project of the key; to whom a browser's cookie names, where the body names nobody."""
    access = access_of(request)
    return publications.publish(
        project=access.project,
        request=asked,
        at=instants.now(),
        channel=channel_of(access),
        protect_customer=access.is_client and access.project.client_protects_customers,
        cookie=tracking_cookie.read(request) if access.is_client else None,
    )


class PublicationFilterSet(WireFilterSet):
    """`GET /v1/publications`"""

    campaign = django_filters.CharFilter(field_name="campaign__name")
    campaign_name = django_filters.CharFilter(field_name="campaign__name")
    customer = django_filters.CharFilter(method="made_for")
    customer_id = django_filters.CharFilter(field_name="customer__public_id")
    voucher = django_filters.CharFilter(method="of_voucher")
    voucher_code = django_filters.CharFilter(method="of_voucher")
    result = django_filters.ChoiceFilter(choices=Publication.Result.choices)
    voucher_type = django_filters.ChoiceFilter(method="of_type", choices=[(name, name) for name in TYPES])
    is_referral_code = FlagFilter(method="referral")
    source_id = django_filters.CharFilter(field_name="source_id")
    parent_object_id = django_filters.CharFilter(field_name="campaign__public_id")
    related_object_id = django_filters.CharFilter(method="of_voucher")

    windows: ClassVar[tuple[str, ...]] = ("created_at",)

    class Meta:
        model = Publication
        fields: ClassVar[list[str]] = []

    def made_for(self, rows: QuerySet[Publication], name: str, value: str) -> QuerySet[Publication]:
        return self.of_customer(rows, "customer", value)

    def of_voucher(self, rows: QuerySet[Publication], name: str, value: str) -> QuerySet[Publication]:
        key = codes.comparable(value, case_sensitive=self.project.case_sensitive_codes)
        ids = Voucher.objects.of(self.project).filter(Q(code_key=key) | Q(public_id=value))
        return rows.filter(voucher_ids__overlap=[*ids.values_list("public_id", flat=True), value])

    def of_type(self, rows: QuerySet[Publication], name: str, value: str) -> QuerySet[Publication]:
        return rows.filter(voucher__type=TYPES[value])

    def referral(self, rows: QuerySet[Publication], name: str, value: bool) -> QuerySet[Publication]:
        if not value:
            raise InvalidQueryParams("Property .is_referral_code should be true")
        return rows.filter(voucher__is_referral_code=True)


@extend_schema(tags=["publications"])
class PublicationViewSet(ScopedViewSet):
    """`/v1/publications`"""

    scope = "publications"
    serializer_class = schemas.Shape
    queryset = Publication.objects.all()
    filterset_class = PublicationFilterSet
    data_ref = "publications"
    orders: ClassVar[Mapping[str, str]] = publication_fields.PUBLICATION.orders
    nullable_orders: ClassVar[frozenset[str]] = frozenset({"voucher__code", "tracking_id", "customer__public_id"})

    @staticmethod
    def filter_fields(project: Project) -> FieldTable:
        return publication_fields.FIELDS

    @extend_schema(responses=PublicationShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().for_wire())
        return self.get_paginated_response([render_publication(row, in_full=False) for row in rows])

    @extend_schema(request=PublishBody, parameters=[JOIN_ONCE, idempotency.PARAMETER], responses=PublicationShape)
    def create(self, request: Request) -> HttpResponseBase:
        return once(request, lambda: self.publish(request))

    @staticmethod
    def publish(request: Request) -> Response:
        """What the body asks for."""
        asked = publishing.parse_publish(request.data, join_once=request.query_params.get("join_once"))
        return Response(render_publication(publish(request, asked), in_full=True))


@extend_schema(parameters=[path_id("code")])
class VoucherPublicationViewSet(PublicationViewSet):
    """`GET /v1/vouchers/{code}/publications`: where a voucher's `publish.url` leads."""

    def get_queryset(self) -> Any:
        voucher = vouchers.find(project=self.project, identifier=self.kwargs["code"])
        return super().get_queryset().filter(voucher_ids__overlap=[voucher.public_id])

    @extend_schema(operation_id="vouchers_publications", responses=PublicationShape(many=True))
    def list(self, request: Request, code: str) -> Response:  # type: ignore[override]
        return super().list(request)


class CreatePublicationView(APIView):
    """`GET /v1/publications/create`: the same by a query, one voucher."""

    scope = "publications"

    @extend_schema(
        tags=["publications"],
        operation_id="publications_create_by_query",
        responses=PublicationShape,
        parameters=[
            JOIN_ONCE,
            OpenApiParameter("voucher", str, description="A code or an id."),
            OpenApiParameter("campaign[name]", str, description="Name or id."),
            OpenApiParameter("customer[source_id]", str, description="Also `customer[id]`, `customer[email]`, …"),
            OpenApiParameter("source_id", str, description="The publication's own id elsewhere."),
            OpenApiParameter("metadata[key]", str),
            idempotency.PARAMETER,
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return once(request, lambda: self.publish(request))

    @staticmethod
    def publish(request: Request) -> Response:
        """What the query asks for."""
        pairs = [(key, value) for key, values in request.query_params.lists() for value in values]
        return Response(render_publication(publish(request, publishing.parse_publish_query(pairs)), in_full=True))


class ClientPublishView(APIView):
    """`POST /client/v1/publish`: from a browser, where the project allows it."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_publish"
    client_switch = "client_publish_enabled"

    @extend_schema(
        tags=["client"],
        operation_id="client_publish",
        request=PublishBody,
        parameters=[JOIN_ONCE, CAMPAIGN, idempotency.PARAMETER],
        responses=PublicationShape,
    )
    def post(self, request: Request) -> HttpResponseBase:
        return once(request, lambda: self.publish(request))

    @staticmethod
    def publish(request: Request) -> Response:
        """What the body asks for, or the query where the body names no campaign."""
        body, query = request.data, request.query_params
        if isinstance(body, dict) and body.get("campaign") is None and query.get("campaign"):
            body = {**body, "campaign": query["campaign"]}
        asked = publishing.parse_publish(body, join_once=query.get("join_once"))
        wire = render_publication(publish(request, asked), in_full=True)
        return Response(for_browser(wire, asked.customer))


class LegacyPublishView(APIView):
    """`POST /v1/vouchers/publish`: as older libraries call it; answers the published voucher."""

    scope = "publications"

    @extend_schema(
        tags=["publications"],
        operation_id="vouchers_publish",
        request=PublishBody,
        parameters=[idempotency.PARAMETER],
        responses=schemas.VoucherShape,
    )
    def post(self, request: Request) -> HttpResponseBase:
        return once(request, lambda: self.publish(request))

    @staticmethod
    def publish(request: Request) -> Response:
        """What the body asks for, in its old form."""
        published = publish(request, publishing.parse_legacy_publish(request.data))
        voucher = vouchers.find(project=access_of(request).project, identifier=published.voucher_ids[0])
        wire: dict[str, Any] = render_voucher(voucher, RuleAssignment.objects.all().applying_to(voucher))
        return Response(wire)
