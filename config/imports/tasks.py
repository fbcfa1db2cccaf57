"""Periodic work of imports."""

from __future__ import annotations

from procrastinate.contrib.django import app

from config.imports import upkeep
from config.jobs import queues
from config.kernel import instants


@app.periodic(cron="47 4 * * *")
@app.task(name="imports.forget_old", queue=queues.UPKEEP, queueing_lock="imports.forget_old")
def forget_old(timestamp: int) -> None:
    """Once a day."""
    upkeep.forget_old(at=instants.now())
