"""What a customer can redeem: `GET /v1/customers/{id}/redeemables`. Source: customers.md section 16."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import access_of
from config.api.filtering import by_filters
from config.api.lists import DEFAULT_LIMIT, MOST_PER_PAGE, envelope, parse_limit, parse_order
from config.api.parameters import path_id
from config.filters.checks import Check, InSegments, Known, Never
from config.filters.fields import Field, FieldTable, Scope
from config.filters.sources import Column, typed
from config.filters.sql import FALSE, JSON, Sql
from config.filters.values import Kind
from config.kernel import instants
from config.kernel.errors import InvalidQueryParams
from config.project.models import Project
from customers import lookups
from vouchers.api import schemas
from vouchers.models import Campaign, Voucher
from vouchers.rendering.held import key_of, render_held


@dataclass(frozen=True, slots=True)
class Written:
    """A text that is never NULL, written in SQL over columns."""

    template: str
    columns: tuple[str, ...] = ()

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        if isinstance(check, Never | InSegments):
            return Q(FALSE)
        return Q(Sql("TRUE") if isinstance(check, Known) else typed(self._text(), check, field.kind, scope))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Sql("to_jsonb({})", self._text(), output_field=JSON)

    def _text(self) -> Sql:
        return Sql(self.template, *self.columns)


def _field(key: str, source: Any, kind: Kind = Kind.TEXT) -> Field:
    return Field(key, key.replace("_", " ").capitalize(), "Redeemable", kind, source)


FIELDS: Final = FieldTable(
    _field("id", Written("('rh_' || lpad(to_hex({}), 18, '0'))", ("pk",))),
    _field("created_at", Column("published_at", or_else="created_at"), Kind.DATETIME),
    _field("redeemable_id", Column("public_id")),
    _field("redeemable_object", Written("'voucher'::text")),
    _field("holder_role", Written("'OWNER'::text")),
    _field("campaign_id", Column("campaign__public_id")),
    _field("campaign_type", Column("campaign__campaign_type")),
    _field("voucher_type", Column("type")),
)


class HeldShape(schemas.Shape):
    """A voucher of the customer and whether it can be redeemed now."""

    type = serializers.ChoiceField(choices=["voucher"])
    voucher = schemas.VoucherShape()
    status = serializers.ChoiceField(choices=["ACTIVE", "USED", "DISABLED", "NOT_ACTIVE_YET", "EXPIRED", "NO_BALANCE"])


class HoldingShape(schemas.Shape):
    """One redeemable of a customer."""

    id = serializers.CharField(help_text="`rh_…`")
    created_at = serializers.DateTimeField(help_text="When it was assigned.")
    redeemable_id = serializers.CharField()
    redeemable_object = serializers.ChoiceField(choices=["voucher"])
    customer_id = serializers.CharField()
    holder_role = serializers.ChoiceField(choices=["OWNER", "REFERRER", "REFEREE"])
    campaign_id = serializers.CharField(allow_null=True)
    campaign_type = serializers.ChoiceField(choices=Campaign.CampaignType.values, allow_null=True)
    voucher_type = serializers.ChoiceField(choices=Voucher.Type.values)
    redeemable = HeldShape()


class HoldingsShape(schemas.Shape):
    """A page; `more_starting_after` names the last one of it while there are more."""

    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = HoldingShape(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()
    has_more = serializers.BooleanField()
    more_starting_after = serializers.CharField(required=False)


class CustomerRedeemablesView(APIView):
    """The vouchers a customer holds."""

    scope: ClassVar[str] = "customers"
    orders: ClassVar[Mapping[str, str]] = {"id": "pk"}

    @staticmethod
    def filter_fields(project: Project) -> FieldTable:
        return FIELDS

    @extend_schema(
        operation_id="list_customer_redeemables",
        parameters=[
            path_id("customer_id"),
            OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE,
                                       "default": DEFAULT_LIMIT}),
            OpenApiParameter("order", str, enum=["id", "-id"], default="-id"),
            OpenApiParameter("starting_after_id", str, description="The id of the last one seen."),
        ],
        responses={200: HoldingsShape},
    )  # fmt: skip
    def get(self, request: Request, customer_id: str) -> Response:
        """The vouchers the customer holds, and whether each can be redeemed now."""
        customer = lookups.find(project=access_of(request).project, identifier=customer_id)
        limit = parse_limit(request.query_params)
        order, column = parse_order(request.query_params, self.orders, "-id")
        held = Voucher.objects.of(customer.project).alive().filter(holder=customer)
        held = by_filters(request, held, self)
        total = held.count()
        rows = list(self._after(request, held, order).for_wire().order_by(column)[: limit + 1])
        at = instants.now()
        data = [render_held(voucher, customer, at) for voucher in rows[:limit]]
        more = len(rows) > limit
        extra = {"more_starting_after": data[-1]["id"]} if more else {}
        return Response(envelope("data", data, total, has_more=more, **extra))

    @staticmethod
    def _after(request: Request, held: QuerySet[Voucher], order: str) -> Any:
        cursor = request.query_params.get("starting_after_id")
        if not cursor:
            return held
        key = key_of(cursor)
        if key is None:
            raise InvalidQueryParams("Property .starting_after_id should be an id of a redeemable")
        return held.filter(pk__lt=key) if order.startswith("-") else held.filter(pk__gt=key)
