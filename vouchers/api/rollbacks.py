"""`POST /v1/redemptions/{id}/rollback` and `…/rollbacks`."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import idempotency
from config.api.authentication import access_of
from config.api.idempotency import once
from config.api.parameters import path_id
from config.kernel import instants
from vouchers.api import bodies, schemas
from vouchers.api.redeeming import channel_of
from vouchers.payloads import parse_rollback
from vouchers.rendering import render_rollback, render_rollbacks
from vouchers.services import rollbacks
from vouchers.services.rollbacks import RolledBack

QUERY = (
    OpenApiParameter("reason", str, description="The body's counts more."),
    OpenApiParameter("tracking_id", str, description="Raw, or as it was issued."),
    idempotency.PARAMETER,
)


def roll_back(request: Request, redemption_id: str, *, single: bool) -> RolledBack:
    """Roll back now, in the project of the key."""
    access, query = access_of(request), request.query_params
    asked = parse_rollback(request.data, reason=query.get("reason"), tracking_id=query.get("tracking_id"))
    return rollbacks.roll_back(
        project=access.project,
        redemption=rollbacks.find(project=access.project, public_id=redemption_id),
        request=asked,
        at=instants.now(),
        channel=channel_of(access),
        single=single,
    )


class RollbackView(APIView):
    """One redemption that belongs to no stack."""

    scope = "redemptions"

    @extend_schema(
        tags=["redemptions"],
        operation_id="redemptions_rollback",
        parameters=[path_id("redemption_id"), *QUERY],
        request=bodies.RollbackBody,
        responses=schemas.RollbackShape,
    )
    def post(self, request: Request, redemption_id: str) -> HttpResponseBase:
        return once(
            request,
            lambda: Response(render_rollback(roll_back(request, redemption_id, single=True).rollbacks[0])),
        )


class RollbacksView(APIView):
    """A stacked redemption by its parent, with all that belongs to it; or a single one."""

    scope = "redemptions"

    @extend_schema(
        tags=["redemptions"],
        operation_id="redemptions_rollbacks",
        parameters=[path_id("redemption_id"), *QUERY],
        request=bodies.RollbackBody,
        responses=schemas.RollbacksShape,
    )
    def post(self, request: Request, redemption_id: str) -> HttpResponseBase:
        return once(request, lambda: self.answer(roll_back(request, redemption_id, single=False)))

    @staticmethod
    def answer(done: RolledBack) -> Response:
        return Response(render_rollbacks(done.rollbacks, done.parent))
