"""What an export of customers may hold. Source: imports-exports-async.md §2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Value, When
from django.db.models.expressions import CombinedExpression, Expression
from django.db.models.functions import Round

from config.exports.columns import Column, computed, instant, plain, text
from config.exports.kinds import ExportKind
from config.project.models import Project
from customers.filtering import condition
from customers.models import Customer


def _sum(*columns: str) -> CombinedExpression:
    first, second = columns
    return F(first) + F(second)


def _average() -> Expression:
    """`total / count`, rounded half up; 0 without orders."""
    total, count = F("orders_total_amount"), F("orders_total_count")
    average = Round((total * Value(2) + count) / (count * Value(2)), output_field=BigIntegerField())
    return Case(When(orders_total_count__gt=0, then=average), default=Value(0), output_field=BigIntegerField())


COLUMNS: Final[tuple[Column, ...]] = (
    text("name"),
    plain("id", "public_id"),
    text("description"),
    text("email"),
    text("source_id"),
    instant("created_at"),
    *(text(f"address_{key}", key) for key in ("city", "state", "line_1", "line_2", "country", "postal_code")),
    computed("redemptions_total_redeemed", lambda: _sum("redemptions_succeeded", "redemptions_failed")),
    plain("redemptions_total_failed", "redemptions_failed"),
    plain("redemptions_total_succeeded", "redemptions_succeeded"),
    computed("redemptions_total_rolled_back", lambda: _sum("rollbacks_succeeded", "rollbacks_failed")),
    plain("redemptions_total_rollback_failed", "rollbacks_failed"),
    plain("redemptions_total_rollback_succeeded", "rollbacks_succeeded"),
    plain("orders_total_amount"),
    plain("orders_total_count"),
    computed("orders_average_amount", _average),
    plain("orders_last_order_amount", "orders_last_amount"),
    instant("orders_last_order_date", "orders_last_at"),
    plain("loyalty_points"),
    plain("loyalty_referred_customers", "referred_customers"),
    instant("updated_at"),
    text("phone"),
    plain("birthday"),
    plain("birthdate"),
)


def _rows(project: Project) -> QuerySet[Any]:
    return Customer.objects.of(project).alive()


def _filter(project: Project, filters: Mapping[str, Any], at: datetime) -> Q:
    aliased = {"segments" if key == "segment_id" else key: value for key, value in filters.items()}
    return condition(project, aliased, at, path=".parameters.filters")


KIND: Final = ExportKind(
    name="customer",
    columns={column.name: column for column in COLUMNS},
    default_fields=("name", "source_id"),
    rows=_rows,
    orders={
        **{"name": "name", "id": "public_id", "email": "email", "source_id": "source_id"},
        **{"created_at": "created_at", "updated_at": "updated_at"},
    },
    default_order="-created_at",
    keyset=frozenset({"created_at", "id"}),
    filter_q=_filter,
)
