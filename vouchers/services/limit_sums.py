"""Sums behind the limits of rules, so that a limit costs the same with ten redemptions as with a million.

Redemptions and rollbacks are facts that never change once they are committed. A task adds each of them once, a minute
after it happened, when no transaction can hold it back; a look at a limit adds what came since, in the same statement,
and so is exact whenever one looks. Only what is redeemed often is summed: see `watch`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from config.project.models import Project
from vouchers.models import LimitSums, RuleAssignment, ValidationRule

SETTLED: Final = timedelta(seconds=60)
"""Four times as long as a statement may take: what is older is committed, or never will be."""
WORTH: Final = 1_000
"""Redemptions above which counting them anew costs more than keeping their sum."""
STEP: Final = 500
"""A subject waits until it has so many rows more; counting them live is cheap."""

COLUMNS: Final = ("campaign_id", "voucher_id", "promotion_tier_id")
_BEHIND: Final = " OR ".join(
    f"""EXISTS (SELECT 1 FROM vouchers_redemption r
        WHERE r.{column} = CASE s.subject WHEN '{column}' THEN s.subject_id END
            AND r.created_at >= s.through AND r.created_at < %(until)s OFFSET %(step)s)"""  # noqa: S608  our own columns
    for column in COLUMNS
)
_ADD: Final = """
    INSERT INTO vouchers_limitday (project_id, sums_id, day, channel_type, channel_id,
        redemptions, discount_amount, gift_amount)
    SELECT %(project)s, %(sums)s, (r.created_at AT TIME ZONE %(zone)s)::date, r.channel_type, r.channel_id,
        sum(f.sign), sum(f.sign * r.discount_amount),
        coalesce(sum(f.sign * r.amount) FILTER (WHERE r.amount > 0), 0)
    FROM (
        SELECT n.id, 1 AS sign FROM vouchers_redemption n
        WHERE n.{subject} = %(key)s AND n.created_at >= %(since)s AND n.created_at < %(until)s
            AND n.kind = 'redemption' AND n.result = 'SUCCESS'
        UNION ALL
        SELECT b.rolls_back_id, -1 FROM vouchers_redemption b
        WHERE b.{subject} = %(key)s AND b.created_at >= %(since)s AND b.created_at < %(until)s
            AND b.kind <> 'redemption' AND b.result = 'SUCCESS'
    ) f JOIN vouchers_redemption r ON r.id = f.id
    GROUP BY 3, 4, 5
    ON CONFLICT ON CONSTRAINT limit_day_once DO UPDATE SET
        redemptions = vouchers_limitday.redemptions + excluded.redemptions,
        discount_amount = vouchers_limitday.discount_amount + excluded.discount_amount,
        gift_amount = vouchers_limitday.gift_amount + excluded.gift_amount"""

ORDERS: Final = """
    SELECT coalesce(sum(coalesce(o.now, 0) - coalesce(o.before, 0)), 0)::bigint AS amount, count(*) AS rows
    FROM (
        SELECT max(r.order_amount) FILTER (WHERE r.created_at < {until} AND NOT EXISTS (
                SELECT 1 FROM vouchers_redemption b WHERE b.rolls_back_id = r.id AND b.result = 'SUCCESS'
                    AND b.created_at < {until})) AS now,
            max(r.order_amount) FILTER (WHERE r.created_at < {since} AND NOT EXISTS (
                SELECT 1 FROM vouchers_redemption b WHERE b.rolls_back_id = r.id AND b.result = 'SUCCESS'
                    AND b.created_at < {since})) AS before
        FROM (
            SELECT DISTINCT coalesce(n.order_id, -coalesce(n.rolls_back_id, n.id)) AS key
            FROM vouchers_redemption n
            WHERE n.{subject} = {subject_id} AND n.created_at >= {since} AND n.created_at < {until}
                AND n.result = 'SUCCESS'
        ) touched
        CROSS JOIN LATERAL (
            SELECT * FROM vouchers_redemption own
            WHERE own.order_id = touched.key AND touched.key > 0 AND own.{subject} = {subject_id}
                AND own.kind = 'redemption' AND own.result = 'SUCCESS'
            UNION ALL
            SELECT * FROM vouchers_redemption own
            WHERE own.id = -touched.key AND touched.key < 0 AND own.kind = 'redemption' AND own.result = 'SUCCESS'
        ) r
        GROUP BY touched.key
    ) o"""
"""By how much the orders changed that were touched between two instants: each counts once, with its dearest redemption
in force. `since`, `until`, `subject_id`: expressions."""


def watch(*, project: Project, subjects: Collection[tuple[str, int]]) -> None:
    """Sum these from now on, in the caller's transaction. subjects: (column of a redemption, key)."""
    LimitSums.objects.bulk_create(
        [
            LimitSums(project=project, subject=column, subject_id=key, timezone=project.timezone)
            for column, key in sorted(subjects)
        ],
        ignore_conflicts=True,
    )


def watch_assigned(rule: ValidationRule) -> None:
    """Sum the campaigns of a rule that are redeemed often already: a limit that comes late may be used up at once."""
    keys = RuleAssignment.objects.filter(rule=rule, campaign__isnull=False).values_list("campaign_id", flat=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT key FROM unnest(%s::bigint[]) AS key WHERE EXISTS (
                SELECT 1 FROM vouchers_redemption r WHERE r.campaign_id = key OFFSET %s)""",
            [list(keys), WORTH],
        )
        found = [("campaign_id", key) for (key,) in cursor.fetchall()]
    watch(project=rule.project, subjects=found)


def follow(*, at: datetime) -> int:
    """Bring all sums up to date that are far enough behind; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT s.id FROM vouchers_limitsums s JOIN project_project p ON p.id = s.project_id
                WHERE s.through IS NULL OR s.timezone <> p.timezone OR {_BEHIND} ORDER BY s.id""",  # noqa: S608
            {"until": at - SETTLED, "step": STEP},
        )
        behind = [pk for (pk,) in cursor.fetchall()]
    for pk in behind:
        add(pk, at=at)
    return len(behind)


def add(pk: int, *, at: datetime) -> None:
    """Add what came since the last time to one row's sums, all in one transaction."""
    until = at - SETTLED
    with transaction.atomic():
        row = LimitSums.objects.select_for_update().select_related("project").filter(pk=pk).first()
        if row is None:
            return
        if row.timezone != row.project.timezone:
            row.days.all().delete()
            row.timezone, row.through, row.orders_amount = row.project.timezone, None, 0
        since: Any = row.through or datetime.min.replace(tzinfo=until.tzinfo, year=1970)
        if since < until:
            parameters = {
                "project": row.project_id,
                "sums": row.pk,
                "zone": row.timezone,
                "key": row.subject_id,
                "since": since,
                "until": until,
            }
            names = {"subject": row.subject, "subject_id": "%(key)s", "since": "%(since)s", "until": "%(until)s"}
            with connection.cursor() as cursor:
                cursor.execute(_ADD.format(subject=row.subject), parameters)
                cursor.execute(ORDERS.format(**names), parameters)
                row.orders_amount += cursor.fetchone()[0]
            row.through = until
        row.save(update_fields=["timezone", "through", "orders_amount"])


def forget(*, project: Project) -> None:
    """Drop the sums: attempts were written into the past. What is summed stays chosen."""
    with transaction.atomic():
        LimitSums.objects.of(project).update(through=None, orders_amount=0)
        for row in LimitSums.objects.of(project):
            row.days.all().delete()
