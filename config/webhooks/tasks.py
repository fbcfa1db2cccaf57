"""Webhooks in the background: the sender that every worker runs, and the end of the log's memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from procrastinate.contrib.django import app

from config.jobs import queues
from config.kernel import instants
from config.webhooks import deliveries, sender

KEPT: Final = timedelta(days=90)


def step() -> bool:
    """One step of the sender, now."""
    return sender.step(instants.now)


@app.periodic(cron="17 4 * * *")
@app.task(name="webhooks.forget", queue=queues.UPKEEP, queueing_lock="webhooks.forget")
def forget(timestamp: int) -> None:
    """Drop deliveries older than 90 days; every night."""
    deliveries.forget(before=instants.now() - KEPT)
