"""`/v1/orders`. Source: products-orders.md §5 to §10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note_started
from config.api.authentication import access_of
from config.api.exports import ExportObject, ParametersBody, start_export
from config.api.parameters import path_id
from config.api.resources import ScopedViewSet
from config.filters.fields import FieldTable
from config.kernel import instants
from config.project.models import Project
from tracking import bulk, exports
from tracking.api import order_shapes
from tracking.api.catalogue import answer_started
from tracking.api.serializers import StartedShape
from tracking.models import Order
from tracking.payloads import parse_placed
from tracking.rendering import render_stored_order
from tracking.services import orders, placing


@extend_schema(tags=["orders"], responses=order_shapes.StoredOrderShape)
class OrderViewSet(ScopedViewSet):
    """What customers bought or are about to buy; found by id or source id."""

    scope = "orders"
    lookup_field = "order_id"
    queryset = Order.objects.all()
    filterset_class = None
    data_ref = "orders"
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at"}

    @staticmethod
    def filter_fields(project: Project) -> FieldTable:
        return exports.FIELDS

    @extend_schema(operation_id="list_orders", responses=order_shapes.StoredOrderShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().select_related("customer", "referrer"))
        return self.get_paginated_response([render_stored_order(row) for row in rows])

    @extend_schema(operation_id="create_order", request=order_shapes.PlacedOrderBody)
    def create(self, request: Request) -> Response:
        """Create an order, or change the one with this `id` or `source_id`; redeems nothing."""
        return self._place(request, None)

    @extend_schema(operation_id="get_order", parameters=[path_id("order_id")])
    def retrieve(self, request: Request, order_id: str) -> Response:
        return Response(render_stored_order(orders.find(project=self.project, identifier=order_id)))

    @extend_schema(operation_id="update_order", request=order_shapes.PlacedOrderBody, parameters=[path_id("order_id")])
    def update(self, request: Request, order_id: str) -> Response:
        """Change what was sent; `items` replaces all lines."""
        return self._place(request, order_id)

    def _place(self, request: Request, identifier: str | None) -> Response:
        access, placed = access_of(request), parse_placed(request.data)
        order = placing.place(
            project=access.project, order=placed, identifier=identifier, at=instants.now(), cause=access.cause
        )
        return Response(render_stored_order(order))

    @extend_schema(
        operation_id="import_orders",
        request=order_shapes.PlacedOrderBody(many=True),
        responses={200: StartedShape},
    )
    @action(detail=False, methods=["post"], url_path="import")
    def import_many(self, request: Request) -> Response:
        """Store historical orders in the background, one import after the other."""
        access = access_of(request)
        with transaction.atomic():
            started = bulk.start_orders(
                project=access.project, body=request.data, at=instants.now(), request_id=access.group_id
            )
            note_started(request, "order.import_started", started)
        return answer_started(started.public_id, 200)

    @extend_schema(operation_id="export_orders", request=ParametersBody, responses={200: ExportObject})
    @action(detail=False, methods=["post"])
    def export(self, request: Request) -> Response:
        """Write orders into a CSV file."""
        return start_export(request, "order")
