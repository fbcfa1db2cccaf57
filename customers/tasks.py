"""Work on customers that goes on in the background."""

from __future__ import annotations

from typing import Any

from config.imports import files
from config.imports.models import ImportFile
from config.imports.runner import run_import
from config.imports.subjects import Options
from config.jobs import queues, runner
from config.jobs.runner import Run
from customers.services.importing import SUBJECT


@runner.job(queue=queues.LONG, name="customers.import_file")
def import_file(run: Run) -> dict[str, Any]:
    """Apply an uploaded file of customers."""
    return run_import(run, SUBJECT)


@runner.job(queue=queues.LONG, name="customers.preview_file")
def preview_file(run: Run) -> dict[str, Any]:
    """Plan every row of an uploaded file and compare it with what is stored; nothing is written."""
    file = ImportFile.objects.select_related("project").get(
        project_id=run.action.project_id, public_id=run.parameters["import_file"]
    )
    options = Options.from_json(file.options)
    return files.dry_run(file, SUBJECT, mapping=file.mapping, options=options, tick=run.progress).as_json()
