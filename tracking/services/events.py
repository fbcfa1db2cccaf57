"""The event log: the one place that records what happened and moves the counters of custom events with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import orjson
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q

from config.kernel import ids
from config.kernel.texts import normal
from config.project import prepared, statements
from config.project.models import Project
from config.project.querysets import ScopedQuerySet
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from config.webhooks.models import Delivery
from customers.models import Customer
from tracking.models import Event, EventCounter
from tracking.services import unhurried

CUSTOM_EVENT: Final = "customer.custom_event"
Category = Literal["ACTION", "EFFECT"]
ALIASES: Final = {
    "customer.segment_entered": "customer.segment.entered",
    "customer.segment_left": "customer.segment.left",
}
"""Old spellings of types that filters still name."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What `record_many` writes; `record` takes the same as arguments."""

    type: str
    at: datetime
    data: Mapping[str, Any]
    customer_id: int | None = None
    token: str = ""
    name: str = ""
    category: Category = "ACTION"
    group_id: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    campaign_id: int | None = None
    campaign_type: str = ""


def record(
    *,
    project: Project,
    type: str,
    at: datetime,
    data: Mapping[str, Any],
    customer: Customer | None = None,
    token: str = "",
    name: str = "",
    category: Category = "ACTION",
    group_id: str = "",
    source: Mapping[str, Any] | None = None,
    campaign: tuple[int, str] | None = None,
) -> Event:
    """Append one event in the caller's transaction, or in its own.

    type: the wire's, e.g. customer.redemption.succeeded. name: the custom event's own name. token: the anonymous token
    it happened under; beside a customer it notes which visitor it was. campaign: (row id, campaign_type).
    source: the wire's event_source. data: the wire's keys, rendered now, because the objects change later.
    """
    campaign_id, campaign_type = campaign or (None, "")
    new = NewEvent(
        type=type,
        at=at,
        data=data,
        customer_id=None if customer is None else customer.pk,
        token=token,
        name=name,
        category=category,
        group_id=group_id,
        source=source or {},
        campaign_id=campaign_id,
        campaign_type=campaign_type,
    )
    return record_many(project=project, events=[new])[0]


def record_unhurried(
    *,
    project: Project,
    type: str,
    at: datetime,
    data: Mapping[str, Any],
    customer: Customer | None,
    token: str,
    group_id: str,
    source: Mapping[str, Any],
    campaign: tuple[int, str] | None = None,
    tallies: Sequence[tuple[int, bool]] = (),
) -> None:
    """Append one event that a crash may lose, without waiting for the disk: with its like, where nothing is open.

    For validations, which are many and change nothing. Never a custom event: no counter moves. In a web process it is
    there a moment later (`tracking.services.unhurried`). type: "" only counts. tallies: (row id of a campaign, whether
    it was valid) of each redeemable that was validated.
    """
    campaign_id, campaign_type = campaign or (None, "")
    unhurried.add(
        (
            *(project.pk, ids.new("evcus_"), type, None if customer is None else customer.pk, token),
            *(orjson.dumps(data).decode(), orjson.dumps(source).decode(), group_id, at.isoformat()),
            *(tallies, campaign_id, campaign_type),
        )
    )


def record_many(*, project: Project, events: Sequence[NewEvent]) -> list[Event]:
    """Append events in order: one with all that belongs to it in one statement, many with one for rows and counters."""
    rows = rows_of(project, events)
    if len(rows) == 1:
        (pk,) = statements.run(_parts(project, rows, events))["recorded"]
        statements.mark_saved(rows[0], pk)
        return rows
    told = outbox.rows_of(project, [happening(row) for row in rows]) if _is_told(project, rows) else []
    with transaction.atomic():
        for start in range(0, len(rows), AT_ONCE):
            _insert(rows[start : start + AT_ONCE])
        _move_counters(_counted(events))
        Delivery.objects.bulk_create(told, batch_size=500)
    return rows


def _insert(rows: Sequence[Event]) -> None:
    """Write unsaved rows with one parameter: quoting thirteen arrays of texts takes ten times as long."""
    names = [field.attname for field in Event._meta.concrete_fields if not field.primary_key]
    body = [{name: getattr(row, name) for name in names} | {"created_at": row.created_at.isoformat()} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [json.dumps(body)])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            statements.mark_saved(row, pk)


