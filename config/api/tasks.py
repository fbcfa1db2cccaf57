"""Upkeep of what the API keeps."""

from __future__ import annotations

from procrastinate.contrib.django import app

from config.api import idempotency, limits
from config.jobs import queues
from config.kernel import instants
from config.project import oauth


@app.periodic(cron="*/10 * * * *")
@app.task(name="api.forget_hits", queue=queues.UPKEEP, queueing_lock="api.forget_hits")
def forget_hits(timestamp: int) -> None:
    """Drop old windows of the rate limits; every ten minutes."""
    limits.forget(before=instants.now().timestamp() - 2 * limits.longest_window())


@app.periodic(cron="41 * * * *")
@app.task(name="api.forget_idempotency_keys", queue=queues.UPKEEP, queueing_lock="api.forget_idempotency_keys")
def forget_idempotency_keys(timestamp: int) -> None:
    """Drop the keys of requests, and their answers, after a day; every hour."""
    idempotency.forget(before=instants.now() - idempotency.KEPT)


@app.periodic(cron="*/15 * * * *")
@app.task(name="api.drop_tokens", queue=queues.UPKEEP, queueing_lock="api.drop_tokens")
def drop_tokens(timestamp: int) -> None:
    """Delete bearer tokens that have ended; every quarter of an hour."""
    oauth.drop_expired(at=instants.now())
