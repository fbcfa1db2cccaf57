"""Vouchers, validation rules with their assignments, and the record of redemptions, as resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Count
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
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
from vouchers.api.filter_fields import of_redemptions, of_vouchers, read_voucher_filters
from vouchers.api.filters import AssignmentFilterSet, RedemptionFilterSet, RuleFilterSet, VoucherFilterSet
from vouchers.api.redeeming import redeem_stackable
from vouchers.models import Redemption, RuleAssignment, ValidationRule, Voucher
from vouchers.payloads import parse_stackable
from vouchers.rendering import (
    render_assignment,
    render_redemption,
    render_rule,
    render_voucher,
    render_voucher_redemptions,
)
from vouchers.services import issuing, validation_rules, vouchers

MOST_ENTRIES = 1000
"""`GET /v1/vouchers/{code}/redemption` has no pages."""


def voucher_answer(voucher: Voucher) -> Response:
    """The voucher as single look-ups show it: with its assignments, and its campaign's."""
    return Response(render_voucher(voucher, RuleAssignment.objects.all().applying_to(voucher)))


@extend_schema(tags=["vouchers"], responses=schemas.VoucherShape)
class VoucherViewSet(ScopedViewSet):
    """`/v1/vouchers`: a code is found by itself or by its id."""

    scope = "vouchers"
    lookup_field = "code"
    queryset = Voucher.objects.all()
    filterset_class = VoucherFilterSet
    filter_fields = staticmethod(of_vouchers)
    read_filters = staticmethod(read_voucher_filters)
    data_ref = "vouchers"
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at", "code": "code"}

    def get_queryset(self) -> Any:
        return super().get_queryset().alive()

    def found(self) -> Voucher:
        """The voucher of the path."""
        return vouchers.find(project=self.project, identifier=self.kwargs["code"])

    @extend_schema(responses=schemas.VoucherShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().for_wire())
        return self.get_paginated_response([render_voucher(row) for row in rows])

    @extend_schema(request=serializers.VoucherCreateBody)
    def create(self, request: Request) -> Response:
        return self._create(request, code=None)

    @extend_schema(
        operation_id="vouchers_create_as", request=serializers.VoucherCreateBody, parameters=[path_id("code")]
    )
    def create_as(self, request: Request, code: str) -> Response:
        return self._create(request, code=code)

    def _create(self, request: Request, *, code: str | None) -> Response:
        body = parse(serializers.VoucherCreateBody, request.data)
        with transaction.atomic():
            voucher = issuing.create(project=self.project, data=body, code=code, at=instants.now())
            note(request, "voucher.created", "voucher", voucher.public_id, after=audited.of_voucher(voucher))
        return voucher_answer(voucher)

    @extend_schema(parameters=[path_id("code")])
    def retrieve(self, request: Request, code: str) -> Response:
        return voucher_answer(self.found())

    @extend_schema(request=serializers.VoucherUpdateBody, parameters=[path_id("code")])
    def update(self, request: Request, code: str) -> Response:
        body = parse(serializers.VoucherUpdateBody, request.data)
        stored = self.found()
        before = audited.of_voucher(stored)
        with transaction.atomic():
            voucher = vouchers.update(project=self.project, voucher=stored, data=body, at=instants.now())
            after = audited.of_voucher(voucher)
            note(request, "voucher.changed", "voucher", voucher.public_id, before=before, after=after)
        return voucher_answer(voucher)

    @extend_schema(
        parameters=[path_id("code"), OpenApiParameter("force", bool, description="Delete for good, free the code.")],
        responses={204: None},
    )
    def destroy(self, request: Request, code: str) -> Response:
        force = request.query_params.get("force", "").lower() == "true"
        voucher = self.found()
        public_id, before = voucher.public_id, audited.of_voucher(voucher)
        with transaction.atomic():
            vouchers.delete(project=self.project, voucher=voucher, force=force, at=instants.now())
            note(request, "voucher.deleted", "voucher", public_id, before=before, after={"force": force})
        return Response(status=204)

    @extend_schema(request=None, parameters=[path_id("code")])
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, code: str) -> Response:
        return self._switch(active=True)

    @extend_schema(request=None, parameters=[path_id("code")])
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, code: str) -> Response:
        return self._switch(active=False)

    def _switch(self, *, active: bool) -> Response:
        stored = self.found()
        before = {"active": stored.active}
        with transaction.atomic():
            voucher = vouchers.switch(project=self.project, voucher=stored, active=active, at=instants.now())
            after = {"active": voucher.active}
            action = "voucher.enabled" if active else "voucher.disabled"
            note(self.request, action, "voucher", voucher.public_id, before=before, after=after)
        return voucher_answer(voucher)


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
            rule = validation_rules.create(project=self.project, data=body, at=instants.now())
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
            rule = validation_rules.update(project=self.project, rule=stored, data=body, at=instants.now())
            after = audited.of_rule(rule)
            note(request, "validation_rule.changed", "validation_rule", rule.public_id, before=before, after=after)
        return self._answer(rule)

    @extend_schema(parameters=[path_id("rule_id")], responses={204: None})
    def destroy(self, request: Request, rule_id: str) -> Response:
        rule = self.found()
        public_id, before = rule.public_id, audited.of_rule(rule)
        with transaction.atomic():
            validation_rules.delete(project=self.project, rule=rule, at=instants.now())
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

    @extend_schema(request=serializers.AssignmentCreateBody)
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
            validation_rules.unassign(project=self.project, rule=rule, public_id=assignment_id, at=instants.now())
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
