"""Vouchers, validation rules with their assignments, and the record of redemptions, as resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Count
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import idempotency, tracking_cookie
from config.api.auditing import note
from config.api.fields import parse
from config.api.idempotency import once
from config.api.parameters import path_id
from config.api.resources import ScopedViewSet
from config.kernel import instants
from config.kernel.errors import NotFound
from vouchers import audited
from vouchers.api import bodies, schemas, serializers
from vouchers.api.filter_fields import of_redemptions
from vouchers.api.filters import AssignmentFilterSet, RedemptionFilterSet, RuleFilterSet
from vouchers.api.redeeming import redeem_stackable
from vouchers.models import Redemption, RuleAssignment, ValidationRule, Voucher
from vouchers.payloads import parse_stackable
from vouchers.rendering import (
    render_assignment,
    render_redemption,
    render_rule,
    render_voucher_redemptions,
)
from vouchers.services import validation_rules

MOST_ENTRIES = 1000
"""`GET /v1/vouchers/{code}/redemption` has no pages."""


@extend_schema(tags=["validation-rules"], responses=schemas.RuleShape)
class ValidationRuleViewSet(ScopedViewSet):
    """`/v1/validation-rules` and the assignments below it."""

    scope = "validation-rules"
    lookup_field = "rule_id"
    queryset = ValidationRule.objects.all()
    filterset_class = RuleFilterSet
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at", "name": "name"}

    def found(self) -> ValidationRule:
        """The rule of the path."""
        return validation_rules.find(project=self.project, public_id=self.kwargs["rule_id"])

    @extend_schema(responses=schemas.RuleShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().annotate(assigned=Count("assignments")))
        return self.get_paginated_response([render_rule(row, row.assigned) for row in rows])

    @extend_schema(request=serializers.RuleCreateBody)
    def create(self, request: Request) -> Response:
        body = parse(serializers.RuleCreateBody, request.data)
        with transaction.atomic():
            rule = validation_rules.create(project=self.project, data=body, at=instants.now(), cause=self.cause)
            note(request, "validation_rule.created", "validation_rule", rule.public_id, after=audited.of_rule(rule))
        return Response(render_rule(rule))

    @extend_schema(parameters=[path_id("rule_id")])
    def retrieve(self, request: Request, rule_id: str) -> Response:
        return self._answer(self.found())

    @extend_schema(request=serializers.RuleUpdateBody, parameters=[path_id("rule_id")])
    def update(self, request: Request, rule_id: str) -> Response:
        body = parse(serializers.RuleUpdateBody, request.data)
        stored = self.found()
        before = audited.of_rule(stored)
        with transaction.atomic():
            rule = validation_rules.update(
                project=self.project, rule=stored, data=body, at=instants.now(), cause=self.cause
            )
            after = audited.of_rule(rule)
            note(request, "validation_rule.changed", "validation_rule", rule.public_id, before=before, after=after)
        return self._answer(rule)

    @extend_schema(parameters=[path_id("rule_id")], responses={204: None})
    def destroy(self, request: Request, rule_id: str) -> Response:
        rule = self.found()
        public_id, before = rule.public_id, audited.of_rule(rule)
        with transaction.atomic():
            validation_rules.delete(project=self.project, rule=rule, at=instants.now(), cause=self.cause)
            note(request, "validation_rule.deleted", "validation_rule", public_id, before=before)
        return Response(status=204)

    @staticmethod
    def _answer(rule: ValidationRule) -> Response:
        return Response(render_rule(rule, rule.assignments.count()))


@extend_schema(tags=["validation-rules"], responses=schemas.AssignmentShape, parameters=[path_id("rule_id")])
class RuleAssignmentViewSet(ScopedViewSet):
    """`/v1/validation-rules/{id}/assignments`"""

    scope = "validation-rules"
    lookup_field = "assignment_id"
    queryset = RuleAssignment.objects.all()
    filterset_class = None
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at"}

    def rule(self) -> ValidationRule:
        """The rule of the path."""
        return validation_rules.find(project=self.project, public_id=self.kwargs["rule_id"])

    @extend_schema(responses=schemas.AssignmentShape(many=True))
    def list(self, request: Request, rule_id: str) -> Response:
        rows = self.page(request, self.rule().assignments.select_related("rule"))
        return self.get_paginated_response([render_assignment(row) for row in rows])

    @extend_schema(
        request=serializers.AssignmentCreateBody,
        parameters=[OpenApiParameter("force", bool, description="Accepted; every rule can be assigned to everything.")],
    )
    def create(self, request: Request, rule_id: str) -> Response:
        body = parse(serializers.AssignmentCreateBody, request.data)
        with transaction.atomic():
            rule = self.rule()
            assignment = validation_rules.assign(
                project=self.project,
                rule=rule,
                related_object_type=body.get("related_object_type") or "voucher",
                related_object_id=body["related_object_id"],
                at=instants.now(),
                cause=self.cause,
            )
            after = audited.of_assignment(assignment)
            note(request, "validation_rule.assigned", "validation_rule", rule.public_id, name=rule.name, after=after)
        return Response(render_assignment(assignment))

    @extend_schema(parameters=[path_id("assignment_id")], responses={204: None})
    def destroy(self, request: Request, rule_id: str, assignment_id: str) -> Response:
        with transaction.atomic():
            rule = self.rule()
            stored = rule.assignments.filter(public_id=assignment_id).first()
            before = audited.of_assignment(stored) if stored is not None else {}
            validation_rules.unassign(
                project=self.project, rule=rule, public_id=assignment_id, at=instants.now(), cause=self.cause
            )
            note(
                request, "validation_rule.unassigned", "validation_rule", rule.public_id, name=rule.name, before=before
            )
        return Response(status=204)


@extend_schema(tags=["validation-rules"])
class AllAssignmentsViewSet(ScopedViewSet):
    """`/v1/validation-rules-assignments`: of every rule."""

    scope = "validation-rules-assignments"
    queryset = RuleAssignment.objects.all()
    filterset_class = AssignmentFilterSet

    @extend_schema(operation_id="validation_rules_assignments_list_all", responses=schemas.AssignmentShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().select_related("rule"))
        return self.get_paginated_response([render_assignment(row) for row in rows])


@extend_schema(tags=["redemptions"])
class RedemptionViewSet(ScopedViewSet):
    """`GET /v1/redemptions`: redemptions, refused attempts and rollbacks."""

    scope = "redemptions"
    lookup_field = "redemption_id"
    queryset = Redemption.objects.all()
    filterset_class = RedemptionFilterSet
    filter_fields = staticmethod(of_redemptions)
    data_ref = "redemptions"
    orders: ClassVar[Mapping[str, str]] = {
        "created_at": "created_at",
        "id": "public_id",
        "voucher_code": "code",
        "tracking_id": "token",
        "customer_id": "customer__public_id",
    }
    nullable_orders: ClassVar[frozenset[str]] = frozenset({"customer__public_id"})

    def get_queryset(self) -> Any:
        return super().get_queryset().shown()

    @extend_schema(responses=schemas.RedemptionShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().for_wire())
        return self.get_paginated_response([render_redemption(row) for row in rows])

    @extend_schema(
        operation_id="redemptions_redeem",
        parameters=[idempotency.PARAMETER],
        request=bodies.StackableBody,
        responses=schemas.RedeemedShape,
    )
    def create(self, request: Request) -> HttpResponseBase:
        return once(request, lambda: self.redeem(request))

    @staticmethod
    def redeem(request: Request) -> Response:
        asked = parse_stackable(request.data, cookie=tracking_cookie.read(request))
        return Response(redeem_stackable(request, asked))

    @extend_schema(responses=schemas.RedemptionShape, parameters=[path_id("redemption_id")])
    def retrieve(self, request: Request, redemption_id: str) -> Response:
        found = self.get_queryset().for_wire().filter(public_id=redemption_id).first()
        if found is None:
            raise NotFound.of("redemption", redemption_id)
        return Response(render_redemption(found))


def voucher_redemptions(voucher: Voucher) -> Response:
    """All attempts on one code, newest first."""
    rows = Redemption.objects.filter(project_id=voucher.project_id, voucher=voucher).for_wire()
    total = rows.count()
    return Response(
        render_voucher_redemptions(voucher, list(rows.order_by("-created_at", "-pk")[:MOST_ENTRIES]), total)
    )
