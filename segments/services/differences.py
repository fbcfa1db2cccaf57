"""Who entered and who left: live membership against the rows that say who was in, in one set-based statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q

from config.filters.fields import Scope
from config.filters.sql import Param, Sql
from config.project.models import Project
from customers.models import Customer
from segments import definitions
from segments.models import Segment

AT_ONCE: Final = 100
"""Segments in one statement."""


class Difference(NamedTuple):
    """One customer who entered (or left) one segment, by row ids."""

    segment: int
    customer: int
    entered: bool


@dataclass(frozen=True, slots=True)
class Within:
    """Which customers are looked at: these row ids, or those above `low` and up to `high`."""

    ids: Sequence[int] | None = None
    low: int = 0
    high: int = 2**62

    def sql(self, column: str) -> tuple[str, list[Any]]:
        """The condition on a column that holds a customer's row id."""
        if self.ids is not None:
            return f"{column} = ANY(%s::bigint[])", [list(self.ids)]
        return f"({column} > %s AND {column} <= %s)", [self.low, self.high]

    def q(self) -> Q:
        """The same on customers."""
        if self.ids is not None:
            return Q(Sql("{} = ANY({})", "pk", Param(list(self.ids), "bigint[]")))
        return Q(pk__gt=self.low, pk__lte=self.high)


def write(
    *, project: Project, segments: Sequence[Segment], conditions: Sequence[Q], within: Within, at: datetime
) -> list[Difference]:
    """Bring the rows of up to `AT_ONCE` segments up to date for these customers and return what was different."""
    verdicts = {f"verdict_{n}": ExpressionWrapper(q, BooleanField()) for n, q in enumerate(conditions)}
    asked = Customer.objects.of(project).alive().filter(within.q()).order_by().annotate(**verdicts)
    sql, params = asked.values_list("pk", *verdicts).query.sql_with_params()
    names = ", ".join(verdicts)
    lists = ", ".join(f"(%s::bigint, {name})" for name in verdicts)
    rows = [segment.pk for segment in segments]
    here, here_params = within.sql("m.customer_id")
    statement = f"""
        WITH asked (customer_id, {names}) AS MATERIALIZED ({sql}), live AS MATERIALIZED (
            SELECT one.segment_id, asked.customer_id FROM asked
            CROSS JOIN LATERAL (VALUES {lists}) AS one (segment_id, is_in) WHERE one.is_in
        ), stored AS MATERIALIZED (
            SELECT m.id, m.segment_id, m.customer_id FROM segments_membership m
            WHERE m.segment_id = ANY(%s::bigint[]) AND {here}
        ), gone AS (
            DELETE FROM segments_membership m USING (
                SELECT stored.id FROM stored LEFT JOIN live USING (segment_id, customer_id)
                WHERE live.segment_id IS NULL
            ) AS old WHERE m.id = old.id RETURNING m.segment_id, m.customer_id
        ), come AS (
            INSERT INTO segments_membership (segment_id, customer_id, entered_at)
            SELECT live.segment_id, live.customer_id, %s FROM live
            LEFT JOIN stored USING (segment_id, customer_id) WHERE stored.segment_id IS NULL
            ON CONFLICT DO NOTHING RETURNING segment_id, customer_id
        )
        SELECT segment_id, customer_id, FALSE FROM gone UNION ALL SELECT segment_id, customer_id, TRUE FROM come
        ORDER BY 2, 3, 1"""  # noqa: S608  names of our own
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, *rows, rows, *here_params, at])
        return [Difference(*row) for row in cursor.fetchall()]


def fill(*, project: Project, segment: Segment, scope: Scope, within: Within, at: datetime) -> int:
    """Write down a segment's first members among these customers; returns how many there were."""
    members = Customer.objects.of(project).alive().filter(within.q()).order_by()
    chosen = members.filter(definitions.q_of(segment, scope)).values_list("pk")
    sql, params = chosen.query.sql_with_params()
    statement = f"""
        INSERT INTO segments_membership (segment_id, customer_id, entered_at)
        SELECT %s, found.id, %s FROM ({sql}) AS found (id) ON CONFLICT DO NOTHING"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [segment.pk, at, *params])
        return int(cursor.rowcount)
