"""A customer's segments: `GET /v1/customers/{id}/segments`. Source: customers.md section 15."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import access_of
from config.api.lists import envelope
from config.kernel import instants
from config.kernel.errors import NotFound
from customers import lookups
from segments import services
from segments.api.serializers import CustomerSegments
from segments.rendering import render_simple


class CustomerSegmentsView(APIView):
    """An unknown customer is in the segments that a customer without any data would match."""

    scope: ClassVar[str] = "customers"

    @extend_schema(
        operation_id="list_customer_segments",
        parameters=[OpenApiParameter("customer_id", str, OpenApiParameter.PATH)],
        responses={200: CustomerSegments},
    )
    def get(self, request: Request, customer_id: str) -> Response:
        """All segments the customer is in now."""
        project = access_of(request).project
        try:
            customer = lookups.find(project=project, identifier=customer_id)
        except NotFound:
            customer = None
        rows = services.segments_of(project=project, customer=customer, at=instants.now())
        return Response(envelope("data", [render_simple(row) for row in rows], len(rows)))
