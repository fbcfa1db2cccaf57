"""A customer's activity. Source: customers.md section 14."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import access_of
from customers import lookups
from tracking.api.activity import COMMON, OF_CAMPAIGNS, Activity, CountedActivity, answer, parse_asked
from tracking.services import activity

IDENTIFIED = OpenApiParameter("customer_id", str, OpenApiParameter.PATH, description="As in `/v1/customers/{id}`.")
DEPRECATED = (
    OpenApiParameter("starting_after", str, description="Go on after this time, in the direction of `order`."),
    OpenApiParameter("product_id", str, description="Events whose order holds this product."),
)


class CustomerActivityView(APIView):
    """What a customer did and what befell it."""

    scope: ClassVar[str] = "customers"

    @extend_schema(
        operation_id="list_customer_activity",
        parameters=[IDENTIFIED, *COMMON, *OF_CAMPAIGNS],
        responses={200: Activity},
    )
    def get(self, request: Request, customer_id: str) -> Response:
        """One page of the customer's events."""
        project, asked = access_of(request).project, parse_asked(request, of_campaigns=True)
        customer = lookups.find(project=project, identifier=customer_id)
        rows, has_more = activity.of_customer(project=project, customer=customer, asked=asked)
        return Response(answer(rows, has_more=has_more))


class CustomerActivitiesView(APIView):
    """The deprecated spelling, which counts."""

    scope: ClassVar[str] = "customers"

    @extend_schema(
        operation_id="list_customer_activities",
        deprecated=True,
        parameters=[IDENTIFIED, *COMMON, *OF_CAMPAIGNS, *DEPRECATED],
        responses={200: CountedActivity},
    )
    def get(self, request: Request, customer_id: str) -> Response:
        """One page of the customer's events, and how many there are."""
        project, asked = access_of(request).project, parse_asked(request, of_campaigns=True, deprecated=True)
        customer = lookups.find(project=project, identifier=customer_id)
        rows, has_more = activity.of_customer(project=project, customer=customer, asked=asked)
        total = activity.count_of_customer(project=project, customer=customer, asked=asked)
        return Response(answer(rows, has_more=has_more, total=total))
