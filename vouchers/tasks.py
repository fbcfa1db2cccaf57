"""Work in the background about vouchers."""

from __future__ import annotations

from procrastinate.contrib.django import app

from config.jobs import queues
from config.kernel import instants
from vouchers.services import sessions, usage


@app.periodic(cron="*/10 * * * *")
@app.task(name="vouchers.forget_sessions", queue=queues.UPKEEP, queueing_lock="vouchers.forget_sessions")
def forget_sessions(timestamp: int) -> None:
    """Drop locks of sessions that are over; every ten minutes. They count for nothing before that already."""
    sessions.forget_expired(before=instants.now())


@app.periodic(cron="* * * * *")
@app.task(name="vouchers.follow_usage", queue=queues.UPKEEP, queueing_lock="vouchers.follow_usage")
def follow_usage(timestamp: int) -> None:
    """Every minute: the daily sums that the overview reads."""
    usage.follow(at=instants.now())
