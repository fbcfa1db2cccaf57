"""`limit`, `page` and the date-time cursor of the customer list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.lists import PagePagination, envelope, parse_limit, parse_order, parse_page
from config.kernel.errors import InvalidQueryParams
from config.kernel.instants import parse_instant
from customers.models import Customer


class CustomerPagination(PagePagination):
    """Pages, or a scroll by `starting_after`; always with `total` and `has_more` (customers.md section 8).

    The cursor is a time, and customers may share one: a page of a scroll ends where a time ends, so nobody is skipped.
    It may therefore hold less than `limit`, and more where more than `limit` share one time.
    """

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:  # type: ignore[override]
        cursor = request.query_params.get("starting_after", "")
        if not cursor:
            return super().paginate_queryset(queryset, request, view)
        try:
            after = parse_instant(cursor)
        except ValueError:
            raise InvalidQueryParams(
                "Property .starting_after cannot be recognized as a ISO-8601 compliant date"
            ) from None
        parse_page(request.query_params)
        limit = parse_limit(request.query_params)
        _, column = parse_order(request.query_params, view.orders, view.default_order)
        self.data_ref = view.data_ref
        self.total = queryset.count()
        return self._scroll(queryset, column, after, limit)

    def _scroll(self, customers: QuerySet[Customer], order: str, after: datetime, limit: int) -> list[Customer]:
        column = order.lstrip("-")
        time = column if column in ("created_at", "updated_at") else "created_at"
        descends = order.startswith("-") or column != time
        found = customers.filter(**{f"{time}__{'lt' if descends else 'gt'}": after})
        rows = list(found.order_by(order, "-pk" if order.startswith("-") else "pk")[: limit + 1])
        self.has_more = len(rows) > limit
        if not self.has_more or column != time:
            return rows[:limit]
        split = getattr(rows[limit], time)
        whole = [row for row in rows if getattr(row, time) != split]
        if whole:
            return whole
        rows = list(found.filter(**{time: split}).order_by("-pk" if descends else "pk"))
        self.has_more = found.exclude(**{time: split}).exists()
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response(envelope(self.data_ref, data, self.total, has_more=self.has_more))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["object", "data_ref", "customers", "total", "has_more"],
            "properties": {
                "object": {"type": "string", "enum": ["list"]},
                "data_ref": {"type": "string", "enum": ["customers"]},
                "customers": schema,
                "total": {"type": "integer"},
                "has_more": {"type": "boolean"},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor = {
            "name": "starting_after",
            "in": "query",
            "required": False,
            "description": "Go on after this time, in the direction of `order`.",
            "schema": {"type": "string", "format": "date-time"},
        }
        return [*super().get_schema_operation_parameters(view), cursor]
