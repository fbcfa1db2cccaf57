"""Upkeep of the queues themselves."""

from __future__ import annotations

from procrastinate import JobContext
from procrastinate.contrib.django import app

from config.jobs import files, queues, stalled
from config.kernel import instants

WEEK_IN_HOURS = 7 * 24


@app.periodic(cron="* * * * * */10")
@app.task(name="jobs.retry_stalled", queue=queues.UPKEEP, queueing_lock="jobs.retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Every ten seconds. A queueing lock and no lock: its own killed run must not stand in the way of the next."""
    await stalled.retry(context.app.job_manager)


@app.periodic(cron="17 3 * * *")
@app.task(name="jobs.forget_old", queue=queues.UPKEEP, queueing_lock="jobs.forget_old", pass_context=True)
async def forget_old(context: JobContext, timestamp: int) -> None:
    """Drop ended jobs of the queue after a week; their AsyncActions stay."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=WEEK_IN_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


@app.periodic(cron="29 3 * * *")
@app.task(name="jobs.forget_files", queue=queues.UPKEEP, queueing_lock="jobs.forget_files")
def forget_files(timestamp: int) -> None:
    """Reports and forgotten inputs go after a week."""
    files.forget_old(at=instants.now())
