"""Jobs whose worker died: given to a living one."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

from procrastinate.manager import JobManager

log = logging.getLogger("tessera.jobs")

AFTER: Final = 20.0
"""Seconds without a heartbeat (one every five) after which a worker counts as dead."""


async def retry(manager: JobManager) -> int:
    """Put the jobs of dead workers back into their queues; returns how many."""
    count = 0
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=AFTER):
        await manager.retry_job(job, retry_at=datetime.now(UTC))
        count += 1
    if count:
        log.warning("jobs of a dead worker were put back", extra={"count": count})
    return count
