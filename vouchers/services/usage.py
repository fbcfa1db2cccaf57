"""Keep the daily sums: every attempt is added once, a minute after it happened, when no transaction can hold it back.

The page adds what came since by itself, so its numbers are exact without waiting for this.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from config.project.models import Project
from vouchers.models import DailyRefusal, DailyUse, Redemption, UsageThrough

SETTLED: Final = timedelta(seconds=60)
"""Four times as long as a statement may take: what is older is committed, or never will be."""
STEP: Final = timedelta(days=7)

_DAY: Final = "(r.created_at AT TIME ZONE %(zone)s)::date"
_ROWS: Final = """FROM vouchers_redemption r LEFT JOIN vouchers_redemption o ON o.id = r.rolls_back_id
    WHERE r.project_id = %(project)s AND r.created_at >= %(since)s AND r.created_at < %(until)s"""
_PER_CODE: Final = "NOT (r.related_object_type = 'redemption' AND r.result = 'SUCCESS')"
SUMS: Final = {
    "succeeded": f"count(*) FILTER (WHERE r.kind = 'redemption' AND r.result = 'SUCCESS' AND {_PER_CODE})",
    "refused": "count(*) FILTER (WHERE r.kind = 'redemption' AND r.result = 'FAILURE')",
    "rolled_back": f"count(*) FILTER (WHERE r.kind <> 'redemption' AND r.result = 'SUCCESS' AND {_PER_CODE})",
    "discount": f"coalesce(sum(r.discount_amount) FILTER (WHERE r.result = 'SUCCESS' AND {_PER_CODE}), 0)",
    "revenue": """coalesce(sum(CASE r.kind WHEN 'redemption' THEN r.order_amount - r.discount_amount
        ELSE o.discount_amount - o.order_amount END)
        FILTER (WHERE r.result = 'SUCCESS' AND r.parent_id IS NULL), 0)""",
}
"""Column of the daily sums → what it counts. A stack's own row has the whole order, its parts have the codes."""

_ADD_USES: Final = f"""
    INSERT INTO vouchers_dailyuse (project_id, day, campaign_id, {", ".join(SUMS)})
    SELECT r.project_id, {_DAY}, r.campaign_id, {", ".join(SUMS.values())} {_ROWS} GROUP BY 1, 2, 3
    ON CONFLICT ON CONSTRAINT daily_use_once
    DO UPDATE SET {", ".join(f"{name} = vouchers_dailyuse.{name} + excluded.{name}" for name in SUMS)}"""
_ADD_REFUSALS: Final = f"""
    INSERT INTO vouchers_dailyrefusal (project_id, day, campaign_id, key, count)
    SELECT r.project_id, {_DAY}, r.campaign_id, r.failure_code, count(*) {_ROWS}
        AND r.kind = 'redemption' AND r.result = 'FAILURE' AND r.failure_code <> '' GROUP BY 1, 2, 3, 4
    ON CONFLICT ON CONSTRAINT daily_refusal_once
    DO UPDATE SET count = vouchers_dailyrefusal.count + excluded.count"""
_LIVE: Final = f"""
    SELECT {_DAY}, r.campaign_id, CASE WHEN r.kind = 'redemption' THEN r.failure_code ELSE '' END,
        {", ".join(SUMS.values())} {_ROWS} GROUP BY 1, 2, 3"""


def follow(*, at: datetime) -> int:
    """Bring the sums of every project up to date; returns how many steps that took."""
    steps = 0
    for project in Project.objects.order_by("pk"):
        while add_step(project=project, at=at):
            steps += 1
    return steps


def add_step(*, project: Project, at: datetime) -> int:
    """Sum up to a week of attempts that are not summed yet, in one transaction; 1 while there may be more."""
    until = at - SETTLED
    with transaction.atomic():
        row = UsageThrough.objects.select_for_update().filter(project=project).first()
        if row is not None and row.timezone != project.timezone:
            forget(project=project)
            row = None
        since = row.through if row is not None else _begin(project)
        if since is None or since >= until:
            return 0
        end = min(until, since + STEP)
        parameters: dict[str, Any] = {"project": project.pk, "zone": project.timezone, "since": since, "until": end}
        with connection.cursor() as cursor:
            cursor.execute(_ADD_USES, parameters)
            cursor.execute(_ADD_REFUSALS, parameters)
        values = {"timezone": project.timezone, "through": end}
        if row is None:
            UsageThrough.objects.create(project=project, **values)
        else:
            UsageThrough.objects.filter(pk=row.pk).update(**values)
    return int(end < until)


def forget(*, project: Project) -> None:
    """Drop the sums: after the zone of the days changed, or attempts were written into the past."""
    with transaction.atomic():
        UsageThrough.objects.filter(project=project).delete()
        DailyUse.objects.of(project).delete()
        DailyRefusal.objects.of(project).delete()


def live(*, project: Project, since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    """What is not summed yet: (day, campaign, reason, then the columns of SUMS)."""
    parameters: dict[str, Any] = {
        "project": project.pk, "zone": project.timezone, "since": since, "until": until,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, parameters)
        return list(cursor.fetchall())


def _begin(project: Project) -> datetime | None:
    return Redemption.objects.of(project).order_by("created_at", "pk").values_list("created_at", flat=True).first()