def happening(row: Event) -> Happening:
    """The event as webhooks are told it: with the same keys, under the same id."""
    customer = row.data.get("customer")
    return Happening(
        type=row.type,
        at=row.created_at,
        data=row.data,
        entity_id=str(customer.get("id") or "") if isinstance(customer, dict) else "",
        event_id=row.public_id,
        group_id=row.group_id,
        source=row.source,
        customer_id=row.customer_id,
    )


def _is_told(project: Project, rows: Sequence[Event]) -> bool:
    return outbox.is_wanted(project, *{row.type for row in rows})


def parts(*, project: Project, events: Sequence[NewEvent], of_newcomer: str = "") -> dict[str, statements.Part]:
    """The insertion of events, of what webhooks are told of them and of counts, as parts of one larger statement.

    of_newcomer: name of the part that inserts the customer whom they are about; without its row there are no events.
    """
    return _parts(project, rows_of(project, events), events, of_newcomer)


def _parts(
    project: Project, rows: Sequence[Event], events: Sequence[NewEvent], of_newcomer: str = ""
) -> dict[str, statements.Part]:
    links = {"customer_id": of_newcomer} if of_newcomer else None
    found = {"recorded": statements.insert(rows, links, after=of_newcomer)}
    if _is_told(project, rows) and (told := outbox.rows_of(project, [happening(row) for row in rows])):
        found["told"] = statements.insert(told, links, after=of_newcomer)
    if counted := _counted(events):
        tallies = [
            EventCounter(customer_id=customer_id, name=name, count=count, first_at=first, last_at=last)
            for customer_id, name, count, first, last in _tallied(counted)
        ]
        found["tallied"] = statements.insert(tallies, conflict=COUNT_MORE)
    return found


def rows_of(project: Project, events: Sequence[NewEvent]) -> list[Event]:
    """Unsaved rows, in order."""
    return [
        statements.make(
            Event,
            project_id=project.pk,
            type=new.type,
            name=normal(new.name),
            category=new.category,
            customer_id=new.customer_id,
            token=new.token,
            campaign_id=new.campaign_id,
            campaign_type=new.campaign_type,
            data=dict(new.data),
            source=dict(new.source),
            group_id=new.group_id,
            created_at=new.at,
        )
        for new in events
    ]


def timeline(
    *,
    customer: Customer,
    limit: int,
    newest_first: bool = True,
    after: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    type: str | None = None,
    category: str | None = None,
    campaign_id: int | None = None,
    campaign_type: str | None = None,
) -> tuple[list[Event], bool]:
    """One page of a customer's events, and whether more follow.

    after: the public id of the last event already seen; an unknown one yields nothing. since, until: both count.
    """
    exact = {"type": type and ALIASES.get(type, type), "category": category, "campaign_type": campaign_type}
    rows = Event.objects.filter(customer_id=customer.pk, **{key: value for key, value in exact.items() if value})
    if campaign_id is not None:
        rows = rows.filter(campaign_id=campaign_id)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lte=until)
    return page(rows, limit=limit, newest_first=newest_first, after=after, owner=Q(customer_id=customer.pk))


def timeline_of_token(
    *, project: Project, token: str, limit: int, after: str | None = None
) -> tuple[list[Event], bool]:
    """One page, newest first, of what was recorded under an anonymous token that no customer has claimed yet."""
    owner = Q(project_id=project.pk, token=token, customer_id=None) & ~Q(token="")
    return page(Event.objects.filter(owner), limit=limit, newest_first=True, after=after, owner=owner)


def claim(*, project: Project, token: str, customer_id: int, since: datetime) -> int:
    """Move what was recorded under an anonymous token to a customer; returns how many events moved.

    since: when the token was issued, the lower bound that keeps older partitions out. Idempotent: a moved event keeps
    neither the token nor a second chance to be counted.
    """
    with transaction.atomic(savepoint=False):
        moved = prepared.fetch(_CLAIM, [customer_id, project.pk, token, since, CUSTOM_EVENT])
        if named := [(customer_id, *rest) for *rest, _ in moved if rest[0]]:
            with connection.cursor() as cursor:
                _upsert_counters(cursor, named)
        return sum(total for *_, total in moved)


