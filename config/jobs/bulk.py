"""Jobs over a list of resources from one request: in batches, each once, with a report of what became of each.

Source: imports-exports-async.md §1, the shapes of `BULK_UPDATE`, `METADATA_UPDATE` and `…IMPORT`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

import orjson
from django.db import transaction
from procrastinate.tasks import Task

from config.jobs import files, runner
from config.jobs.models import AsyncAction, JobBatch, JobFile
from config.jobs.runner import Run
from config.kernel import instants
from config.kernel.errors import DomainError
from config.project.models import Project

BATCH: Final = 500
SHOWN: Final = 1000
"""Entries of `results` and of `errors`; the report has all."""


class Done(NamedTuple):
    """What became of one resource. key: its source id or code. error: {message, details, key} of a refusal."""

    key: str
    found: bool
    updated: bool
    error: Mapping[str, str | None] | None = None


Apply: TypeAlias = Callable[[Sequence[Any], Any], Sequence[Done]]
"""Items of a batch and what all of them share → what became of each, in order; inside a transaction."""


def refused(key: str, found: bool, error: DomainError) -> Done:
    """The outcome of a resource that was not written."""
    return Done(key, found, False, {"message": error.message, "details": error.details, "key": error.key})


def start(
    *,
    project: Project,
    type: str,
    task: Task[Any, Any, Any],
    items: Sequence[Any],
    shared: Any = None,
    at: datetime,
    title: str = "",
    request_id: str = "",
    lock: str | None = None,
) -> AsyncAction:
    """Keep the items in a file and queue the job over them. items, shared: as JSON has them, checked by the caller.

    lock: jobs with the same one run one after the other.
    """
    with transaction.atomic():
        action = runner.start(
            project=project,
            type=type,
            task=task,
            parameters={},
            at=at,
            title=title,
            request_id=request_id,
            rows_total=len(items),
            lock=lock,
        )
        files.keep(action, JobFile.Kind.INPUT, orjson.dumps({"items": items, "shared": shared}), at=at)
    return action


def run(
    run: Run, apply: Apply, *, clock: Callable[[], datetime], key: str = "source_id", thing: str = ""
) -> dict[str, Any]:
    """Apply every batch that is not applied yet, then write the report. key: how the wire names what items go by.

    thing: of imports, whose result counts them in words and lists only what failed.
    """
    given = files.find(run.action, JobFile.Kind.INPUT)
    if given is None:  # a former attempt came to the end of it and was killed before it could say so
        return run.action.result or {}
    content = orjson.loads(files.path_of(given).read_bytes())
    items, shared = content["items"], content["shared"]
    applied = set(JobBatch.objects.filter(action=run.action).values_list("first", flat=True))
    for first in range(0, len(items), BATCH):
        if first not in applied:
            with transaction.atomic():
                run.hold()
                outcomes = apply(items[first : first + BATCH], shared)
                JobBatch.objects.create(action=run.action, first=first, outcomes=[list(done) for done in outcomes])
        run.progress(min(first + BATCH, len(items)), len(items))
    return _conclude(run, key, clock(), thing)


def _conclude(run: Run, key: str, at: datetime, thing: str) -> dict[str, Any]:
    """Write report and result, and forget what the job was given, in one transaction."""
    action = run.action
    with transaction.atomic():
        run.hold()
        former = files.find(action, JobFile.Kind.REPORT)
        if former is not None:
            files.remove(former)
        report = files.keep(action, JobFile.Kind.REPORT, _report(action, key), at=at)
        action.result = _import_result(action, key, thing) if thing else _result(action, key)
        if not thing:
            action.result |= {"reports_available_till": instants.to_wire(report.expires_at)}
        action.save(update_fields=["result"])
        action.batches.all().delete()
        given = files.find(action, JobFile.Kind.INPUT)
        if given is not None:
            files.remove(given)
    return dict(action.result)


def _outcomes(action: AsyncAction) -> Iterator[Done]:
    for outcomes in action.batches.order_by("first").values_list("outcomes", flat=True).iterator(chunk_size=20):
        yield from (Done(*outcome) for outcome in outcomes)


def _report(action: AsyncAction, key: str) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([key, "found", "updated", "error"])
    for done in _outcomes(action):
        error = "" if done.error is None else _reason(done)
        lines.writerow([done.key, str(done.found).lower(), str(done.updated).lower(), error])
    return text.getvalue().encode()


def _result(action: AsyncAction, key: str) -> dict[str, Any]:
    failed = sum(1 for done in _outcomes(action) if done.error is not None)
    total = sum(1 for _ in _outcomes(action))
    errors = ({**done.error, key: done.key} for done in _outcomes(action) if done.error is not None)
    results = ({key: done.key, "updated": done.updated, "found": done.found} for done in _outcomes(action))
    return {
        "done_count": total - failed,
        "failed_count": failed,
        "reports": [],  # links are made where the address of the server is known: config.api.async_actions
        "errors": list(islice(errors, SHOWN)),
        "results": list(islice(results, SHOWN)),
    }


def _import_result(action: AsyncAction, key: str, thing: str) -> dict[str, Any]:
    failed = [done for done in _outcomes(action) if done.error is not None]
    done_count = sum(1 for _ in _outcomes(action)) - len(failed)
    return {
        "message": f"{done_count} {thing}(s) imported successfully, {len(failed)} failed.",
        "failed": [{key: done.key, "reason": _reason(done)} for done in failed[:SHOWN]],
        "done_count": done_count,
        "failed_count": len(failed),
    }


def _reason(done: Done) -> str:
    error = done.error or {}
    return error["details"] or error["message"] or ""
