"""Who entered and who left: live membership against the rows that say who was in, in one set-based statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from config.filters.fragments import Bound
from config.project import prepared
from config.project.models import Project
from segments.models import Segment

AT_ONCE: Final = 100
"""Segments in one statement."""
SMALL: Final = 50
"""Customers."""


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

    @property
    def is_small(self) -> bool:
        """Whether planning a statement about them costs more than asking it."""
        return self.ids is not None and len(self.ids) <= SMALL

    def sql(self, column: str) -> tuple[str, list[Any]]:
        """The condition on a column that holds a customer's row id."""
        if self.ids is not None:
            return f"{column} = ANY(%s::bigint[])", [list(self.ids)]
        return f"({column} > %s::bigint AND {column} <= %s::bigint)", [self.low, self.high]


def write(
    *, project: Project, segments: Sequence[Segment], conditions: Sequence[Bound], within: Within, at: datetime
) -> list[Difference]:
    """Bring the rows of up to `AT_ONCE` segments up to date for these customers and return what was different."""
    verdicts = [f"verdict_{n}" for n in range(len(conditions))]
    asked = ", ".join(f"({bound.text})" for bound in conditions)
    there, there_params = within.sql("customers_customer.id")
    sql = f"""SELECT customers_customer.id, {asked} FROM customers_customer
        WHERE project_id = %s::bigint AND deleted_at IS NULL AND {there}"""  # noqa: S608  finished conditions
    params = [*(value for bound in conditions for value in bound.values), project.pk, *there_params]
    names = ", ".join(verdicts)
    rows = [segment.pk for segment in segments]
    lists = ", ".join(f"({row}, {name})" for row, name in zip(rows, verdicts, strict=True))
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
            SELECT live.segment_id, live.customer_id, %s::timestamptz FROM live
            LEFT JOIN stored USING (segment_id, customer_id) WHERE stored.segment_id IS NULL
            ON CONFLICT DO NOTHING RETURNING segment_id, customer_id
        )
        SELECT segment_id, customer_id, FALSE FROM gone UNION ALL SELECT segment_id, customer_id, TRUE FROM come
        ORDER BY 2, 3, 1"""  # noqa: S608  names of our own
    params += [rows, *here_params, at]
    if within.is_small:
        return [Difference(*row) for row in prepared.fetch(statement, params)]
    with connection.cursor() as cursor:  # many customers deserve a plan of their own
        cursor.execute(statement, params)
        return [Difference(*row) for row in cursor.fetchall()]


def fill(*, project: Project, segment: Segment, condition: Bound, within: Within, at: datetime) -> int:
    """Write down a segment's first members among these customers; returns how many there were."""
    here, here_params = within.sql("id")
    statement = f"""
        INSERT INTO segments_membership (segment_id, customer_id, entered_at)
        SELECT %s, id, %s FROM customers_customer
        WHERE project_id = %s AND deleted_at IS NULL AND {here} AND ({condition.text})
        ON CONFLICT DO NOTHING"""  # noqa: S608  a finished condition
    with connection.cursor() as cursor:
        cursor.execute(statement, [segment.pk, at, project.pk, *here_params, *condition.values])
        return int(cursor.rowcount)
