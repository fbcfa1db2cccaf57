"""Lists on the wire: `limit` and `page`, the envelope, ordering by a table of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from config.kernel.errors import InvalidQueryParams, PageOverLimit

DEFAULT_LIMIT: Final = 10
MOST_PER_PAGE: Final = 100
LAST_PAGE: Final = 1000


def parse_limit(query: Mapping[str, Any], default: int = DEFAULT_LIMIT) -> int:
    """1 to 100. Raises InvalidQueryParams."""
    limit = _whole(query, "limit", default)
    if not 1 <= limit <= MOST_PER_PAGE:
        raise InvalidQueryParams(f"Property .limit should be between 1 and {MOST_PER_PAGE}")
    return limit


def parse_page(query: Mapping[str, Any]) -> int:
    """1 to 1000. Raises InvalidQueryParams below, PageOverLimit above."""
    page = _whole(query, "page", 1)
    if page < 1:
        raise InvalidQueryParams("Property .page should be at least 1")
    if page > LAST_PAGE:
        raise PageOverLimit(f"Property .page cannot be higher than {LAST_PAGE}")
    return page


def parse_order(query: Mapping[str, Any], allowed: Mapping[str, str], default: str) -> tuple[str, str]:
    """The wire's name and the column for `order`; a leading minus stays on both.

    allowed: wire name → column, without minus. Raises InvalidQueryParams naming the allowed values.
    """
    order = str(query.get("order") or default)
    minus, name = ("-", order[1:]) if order.startswith("-") else ("", order)
    if name not in allowed:
        names = ", ".join(f"{value}, -{value}" for value in allowed)
        raise InvalidQueryParams(f"Property .order should be equal to one of the allowed values [ {names} ]")
    return order, minus + allowed[name]


def envelope(data_ref: str, rows: Sequence[Any], total: int | None = None, **extra: Any) -> dict[str, Any]:
    """`{"object": "list", "data_ref": …, <data_ref>: rows, "total": …}`; extra: has_more and the like."""
    content: dict[str, Any] = {"object": "list", "data_ref": data_ref, data_ref: list(rows)}
    if total is not None:
        content["total"] = total
    return content | extra


def _whole(query: Mapping[str, Any], name: str, default: int) -> int:
    text = str(query.get(name) or "").strip()
    if not text:
        return default
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 9:
        raise InvalidQueryParams(f"Property .{name} should be integer")
    return int(sign + digits)


class PagePagination(BasePagination):
    """`limit`/`page` with an exact `total`. The view names `data_ref`, `orders` (wire → column) and `default_order`.

    `nullable_orders`: columns that may be empty, `updated_at` where nothing is said; rows without a value come last in
    either direction.
    """

    default_orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at"}
    default_nullable_orders: ClassVar[frozenset[str]] = frozenset({"updated_at"})

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:  # type: ignore[override]
        limit, page = parse_limit(request.query_params), parse_page(request.query_params)
        orders = getattr(view, "orders", self.default_orders)
        _, column = parse_order(request.query_params, orders, getattr(view, "default_order", "-created_at"))
        nullable: frozenset[str] = getattr(view, "nullable_orders", self.default_nullable_orders)
        self.data_ref = getattr(view, "data_ref", "data")
        self.total = queryset.count()
        start = (page - 1) * limit
        self.has_more = start + limit < self.total
        if start >= self.total:
            return []
        if column.removeprefix("-") in nullable:
            return _nulls_last(queryset, column, start, limit)
        return list(_ordered(queryset, column)[start : start + limit])

    def get_paginated_response(self, data: Any) -> Response:
        return Response(envelope(self.data_ref, data, self.total))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["object", "data_ref", "total"],
            "properties": {
                "object": {"type": "string", "enum": ["list"]},
                "data_ref": {"type": "string"},
                "total": {"type": "integer"},
                "has_more": {"type": "boolean"},
            },
            "additionalProperties": schema,
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        orders = getattr(view, "orders", self.default_orders)
        names = [sign + name for name in orders for sign in ("", "-")]
        return [
            _parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": DEFAULT_LIMIT}),
            _parameter("page", {"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1}),
            _parameter("order", {"type": "string", "enum": names}),
        ]


def _ordered(rows: QuerySet[Any], column: str) -> QuerySet[Any]:
    return rows.order_by(column, "-pk" if column.startswith("-") else "pk")


def _nulls_last(rows: QuerySet[Any], column: str, start: int, limit: int) -> list[Any]:
    """Rows with a value, then those without: two stretches, each of which the plain index on the column serves."""
    name = column.removeprefix("-")
    valued, empty = rows.filter(**{f"{name}__isnull": False}), rows.filter(**{f"{name}__isnull": True})
    page = list(_ordered(valued, column)[start : start + limit])
    if len(page) < limit:
        before = start + len(page) if page else valued.count()
        past = start + len(page) - before
        page += _ordered(empty, column)[past : past + limit - len(page)]
    return page


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}
