"""`/v1/promotions`: tiers and stacks of promotions. Source: campaigns and promotions, section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Q, QuerySet
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import limits
from config.api.auditing import note
from config.api.authentication import ClientKeyAuthentication, ClientSwitch
from config.api.fields import parse
from config.api.filters import FlagFilter
from config.api.lists import PagePagination, envelope
from config.api.parameters import path_id
from config.api.resources import ScopedViewSet
from config.kernel import instants
from vouchers import audited
from vouchers.api import campaign_bodies as bodies
from vouchers.api import schemas
from vouchers.api.filters import WireFilterSet
from vouchers.models import Campaign, PromotionStack, PromotionTier
from vouchers.rendering.campaigns import render_tiers
from vouchers.rendering.tiers import render_stack, render_tier
from vouchers.services import campaigns, tiers

ORDERS: Mapping[str, str] = {"created_at": "created_at", "updated_at": "updated_at"}


class TierFilterSet(WireFilterSet):
    """`GET /v1/promotions/tiers`"""

    is_available = FlagFilter(method="available", label="Switched on and not expired.")

    class Meta:
        model = PromotionTier
        fields: ClassVar[list[str]] = []

    def available(self, rows: QuerySet[PromotionTier], name: str, value: bool) -> QuerySet[PromotionTier]:
        now = instants.now()
        expired = Q(expiration_date__lt=now) | Q(expiration_date=None, campaign__expiration_date__lt=now)
        usable = Q(active=True, campaign__active=True) & ~expired
        # `~Q` of nullable columns would lose the rows without a date; so ask for the usable ones by key.
        found = PromotionTier.objects.of(self.project).filter(usable).values("pk")
        return rows.filter(pk__in=found) if value else rows.exclude(pk__in=found)


class TierPagination(PagePagination):
    """With `has_more`."""

    def get_paginated_response(self, data: Any) -> Response:
        return Response(envelope(self.data_ref, data, self.total, has_more=self.has_more))


def answer_tier(tier: PromotionTier) -> Response:
    """One tier."""
    return Response(render_tier(tier, list(tier.rule_assignments.select_related("rule").order_by("pk"))))


@extend_schema(tags=["promotions"], responses=bodies.TierShape)
class TierViewSet(ScopedViewSet):
    """`/v1/promotions/tiers`"""

    scope = "promotions"
    lookup_field = "tier_id"
    serializer_class = schemas.Shape
    queryset = PromotionTier.objects.all()
    filterset_class = TierFilterSet
    pagination_class = TierPagination
    data_ref = "tiers"
    orders = ORDERS

    def get_queryset(self) -> Any:
        return super().get_queryset().alive()

    def found(self) -> PromotionTier:
        """The tier of the path."""
        return tiers.find(project=self.project, public_id=self.kwargs["tier_id"])

    @extend_schema(responses=bodies.TierShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().for_wire())
        return self.get_paginated_response([render_tier(row, list(row.rule_assignments.all())) for row in rows])

    @extend_schema(parameters=[path_id("tier_id")])
    def retrieve(self, request: Request, tier_id: str) -> Response:
        return answer_tier(self.found())

    @extend_schema(request=bodies.TierUpdateBody, parameters=[path_id("tier_id")])
    def update(self, request: Request, tier_id: str) -> Response:
        stored = self.found()
        body = parse(bodies.TierUpdateBody, request.data)
        before = audited.of_tier(stored)
        with transaction.atomic():
            tier = tiers.update(project=self.project, tier=stored, data=body, at=instants.now(), cause=self.cause)
            after = audited.of_tier(tier)
            self._note("promotion_tier.changed", tier, before=before, after=after)
        return answer_tier(tier)

    @extend_schema(parameters=[path_id("tier_id")], responses={204: None})
    def destroy(self, request: Request, tier_id: str) -> Response:
        tier = self.found()
        before = audited.of_tier(tier)
        with transaction.atomic():
            self._note("promotion_tier.deleted", tier, before=before, after=None)
            tiers.delete(project=self.project, tier=tier, at=instants.now(), cause=self.cause)
        return Response(status=204)

    @extend_schema(request=None, parameters=[path_id("tier_id")])
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, tier_id: str) -> Response:
        return self._switch(active=True)

    @extend_schema(request=None, parameters=[path_id("tier_id")])
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, tier_id: str) -> Response:
        return self._switch(active=False)

    def _switch(self, *, active: bool) -> Response:
        stored = self.found()
        before, words = {"active": stored.active}, "promotion_tier.enabled" if active else "promotion_tier.disabled"
        with transaction.atomic():
            tier = tiers.switch(project=self.project, tier=stored, active=active, at=instants.now(), cause=self.cause)
            self._note(words, tier, before=before, after={"active": active})
        return answer_tier(tier)

    def _note(self, words: str, tier: PromotionTier, *, before: Any, after: Any) -> None:
        note(self.request, words, "promotion_tier", tier.public_id, name=tier.name, before=before, after=after)


@extend_schema(tags=["client"])
class ClientTierViewSet(TierViewSet):
    """`GET /client/v1/promotions/tiers`: the same list from a browser."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_promotions"

    @extend_schema(operation_id="client_promotion_tiers", responses=bodies.TierShape(many=True))
    def list(self, request: Request) -> Response:
        return super().list(request)


