"""Work on customers that goes on in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from config.imports import files
from config.imports.models import ImportFile
from config.imports.runner import run_import
from config.imports.subjects import Options
from config.jobs import bulk, queues, runner
from config.jobs.runner import Run
from config.kernel import instants
from config.kernel.causes import Cause
from config.project import audit
from customers import services
from customers.payloads import UNSET, CustomerData, parse_customer
from customers.services import collecting
from customers.services.importing import SUBJECT


@runner.job(queue=queues.LONG, name="customers.import_file")
def import_file(run: Run) -> dict[str, Any]:
    """Apply an uploaded file of customers, and make the segment of them that was asked for."""
    return import_customers(run)


def import_customers(run: Run) -> dict[str, Any]:
    """The job itself."""
    result = run_import(run, SUBJECT)
    note_import(run, "customer", result)
    segment = collecting.collect(run.action, at=instants.now())
    return result | {"segment": segment} if segment else result


@runner.job(queue=queues.LONG, name="customers.preview_file")
def preview_file(run: Run) -> dict[str, Any]:
    """Plan every row of an uploaded file and compare it with what is stored; nothing is written."""
    file = _file_of(run)
    options = Options.from_json(file.options)
    return files.dry_run(file, SUBJECT, mapping=file.mapping, options=options, tick=run.progress).as_json()


@runner.job(queue=queues.LONG, name="customers.convert_file")
def convert_file(run: Run) -> dict[str, Any]:
    """Read an uploaded workbook, so that its columns can be mapped."""
    return {"rows": files.convert(_file_of(run), SUBJECT, tick=run.progress)}


def _file_of(run: Run) -> ImportFile:
    return ImportFile.objects.select_related("project").get(
        project_id=run.action.project_id, public_id=run.parameters["import_file"]
    )


@runner.job(queue=queues.SHORT, name="customers.update_many")
def update_many(run: Run) -> dict[str, Any]:
    """Apply the items of one `bulk/async`."""

    def apply(items: Sequence[Any], _: Any) -> Sequence[bulk.Done]:
        rows = [replace(parse_customer(item, ""), id=UNSET) for item in items]
        return services.upsert_each(project=run.action.project, rows=rows, at=instants.now(), cause=_cause_of(run))

    return bulk.run(run, apply, clock=instants.now)


@runner.job(queue=queues.SHORT, name="customers.update_metadata")
def update_metadata(run: Run) -> dict[str, Any]:
    """Give all customers of one `metadata/async` the same metadata."""

    def apply(items: Sequence[Any], shared: Any) -> Sequence[bulk.Done]:
        rows = [CustomerData(source_id=source_id, metadata=shared) for source_id in items]
        return services.upsert_each(project=run.action.project, rows=rows, at=instants.now(), cause=_cause_of(run))

    return bulk.run(run, apply, clock=instants.now)


def _cause_of(run: Run) -> Cause:
    return Cause({"channel": "API"}, run.action.request_id)


def note_import(run: Run, thing: str, result: dict[str, Any]) -> None:
    """One entry of the audit log for the whole file, also where the job is done again after a crash."""
    action = run.action
    with transaction.atomic():
        run.hold()
        if not audit.knows(action.project, f"{thing}.imported", "import", str(run.parameters["import_file"])):
            _note_import(run, thing, result)


def _note_import(run: Run, thing: str, result: dict[str, Any]) -> None:
    action = run.action
    audit.record(
        project=action.project,
        actor=audit.of_user(action.user) if action.user is not None else audit.Actor("key", "", "API key"),
        action=f"{thing}.imported",
        object_type="import",
        object_id=str(run.parameters["import_file"]),
        name=action.title,
        after={name: result[name] for name in ("created", "updated", "unchanged", "failed_count")},
        at=instants.now(),
        channel=audit.Channel.IMPORT,
        request_id=action.request_id,
    )
