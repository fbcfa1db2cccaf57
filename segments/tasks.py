"""Segments in the background: the refresh that every worker runs, and the passes that time asks for."""

from __future__ import annotations

from procrastinate.contrib.django import app

from config.jobs import queues
from config.kernel import instants
from segments.services import refresh


def step() -> bool:
    """One step of the refresh, now.

    A loop and no jobs: a job per changed customer would cost its writer more than the change, and a queueing lock
    would make writers wait for each other's commit. Looking costs a tenth of a millisecond.
    """
    return refresh.step(instants.now())


@app.periodic(cron="1 * * * *")
@app.task(name="segments.follow_time", queue=queues.UPKEEP, queueing_lock="segments.follow_time")
def follow_time(timestamp: int) -> None:
    """Every hour, just after it began: go through the segments that are relative to now."""
    refresh.begin_passes(relative_only=True)


@app.periodic(cron="41 3 * * *")
@app.task(name="segments.follow_everything", queue=queues.UPKEEP, queueing_lock="segments.follow_everything")
def follow_everything(timestamp: int) -> None:
    """Every night all of them: a metadata schema or the project's time zone may have changed what a filter means."""
    refresh.begin_passes(relative_only=False)