class OfCampaign(ScopedViewSet):
    """What stands below a promotion."""

    scope = "promotions"
    serializer_class = schemas.Shape

    def campaign(self) -> Campaign:
        """The campaign of the path."""
        return campaigns.find(project=self.project, identifier=self.kwargs["campaign_id"])


@extend_schema(tags=["promotions"], parameters=[path_id("campaign_id")])
class CampaignTierViewSet(OfCampaign):
    """`/v1/promotions/{campaignId}/tiers`"""

    queryset = PromotionTier.objects.all()
    filterset_class = None
    pagination_class = None

    @extend_schema(
        operation_id="promotions_tiers_of_campaign",
        responses={200: forced_singular_serializer(bodies.TiersShape)},  # type: ignore[no-untyped-call]
    )
    def list(self, request: Request, campaign_id: str) -> Response:
        rows = self.get_queryset().for_wire().filter(campaign=self.campaign())
        return Response(render_tiers(list(rows.order_by("hierarchy", "pk"))) | {"has_more": False})

    @extend_schema(request=bodies.TierBody, responses=bodies.TierShape)
    def create(self, request: Request, campaign_id: str) -> Response:
        campaign = self.campaign()
        body = parse(bodies.TierBody, request.data)
        with transaction.atomic():
            tier = tiers.create(project=self.project, campaign=campaign, data=body, at=instants.now(), cause=self.cause)
            after = audited.of_tier(tier)
            note(request, "promotion_tier.created", "promotion_tier", tier.public_id, name=tier.name, after=after)
        return answer_tier(tiers.find(project=self.project, public_id=tier.public_id))


class StackFilterSet(WireFilterSet):
    """`GET /v1/promotions/stacks`"""

    windows: ClassVar[tuple[str, ...]] = ("created_at", "updated_at")

    class Meta:
        model = PromotionStack
        fields: ClassVar[list[str]] = []


@extend_schema(tags=["promotions"])
class AllStacksViewSet(ScopedViewSet):
    """`GET /v1/promotions/stacks`"""

    scope = "promotions"
    serializer_class = schemas.Shape
    queryset = PromotionStack.objects.all()
    filterset_class = StackFilterSet
    orders: ClassVar[Mapping[str, str]] = {**ORDERS, "name": "name"}

    @extend_schema(operation_id="promotions_stacks_list_all", responses=bodies.StackShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.get_queryset().filter(campaign__deleted_at=None).select_related("campaign", "category")
        return self.get_paginated_response([render_stack(row) for row in self.page(request, rows)])


@extend_schema(tags=["promotions"], parameters=[path_id("campaign_id")], responses=bodies.StackShape)
class StackViewSet(OfCampaign):
    """`/v1/promotions/{campaignId}/stacks`"""

    lookup_field = "stack_id"
    queryset = PromotionStack.objects.all()
    filterset_class = None
    pagination_class = None

    def found(self) -> PromotionStack:
        """The stack of the path."""
        return tiers.stack_of(project=self.project, campaign=self.campaign(), public_id=self.kwargs["stack_id"])

    @extend_schema(
        operation_id="promotions_stacks_of_campaign",
        responses={200: forced_singular_serializer(bodies.StacksShape)},  # type: ignore[no-untyped-call]
    )
    def list(self, request: Request, campaign_id: str) -> Response:
        rows: Sequence[PromotionStack] = (
            self.get_queryset().filter(campaign=self.campaign()).select_related("campaign", "category")
        ).order_by("-created_at", "-pk")
        data = [render_stack(row) for row in rows]
        return Response(envelope("data", data, len(data)))

    @extend_schema(request=bodies.StackBody)
    def create(self, request: Request, campaign_id: str) -> Response:
        campaign = self.campaign()
        body = parse(bodies.StackBody, request.data)
        with transaction.atomic():
            stack = tiers.create_stack(
                project=self.project, campaign=campaign, data=body, at=instants.now(), cause=self.cause
            )
            self._note("promotion_stack.created", stack, after=audited.of_stack(stack))
        return Response(render_stack(stack))

    @extend_schema(parameters=[path_id("stack_id")])
    def retrieve(self, request: Request, campaign_id: str, stack_id: str) -> Response:
        return Response(render_stack(self.found()))

    @extend_schema(request=bodies.StackUpdateBody, parameters=[path_id("stack_id")])
    def update(self, request: Request, campaign_id: str, stack_id: str) -> Response:
        stored = self.found()
        body = parse(bodies.StackUpdateBody, request.data)
        before = audited.of_stack(stored)
        with transaction.atomic():
            stack = tiers.update_stack(
                project=self.project, stack=stored, data=body, at=instants.now(), cause=self.cause
            )
            self._note("promotion_stack.changed", stack, before=before, after=audited.of_stack(stack))
        return Response(render_stack(stack))

    @extend_schema(parameters=[path_id("stack_id")], responses={204: None})
    def destroy(self, request: Request, campaign_id: str, stack_id: str) -> Response:
        stack = self.found()
        with transaction.atomic():
            self._note("promotion_stack.deleted", stack, before=audited.of_stack(stack))
            tiers.delete_stack(project=self.project, stack=stack, at=instants.now(), cause=self.cause)
        return Response(status=204)

    def _note(self, words: str, stack: PromotionStack, **facts: Any) -> None:
        note(self.request, words, "promotion_stack", stack.public_id, name=stack.name, **facts)
