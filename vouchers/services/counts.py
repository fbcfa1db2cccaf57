"""What limits of validation rules count: redemptions that succeeded and were not rolled back, in one statement.

Those of one customer are counted as they are; those of everybody are sums up to a minute ago and what came since.

Periods are calendar days, weeks from Monday, and months of the project's zone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection

from config.project.models import Project
from customers.models import Customer
from vouchers.engine.order_state import OrderState
from vouchers.engine.terms import Count, UnitCount
from vouchers.models import Campaign
from vouchers.services import limit_sums
from vouchers.services.channels import Channel

SUCCEEDED: Final = "r.kind = 'redemption' AND r.status = 'SUCCEEDED'"
_ADDED: Final[Mapping[str, str]] = {
    "redemptions": "count(*)",
    "discount_amount": "coalesce(sum(r.discount_amount), 0)",
    "gift_amount": "coalesce(sum(r.amount) FILTER (WHERE r.amount > 0), 0)",
}
_COUNTED: Final = "SELECT ARRAY[({added})::bigint, 0, 1] FROM vouchers_redemption r WHERE {where}"
_ORDERS: Final = """SELECT coalesce(sum(o.amount), 0)::bigint FROM (
    SELECT max(r.order_amount) AS amount FROM vouchers_redemption r WHERE {where}
    GROUP BY coalesce(r.order_id, -r.id)) o"""
"""An order that several redemptions share counts once."""
_SUMS: Final = """(SELECT max(x.id) AS id, max(x.orders_amount) AS orders_amount,
        coalesce(max(x.through), '-infinity') AS through, 'infinity'::timestamptz AS until
    FROM vouchers_limitsums x
    WHERE x.project_id = %s AND x.subject = %s AND x.subject_id = %s AND x.timezone = %s) s"""
"""What is summed already, if anything. Between two instants that the planner cannot know it expects few rows: with one
alone it would read a third of the table."""
_TAIL: Final = "created_at >= s.through AND {row}.created_at < s.until"
_SUMMED: Final = f"""SELECT ARRAY[(d.n + t.n - b.n)::bigint, t.rows, (s.id IS NOT NULL)::int]
    FROM {_SUMS}, LATERAL (
        SELECT coalesce(sum(d.{{what}}), 0) AS n FROM vouchers_limitday d WHERE d.sums_id = s.id {{of_days}}
    ) d, LATERAL (
        SELECT {{added}} AS n, count(*) AS rows FROM vouchers_redemption r
        WHERE r.{_TAIL.format(row="r")} AND {{where}}
    ) t, LATERAL (
        SELECT {{added}} AS n FROM vouchers_redemption b JOIN vouchers_redemption r ON r.id = b.rolls_back_id
        WHERE b.{{column}} = %s AND b.kind <> 'redemption' AND b.result = 'SUCCESS'
            AND b.{_TAIL.format(row="b")} AND r.created_at < s.through {{of_rows}}
    ) b"""  # noqa: S608  (words of our own)
_SUMMED_ORDERS: Final = f"""SELECT ARRAY[
        CASE WHEN s.through = '-infinity' THEN ({_ORDERS}) ELSE s.orders_amount + (SELECT z.amount FROM (
            {limit_sums.ORDERS.format(subject="{column}", subject_id="%s", since="s.through", until="s.until")}) z) END,
        (SELECT count(*) FROM (SELECT 1 FROM vouchers_redemption r WHERE s.id IS NULL AND {{where}} LIMIT %s) z),
        (s.id IS NOT NULL)::int]
    FROM {_SUMS}"""  # noqa: S608  (words of our own)


@dataclass(frozen=True, slots=True)
class Subjects:
    """Keys of the rows behind the public ids that counters name."""

    vouchers: Mapping[str, int]
    tiers: Mapping[str, int]
    campaigns: Mapping[str, int]

    def column_of(self, public_id: str) -> tuple[str, int] | None:
        """The column of a redemption that refers to it, and the key."""
        for column, known in (
            ("voucher_id", self.vouchers),
            ("promotion_tier_id", self.tiers),
            ("campaign_id", self.campaigns),
        ):
            if public_id in known:
                return column, known[public_id]
        return None


def lock_campaigns(subjects: Subjects, wanted: Collection[str]) -> None:
    """Keep the campaigns whose limits are read to the end of the transaction, in the order of their keys."""
    keys = [key for public_id, key in subjects.campaigns.items() if public_id in wanted]
    if keys:
        list(Campaign.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def read(
    *,
    project: Project,
    wanted: Collection[Count],
    subjects: Subjects,
    customer: Customer | None,
    channel: Channel | None,
    at: datetime,
    watch: bool = False,
) -> dict[Count, int]:
    """The counters so far; those of a customer or caller that is not known are 0. One statement for all.

    watch: have what was worth a sum, and has none yet, summed from now on; in the caller's transaction.
    """
    known: list[Count] = []
    selects: list[str] = []
    parameters: list[Any] = []
    for count in sorted(wanted):
        select = _select(project, count, subjects, customer, channel, at)
        if select is not None:
            known.append(count)
            selects.append(f"({select[0]})")
            parameters += select[1]
    if not known:
        return dict.fromkeys(wanted, 0)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(selects)}", parameters)
        found = cursor.fetchone()
    if watch:
        often = {
            subject
            for count, (_, rows, summed) in zip(known, found, strict=True)
            if rows > limit_sums.WORTH and not summed and (subject := subjects.column_of(count.subject))
        }
        limit_sums.watch(project=project, subjects=often)
    return dict.fromkeys(wanted, 0) | {count: value for count, (value, *_) in zip(known, found, strict=True)}


def _select(
    project: Project,
    count: Count,
    subjects: Subjects,
    customer: Customer | None,
    channel: Channel | None,
    at: datetime,
) -> tuple[str, list[Any]] | None:
    """Reads (value, rows counted live, whether there is a sum), with its parameters; None where nothing can match."""
    subject = subjects.column_of(count.subject)
    if subject is None:
        return None
    column, key = subject
    where, own = f"{SUCCEEDED} AND r.{column} = %s", list[Any]([key])
    start = start_of(count.period, at, ZoneInfo(project.timezone)) if count.period else None
    if count.by == "customer":
        if customer is None:
            return None
        where, own = f"{where} AND r.customer_id = %s", [*own, customer.pk]
        if start is not None:
            where, own = f"{where} AND r.created_at >= %s", [*own, start]
        return _COUNTED.format(added=_ADDED[count.what], where=where), own
    of_sums = [project.pk, column, key, project.timezone]
    if count.what == "orders_amount":
        sql = _SUMMED_ORDERS.format(column=column, where=where)
        return sql, [*own, key, key, *own, limit_sums.WORTH + 1, *of_sums]
    of_days, of_rows, narrowed, days = "", "", list[Any](), list[Any]()
    if count.by:
        caller = channel_of(channel, user=count.by == "user")
        if caller is None or channel is None:
            return None
        of_days = "AND d.channel_type = %s AND d.channel_id = %s"
        of_rows = "AND r.channel_type = %s AND r.channel_id = %s"
        narrowed = days = [channel.type, caller]
    if start is not None:
        of_days, of_rows = f"{of_days} AND d.day >= %s", f"{of_rows} AND r.created_at >= %s"
        narrowed, days = [*narrowed, start], [*days, start.date()]
    sql = _SUMMED.format(
        what=count.what,
        added=_ADDED[count.what],
        column=column,
        where=f"{where} {of_rows}",
        of_days=of_days,
        of_rows=of_rows,
    )
    return sql, [*of_sums, *days, *own, *narrowed, key, *narrowed]


def channel_of(channel: Channel | None, *, user: bool) -> str | None:
    """Who calls: the dashboard user, or the app id of the key; None where it is the other."""
    if channel is None or not channel.id or (channel.type == "USER") is not user:
        return None
    return channel.id


def start_of(period: str, at: datetime, zone: ZoneInfo) -> datetime:
    """The first instant of the day, the week (from Monday) or the month that `at` is in."""
    day = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "monthly" else day


_UNITS: Final = f"""
SELECT r.customer_id = %(customer)s, line.key, sum(line.units)
FROM vouchers_redemption r, LATERAL (
    SELECT coalesce(item->>'sku_id', item->>'product_id') AS key,
        (item->>'applied_discount_quantity')::bigint AS units
    FROM jsonb_array_elements(coalesce(r.order_snapshot->'items', '[]'::jsonb)) item
    WHERE item ? 'applied_discount_quantity'
) line
WHERE {SUCCEEDED} AND r.{{column}} = %(key)s AND line.key = ANY(%(keys)s)
GROUP BY 1, 2
"""  # noqa: S608  (words of our own)


def read_units(
    *, wanted: Collection[UnitCount], subjects: Subjects, customer: Customer | None, order: OrderState | None
) -> dict[UnitCount, int]:
    """Units of the cart's products discounted so far: one statement for each campaign or tier with such limits."""
    keys = _keys_of(order)
    found: dict[UnitCount, int] = {}
    for public_id in sorted({count.subject for count in wanted}):
        subject = subjects.column_of(public_id)
        if subject is None or not keys:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                _UNITS.format(column=subject[0]),
                {"key": subject[1], "keys": list(keys), "customer": customer.pk if customer else None},
            )
            for own, key, units in cursor.fetchall():
                everybody = UnitCount(public_id, key)
                found[everybody] = found.get(everybody, 0) + int(units)
                if own:
                    found[UnitCount(public_id, key, "customer")] = int(units)
    return found


def _keys_of(order: OrderState | None) -> Sequence[str]:
    lines = () if order is None else order.basket.lines
    return sorted({key for line in lines for key in (line.item.sku_id, line.item.product_id) if key is not None})
