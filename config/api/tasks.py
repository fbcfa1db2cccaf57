"""Upkeep of what the API keeps."""

from __future__ import annotations

from procrastinate.contrib.django import app

from config.api import limits
from config.jobs import queues
from config.kernel import instants


@app.periodic(cron="*/10 * * * *")
@app.task(name="api.forget_hits", queue=queues.UPKEEP, queueing_lock="api.forget_hits")
def forget_hits(timestamp: int) -> None:
    """Drop old windows of the rate limits; every ten minutes."""
    limits.forget(before=instants.now().timestamp() - 2 * limits.longest_window())
