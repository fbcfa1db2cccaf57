"""`/v1/categories`, and stacking rules at `/management/v1`. Source: campaigns and promotions, sections 9 and 10."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note
from config.api.authentication import ManagementKeyAuthentication, access_of
from config.api.fields import Body, Text, Whole, parse
from config.api.lists import envelope
from config.api.parameters import path_id
from config.api.resources import ScopedViewSet
from config.kernel import instants
from config.kernel.errors import NotFound
from config.project import audit
from config.project.models import Project
from vouchers import stacking_rules
from vouchers.api import schemas
from vouchers.models import Category, StackingRules
from vouchers.rendering import render_category
from vouchers.rendering.stacking import render_stacking_rules
from vouchers.services import categories, stacking


class CategoryBody(Body):
    """Both are required, also for a change."""

    name = Text(max_length=500, allow_blank=False)
    hierarchy = Whole(most=2**31 - 1)


class CategoryListShape(schemas.Shape):
    """All categories, newest first."""

    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = schemas.CategoryShape(many=True)  # type: ignore[assignment]
    total = schemas.Count()
    has_more = serializers.BooleanField()


@extend_schema(tags=["categories"], responses=schemas.CategoryShape)
class CategoryViewSet(ScopedViewSet):
    """`/v1/categories`"""

    scope = "categories"
    lookup_field = "category_id"
    queryset = Category.objects.all()
    filterset_class = None
    pagination_class = None

    def found(self) -> Category:
        """The category of the path."""
        return categories.find(project=self.project, public_id=self.kwargs["category_id"])

    @extend_schema(responses={200: forced_singular_serializer(CategoryListShape)})  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        rows = [render_category(row) for row in self.get_queryset().order_by("-created_at", "-pk")]
        return Response(envelope("data", rows, len(rows), has_more=False))

    @extend_schema(request=CategoryBody)
    def create(self, request: Request) -> Response:
        body = parse(CategoryBody, request.data)
        with transaction.atomic():
            row = categories.create(project=self.project, data=body, at=instants.now())
            note(request, "category.created", "category", row.public_id, name=row.name, after=facts(row))
        return Response(render_category(row))

    @extend_schema(parameters=[path_id("category_id")])
    def retrieve(self, request: Request, category_id: str) -> Response:
        return Response(render_category(self.found()))

    @extend_schema(request=CategoryBody, parameters=[path_id("category_id")])
    def update(self, request: Request, category_id: str) -> Response:
        stored = self.found()
        body = parse(CategoryBody, request.data)
        before = facts(stored)
        with transaction.atomic():
            row = categories.update(project=self.project, category=stored, data=body, at=instants.now())
            note(request, "category.changed", "category", row.public_id, before=before, after=facts(row))
        return Response(render_category(row))

    @extend_schema(
        parameters=[
            path_id("category_id"),
            OpenApiParameter(
                "remove_from_stacking_rules", bool, description="Take it out of the stacking rules that name it."
            ),
        ],
        responses={204: None},
    )
    def destroy(self, request: Request, category_id: str) -> Response:
        row = self.found()
        before, public_id = facts(row), row.public_id
        remove = request.query_params.get("remove_from_stacking_rules", "").lower() == "true"
        with transaction.atomic():
            categories.delete(project=self.project, category=row, remove_from_stacking_rules=remove, at=instants.now())
            note(request, "category.deleted", "category", public_id, before=before)
        return Response(status=204)


def facts(category: Category) -> dict[str, Any]:
    """A category as `before` or `after`."""
    return audit.facts(category, ("name", "hierarchy"))


def _categories(**extra: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **extra)


class StackingRulesBody(schemas.Shape):
    """What may be set; what is not sent stays. Read by `vouchers.stacking_rules`."""

    redeemables_limit = serializers.IntegerField(min_value=1, max_value=30, **schemas.MAYBE)
    applicable_redeemables_limit = serializers.IntegerField(min_value=1, max_value=30, **schemas.MAYBE)
    applicable_redeemables_per_category_limit = serializers.IntegerField(
        min_value=1, max_value=30, **schemas.MAYBE_NULL
    )
    applicable_redeemables_category_limits = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=10), **schemas.MAYBE
    )
    applicable_exclusive_redeemables_limit = serializers.IntegerField(min_value=1, max_value=5, **schemas.MAYBE)
    applicable_exclusive_redeemables_per_category_limit = serializers.IntegerField(
        min_value=1, max_value=30, **schemas.MAYBE_NULL
    )
    exclusive_categories = _categories(**schemas.MAYBE)
    joint_categories = _categories(**schemas.MAYBE)
    initial_amount_mode_categories = _categories(**schemas.MAYBE)
    discounted_amount_mode_categories = _categories(**schemas.MAYBE)
    no_effect_skip_categories = _categories(**schemas.MAYBE)
    no_effect_redeem_anyway_categories = _categories(**schemas.MAYBE)
    discount_calculation_mode = serializers.ChoiceField(
        choices=stacking_rules.CHOICES["discount_calculation_mode"], **schemas.MAYBE
    )
    redeemables_application_mode = serializers.ChoiceField(
        choices=stacking_rules.CHOICES["redeemables_application_mode"], **schemas.MAYBE
    )
    redeemables_sorting_rule = serializers.ChoiceField(
        choices=stacking_rules.CHOICES["redeemables_sorting_rule"], **schemas.MAYBE
    )
    redeemables_products_application_mode = serializers.ChoiceField(
        choices=stacking_rules.CHOICES["redeemables_products_application_mode"], **schemas.MAYBE
    )
    redeemables_no_effect_rule = serializers.ChoiceField(
        choices=stacking_rules.CHOICES["redeemables_no_effect_rule"], **schemas.MAYBE
    )
    redeemables_rollback_order_mode = serializers.ChoiceField(
        choices=stacking_rules.CHOICES["redeemables_rollback_order_mode"], **schemas.MAYBE
    )
    grouped_redeemables_sorting_rule = serializers.ChoiceField(
        choices=stacking_rules.CHOICES["grouped_redeemables_sorting_rule"], **schemas.MAYBE
    )


class StackingRulesShape(StackingRulesBody):
    """All rules; id and dates are absent while the defaults hold."""

    id = serializers.CharField(**schemas.MAYBE)
    created_at = serializers.DateTimeField(**schemas.MAYBE)
    updated_at = serializers.DateTimeField(**schemas.MAYBE)


class StackingRulesListShape(schemas.Shape):
    """Always one item."""

    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = StackingRulesShape(many=True)  # type: ignore[assignment]
    total = schemas.Count()


@extend_schema(tags=["management"], responses=StackingRulesShape)
class ManagedStackingRulesViewSet(viewsets.GenericViewSet[StackingRules]):
    """`/management/v1/projects/{projectId}/stacking-rules`"""

    authentication_classes = (ManagementKeyAuthentication,)
    queryset = StackingRules.objects.none()
    serializer_class = StackingRulesShape
    pagination_class = None
    filterset_class = None
    lookup_field = "public_id"
    thing: ClassVar[str] = "stacking_rules"

    def project(self) -> Project:
        """The project of the address, which must be the key's own. Raises NotFound."""
        project = access_of(self.request).project
        if self.kwargs["project_id"] != project.public_id:
            raise NotFound.of("project", self.kwargs["project_id"])
        return project

    @extend_schema(responses={200: forced_singular_serializer(StackingRulesListShape)})  # type: ignore[no-untyped-call]
    def list(self, request: Request, project_id: str) -> Response:
        rules = render_stacking_rules(stacking.current(project=self.project()))
        return Response(envelope("data", [rules], 1))

    @extend_schema(request=StackingRulesBody)
    def create(self, request: Request, project_id: str) -> Response:
        with transaction.atomic():
            row = stacking.create(project=self.project(), body=request.data, at=instants.now())
            note(request, "stacking_rules.created", self.thing, row.public_id, after=row.rules)
        return Response(render_stacking_rules(row))

    def retrieve(self, request: Request, project_id: str, public_id: str) -> Response:
        return Response(render_stacking_rules(stacking.find(project=self.project(), public_id=public_id)))

    @extend_schema(request=StackingRulesBody)
    def update(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        stored = stacking.find(project=project, public_id=public_id)
        with transaction.atomic():
            row = stacking.update(project=project, stored=stored, body=request.data, at=instants.now())
            note(request, "stacking_rules.changed", self.thing, row.public_id, before=stored.rules, after=row.rules)
        return Response(render_stacking_rules(row))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        row = stacking.find(project=project, public_id=public_id)
        with transaction.atomic():
            stacking.delete(project=project, stored=row)
            note(request, "stacking_rules.deleted", self.thing, public_id, before=row.rules)
        return Response(status=204)