AT_ONCE: Final = 1_000
"""Rows of one statement."""
_INSERT: Final = """
INSERT INTO tracking_event (project_id, public_id, type, name, category, customer_id, token, campaign_id, campaign_type,
    data, source, group_id, created_at)
SELECT project_id, public_id, type, name, category, customer_id, token, campaign_id, campaign_type, data, source,
    group_id, created_at
FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS (project_id bigint, public_id text, type text, name text,
    category text, customer_id bigint, token text, campaign_id bigint, campaign_type text, data jsonb, source jsonb,
    group_id text, created_at timestamptz)) WITH ORDINALITY AS given ORDER BY ordinality
RETURNING id
"""
_CLAIM: Final = """
WITH moved AS (
    UPDATE tracking_event SET customer_id = %s, token = ''
    WHERE project_id = %s AND token = %s AND token <> '' AND customer_id IS NULL AND created_at >= %s
    RETURNING type, name, created_at
), named AS (SELECT CASE WHEN type = %s THEN name ELSE '' END AS name, created_at FROM moved)
SELECT name, count(*), min(created_at), max(created_at), count(*) FROM named GROUP BY name ORDER BY name
"""

COUNT_MORE: Final = """
ON CONFLICT (customer_id, name) DO UPDATE SET
    count = tracking_eventcounter.count + EXCLUDED.count,
    first_at = LEAST(tracking_eventcounter.first_at, EXCLUDED.first_at),
    last_at = GREATEST(tracking_eventcounter.last_at, EXCLUDED.last_at)
"""
_UPSERT_COUNTERS: Final = f"""
INSERT INTO tracking_eventcounter (customer_id, name, count, first_at, last_at)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[])
{COUNT_MORE}
"""  # noqa: S608  our own text

CounterRow = tuple[int, str, int, datetime, datetime]


def _counted(events: Iterable[NewEvent]) -> list[tuple[int, str, datetime]]:
    """What moves a counter: (customer, name, instant) of each custom event of a known customer."""
    return [
        (new.customer_id, normal(new.name), new.at)
        for new in events
        if new.type == CUSTOM_EVENT and new.customer_id is not None and new.name
    ]


def _tallied(counted: Iterable[tuple[int, str, datetime]]) -> list[CounterRow]:
    """One row for each customer and name, by key, so that two transactions never wait for each other in a circle."""
    moved: dict[tuple[int, str], CounterRow] = {}
    for customer_id, name, at in counted:
        key = (customer_id, name)
        _, _, count, first, last = moved.get(key, (*key, 0, at, at))
        moved[key] = (*key, count + 1, min(first, at), max(last, at))
    return [moved[key] for key in sorted(moved)]


def _move_counters(counted: Iterable[tuple[int, str, datetime]]) -> None:
    if moved := _tallied(counted):
        with connection.cursor() as cursor:
            _upsert_counters(cursor, moved)


def _upsert_counters(cursor: CursorWrapper, rows: Sequence[CounterRow]) -> None:
    if rows:
        cursor.execute(_UPSERT_COUNTERS, [list(column) for column in zip(*rows, strict=True)])


def page(
    rows: ScopedQuerySet[Event], *, limit: int, newest_first: bool, after: str | None, owner: Q
) -> tuple[list[Event], bool]:
    """Keyset page by (created_at, id); one row more than asked tells whether more follow."""
    if after is not None:
        seen = Event.objects.filter(owner, public_id=after).values_list("created_at", "pk").first()
        if seen is None:
            return [], False
        at, pk = seen
        rows = (
            rows.filter(created_at__lte=at).exclude(created_at=at, pk__gte=pk)
            if newest_first
            else rows.filter(created_at__gte=at).exclude(created_at=at, pk__lte=pk)
        )
    order = ("-created_at", "-pk") if newest_first else ("created_at", "pk")
    found = list(rows.order_by(*order)[: limit + 1])
    return found[:limit], len(found) > limit
