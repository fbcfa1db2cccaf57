"""The one door for telling webhooks: deliveries are written in the caller's transaction, so they go with it.

Nothing is rendered or written for a type that nobody asked for. Which types are asked for is remembered for two
seconds, so a new webhook may miss what other processes do in its first two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.kernel import ids
from config.project import statements
from config.project.models import Project
from config.webhooks import signatures
from config.webhooks.envelope import Happening, new_event_id, render
from config.webhooks.models import Delivery, Webhook

FRESH_SECONDS: Final = 2.0

_cache: dict[int, tuple[float, Mapping[str, tuple[Subscriber, ...]]]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A webhook as the outbox needs it. pk: its row."""

    pk: int
    public_id: str
    target_url: str


def is_wanted(project: Project, *types: str) -> bool:
    """Whether any webhook of the project asked for one of the types."""
    known = _subscribers(project)
    return bool(known) and any(type in known for type in types)


def record(project: Project, happening: Happening | Callable[[], Happening], *, type: str = "") -> None:
    """Write the deliveries of one happening; type: of one that is rendered only if somebody asked for it."""
    if callable(happening):
        if not is_wanted(project, type):
            return
        happening = happening()
    record_many(project, [happening])


def record_many(project: Project, happenings: Sequence[Happening]) -> None:
    """Write the deliveries of happenings, in order, with one statement; with none where nobody asked."""
    if rows := rows_of(project, happenings):
        Delivery.objects.bulk_create(rows, batch_size=500)


def part(project: Project, happenings: Sequence[Happening]) -> statements.Part | None:
    """The same as a part of one larger statement; None where nobody asked."""
    rows = rows_of(project, happenings)
    return statements.insert(rows) if rows else None


def rows_of(project: Project, happenings: Sequence[Happening]) -> list[Delivery]:
    """Unsaved deliveries: one for each happening and each webhook that asked for its type."""
    known = _subscribers(project)
    return [
        _row(project, happening, subscriber, event_id)
        for happening in happenings
        if happening.type in known
        for event_id in [happening.event_id or new_event_id(happening.type)]
        for subscriber in known[happening.type]
    ]


def begin(project: Project, at: datetime) -> None:
    """A project that was just made has no webhooks: nobody needs to look."""
    with _lock:
        _cache[project.pk] = (time.monotonic() + FRESH_SECONDS, {})


def forget(project: Project) -> None:
    """Drop what this process remembers of the project's webhooks."""
    with _lock:
        _cache.pop(project.pk, None)


def forget_everything() -> None:
    """Drop all of it; for tests."""
    with _lock:
        _cache.clear()


def _row(project: Project, happening: Happening, subscriber: Subscriber, event_id: str) -> Delivery:
    send_id = ids.new("whs_")
    payload = render(
        happening,
        event_id=event_id,
        send_id=send_id,
        project_id=project.public_id,
        webhook_id=subscriber.public_id,
        target_url=subscriber.target_url,
    )
    return Delivery(
        project=project,
        public_id=send_id,
        webhook_id=subscriber.pk,
        type=happening.type,
        event_id=event_id,
        customer_id=happening.customer_id,
        payload=signatures.compact(payload),
        next_at=happening.at,
        created_at=happening.at,
    )


def _subscribers(project: Project) -> Mapping[str, tuple[Subscriber, ...]]:
    known = _cache.get(project.pk)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    found: dict[str, tuple[Subscriber, ...]] = {}
    rows = Webhook.objects.of(project).filter(active=True).order_by("pk")
    for pk, public_id, url, events in rows.values_list("pk", "public_id", "target_url", "events"):
        for type in events:
            found[type] = (*found.get(type, ()), Subscriber(pk, public_id, url))
    with _lock:
        if len(_cache) > 1000:
            _cache.clear()
        _cache[project.pk] = (time.monotonic() + FRESH_SECONDS, found)
    return found
