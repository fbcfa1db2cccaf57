"""Jobs of exports."""

from __future__ import annotations

from typing import Any

from procrastinate.contrib.django import app

from config.exports import files, upkeep
from config.jobs import queues, runner
from config.jobs.models import Export
from config.jobs.runner import Run
from config.kernel import instants


@runner.job(queue=queues.LONG)
def write_export(run: Run) -> dict[str, Any]:
    """Write the file of one export."""
    export = Export.objects.select_related("project").get(pk=run.parameters["export"])
    Export.objects.filter(pk=export.pk).update(status=Export.Status.IN_PROGRESS)
    return {"rows": files.write(export, run, at=instants.now())}


@app.periodic(cron="41 4 * * *")
@app.task(name="exports.forget_old", queue=queues.UPKEEP, queueing_lock="exports.forget_old")
def forget_old(timestamp: int) -> None:
    """Once a day."""
    upkeep.forget_old(at=instants.now())
