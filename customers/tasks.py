"""Work on customers that goes on in the background."""

from __future__ import annotations

from typing import Any

from config.imports.runner import run_import
from config.jobs import queues, runner
from config.jobs.runner import Run
from customers.services.importing import SUBJECT


@runner.job(queue=queues.LONG, name="customers.import_file")
def import_file(run: Run) -> dict[str, Any]:
    """Apply an uploaded file of customers."""
    return run_import(run, SUBJECT)
