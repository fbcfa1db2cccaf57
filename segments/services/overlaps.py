"""How many customers are in which of up to three segments, counted in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from config.project.models import Project
from segments.compiled import Conditions
from segments.models import Segment
from segments.services.previews import within_budget

MOST: Final = 3
"""Segments at once."""


@dataclass(frozen=True, slots=True)
class Region:
    """inside: for each segment whether these customers are in it; at least one is."""

    inside: tuple[bool, ...]
    count: int


def of(*, project: Project, segments: Sequence[Segment], at: datetime) -> list[Region] | None:
    """Every region with the number of its customers, those in most segments first; None: it took too long."""
    made = Conditions(project, at)
    bounds = [made.of(segment) for segment in segments]
    columns = ", ".join(f"({bound.text}) AS in_{n}" for n, bound in enumerate(bounds))
    names = ", ".join(f"in_{n}" for n in range(len(bounds)))
    anywhere = " OR ".join(f"in_{n}" for n in range(len(bounds)))
    statement = f"""
        SELECT {names}, count(*) FROM (
            SELECT {columns} FROM customers_customer WHERE project_id = %s AND deleted_at IS NULL
        ) AS asked WHERE {anywhere} GROUP BY {names}"""  # noqa: S608  finished conditions
    params = [*(value for bound in bounds for value in bound.values), project.pk]

    def ask() -> dict[tuple[bool, ...], int]:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            return {tuple(inside): count for *inside, count in cursor.fetchall()}

    counted = within_budget(ask)
    if counted is None:
        return None
    regions = [tuple(bool(number >> n & 1) for n in range(len(bounds))) for number in range(1, 2 ** len(bounds))]
    return [
        Region(region, counted.get(region, 0)) for region in sorted(regions, key=lambda one: (-sum(one), one[::-1]))
    ]
