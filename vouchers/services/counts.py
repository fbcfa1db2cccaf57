"""What limits of validation rules count: redemptions that succeeded and were not rolled back, in one statement.

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
from vouchers.services.channels import Channel

SUCCEEDED: Final = "r.kind = 'redemption' AND r.status = 'SUCCEEDED'"
_SUMS: Final[Mapping[str, str]] = {
    "redemptions": "SELECT count(*) FROM vouchers_redemption r WHERE {where}",
    "discount_amount": "SELECT coalesce(sum(r.discount_amount), 0) FROM vouchers_redemption r WHERE {where}",
    "gift_amount": "SELECT coalesce(sum(r.amount), 0) FROM vouchers_redemption r WHERE {where} AND r.amount > 0",
    "orders_amount": """SELECT coalesce(sum(o.amount), 0) FROM (
        SELECT max(r.order_amount) AS amount FROM vouchers_redemption r WHERE {where}
        GROUP BY coalesce(r.order_id, -r.id)) o""",
}
"""An order that several redemptions share counts once."""


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
) -> dict[Count, int]:
    """The counters so far; those of a customer or caller that is not known are 0. One statement for all."""
    known: list[Count] = []
    selects: list[str] = []
    parameters: list[Any] = []
    for count in sorted(wanted):
        where = _where(project, count, subjects, customer, channel, at)
        if where is not None:
            known.append(count)
            selects.append(f"({_SUMS[count.what].format(where=where[0])})")
            parameters += where[1]
    if not known:
        return dict.fromkeys(wanted, 0)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(selects)}", parameters)
        found = cursor.fetchone()
    return dict.fromkeys(wanted, 0) | {count: int(value) for count, value in zip(known, found, strict=True)}


def _where(
    project: Project,
    count: Count,
    subjects: Subjects,
    customer: Customer | None,
    channel: Channel | None,
    at: datetime,
) -> tuple[str, list[Any]] | None:
    """The condition, and its parameters; None where nothing can match."""
    subject = subjects.column_of(count.subject)
    if subject is None:
        return None
    column, key = subject
    text, parameters = f"{SUCCEEDED} AND r.{column} = %s", list[Any]([key])
    if count.by == "customer":
        if customer is None:
            return None
        text, parameters = f"{text} AND r.customer_id = %s", [*parameters, customer.pk]
    elif count.by:
        caller = channel_of(channel, user=count.by == "user")
        if caller is None or channel is None:
            return None
        text, parameters = f"{text} AND r.channel_type = %s AND r.channel_id = %s", [*parameters, channel.type, caller]
    if count.period:
        start = start_of(count.period, at, ZoneInfo(project.timezone))
        text, parameters = f"{text} AND r.created_at >= %s", [*parameters, start]
    return text, parameters


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
