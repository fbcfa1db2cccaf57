"""Tracking's own periodic work."""

from __future__ import annotations

from procrastinate.contrib.django import app

from config.jobs import queues
from config.kernel import instants
from tracking.services import partitions


@app.periodic(cron="15 2 * * *")
@app.task(name="tracking.ensure_partitions", queue=queues.UPKEEP, queueing_lock="tracking.ensure_partitions")
def ensure_partitions(timestamp: int) -> None:
    """Keep the event log's next months ready; daily."""
    partitions.ensure_partitions(at=instants.now())
    if partitions.rows_in_default():
        partitions.log.error("the default partition of the event log is not empty")
