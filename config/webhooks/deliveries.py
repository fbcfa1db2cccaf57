"""What waits to be sent: taken by a worker for a while, and given back with what came of it.

A worker that dies keeps its deliveries until its claim ends; then another takes them: at least once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from config.webhooks import outbox
from config.webhooks.models import Delivery, Webhook
from config.webhooks.schedule import next_wait
from config.webhooks.sending import GONE, Answer

CLAIM: Final = timedelta(seconds=90)
"""How long a worker may keep what it took."""

_CLAIM: Final = """
WITH busy (id, held) AS (SELECT * FROM unnest(%(ids)s::bigint[], %(held)s::int[])), longest AS (
    SELECT taken.id FROM webhooks_webhook w JOIN project_project p ON p.id = w.project_id AND p.deleted_at IS NULL
    LEFT JOIN busy ON busy.id = w.id CROSS JOIN LATERAL (
        SELECT d.id, d.next_at FROM webhooks_delivery d
        WHERE d.webhook_id = w.id AND d.state = 'WAITING' AND d.next_at <= %(now)s
        ORDER BY d.next_at LIMIT greatest(0, %(each)s - coalesce(busy.held, 0))
    ) AS taken WHERE w.active ORDER BY taken.next_at LIMIT %(limit)s
), due AS (
    SELECT d.id FROM webhooks_delivery d JOIN longest ON longest.id = d.id
    WHERE d.state = 'WAITING' AND d.next_at <= %(now)s FOR UPDATE OF d SKIP LOCKED
)
UPDATE webhooks_delivery d SET next_at = %(until)s, attempts = d.attempts + 1
FROM due, webhooks_webhook w, project_project p
WHERE d.id = due.id AND w.id = d.webhook_id AND p.id = d.project_id
RETURNING d.id, d.webhook_id, d.public_id, d.payload, d.attempts, w.target_url, w.headers::text, p.webhook_token,
    CASE WHEN p.previous_webhook_valid_until > %(now)s THEN p.previous_webhook_token ELSE '' END
"""

_FINISH: Final = """
UPDATE webhooks_delivery d SET state = r.state, next_at = coalesce(r.next_at, d.next_at), last_at = %(now)s,
    last_status = r.status, last_answer = r.answer, last_error = r.error, last_ms = r.ms
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(next)s::timestamptz[],
    %(statuses)s::int[], %(answers)s::text[], %(errors)s::text[], %(ms)s::int[])
    AS r (id, attempts, state, next_at, status, answer, error, ms)
WHERE d.id = r.id AND d.attempts = r.attempts
"""

_HAND_BACK: Final = """
UPDATE webhooks_delivery d SET next_at = %(now)s, attempts = d.attempts - 1
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS r (id, attempts)
WHERE d.id = r.id AND d.attempts = r.attempts
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery a worker holds. attempt: its token. headers: the webhook's own, as JSON. secret: encrypted.

    former_secret: encrypted too; empty unless the secret is being rotated.
    """

    pk: int
    webhook: int
    public_id: str
    payload: str
    attempt: int
    target_url: str
    headers: str
    secret: str
    former_secret: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt; answer: None hands the delivery back untried."""

    claimed: Claimed
    answer: Answer | None


def claim(*, at: datetime, limit: int, each: int, held: Mapping[int, int]) -> list[Claimed]:
    """Take up to `limit` deliveries that are due, the longest due first, of projects that are open.

    Of one webhook never more than `each` together with those `held`; a negative number held allows so many more.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "ids": list(held), "held": list(held.values()), "now": at, "each": each, "limit": limit,
                "until": at + CLAIM,
            },
        )  # fmt: skip
        return [Claimed(*row) for row in cursor.fetchall()]


def finish(outcomes: Sequence[Outcome], *, at: datetime, chance: float) -> None:
    """Write down what came of attempts, and switch off the webhooks that failed for good. chance: for the jitter."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows = [_row(outcome.claimed, outcome.answer, at, chance) for outcome in outcomes if outcome.answer is not None]
        if rows:
            names = ("ids", "attempts", "states", "next", "statuses", "answers", "errors", "ms")
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(_FINISH, {"now": at, **dict(zip(names, columns, strict=True))})
        if back := [outcome.claimed for outcome in outcomes if outcome.answer is None]:
            pks, attempts = [one.pk for one in back], [one.attempt for one in back]
            cursor.execute(_HAND_BACK, {"ids": pks, "attempts": attempts, "now": at})
        for outcome in outcomes:
            if reason := _why_off(outcome):
                _switch_off(outcome.claimed.webhook, reason, at)


def forget(*, before: datetime) -> int:
    """Drop what was made before that time, unless it is still to be tried; returns how many.

    What waits for a webhook that is off, or of a project that was closed, is not kept for longer either, and what a
    webhook that is gone was still told by another process goes at once.
    """
    old = Delivery.objects.filter(created_at__lt=before).exclude(state=Delivery.State.WAITING, next_at__gte=before)
    orphans = Delivery.objects.filter(~Exists(Webhook.objects.filter(pk=OuterRef("webhook_id"))))
    return old.delete()[0] + orphans.delete()[0]


def _row(
    claimed: Claimed, answer: Answer, at: datetime, chance: float
) -> tuple[int, int, str, datetime | None, int | None, str, str, int]:
    state, wait = Delivery.State.DELIVERED, None
    if not answer.is_success:
        wait = None if answer.status == GONE else next_wait(claimed.attempt, chance)
        state = Delivery.State.FAILED if wait is None else Delivery.State.WAITING
    next_at = None if wait is None else at + wait
    return (
        *(claimed.pk, claimed.attempt, str(state), next_at, answer.status),
        *(answer.text, answer.error, answer.milliseconds),
    )


def _why_off(outcome: Outcome) -> str:
    answer = outcome.answer
    if answer is None or answer.is_success:
        return ""
    if answer.status == GONE:
        return "The receiver answered 410 Gone"
    return "" if next_wait(outcome.claimed.attempt, 0.5) else "A delivery failed at every attempt for three days"


def _switch_off(pk: int, reason: str, at: datetime) -> None:
    changed = Webhook.objects.filter(pk=pk, active=True).update(
        active=False, disabled_reason=reason, disabled_at=at, updated_at=at
    )
    if changed:
        outbox.forget(Webhook.objects.select_related("project").get(pk=pk).project)
