"""Applies a file in batches, each its own transaction: rows, failed rows and the batch's own record together.

The main thread reads and plans; one or two loaders, each with a connection of its own, write meanwhile. Rows about the
same thing always go to the same loader, so later lines win. Where a batch ends depends on the file alone: a run that
was killed finds what its predecessors applied and goes on, to the same end.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.db import DatabaseError, DataError, OperationalError, connection, connections, transaction
from django.db.models import Sum

from config.imports import files, reader
from config.imports.errors import UnreadableFile
from config.imports.models import ImportBatch, ImportFailure, ImportFile
from config.imports.plan import Outcome, PlannedRow, Problem, plan, reason_of
from config.imports.subjects import Applied, Options, Subject
from config.jobs.errors import StopRequested
from config.jobs.runner import Run

BATCH_ROWS: Final = 5_000
"""For each loader."""
BATCH_CHARACTERS: Final = 8_000_000
SMALL_FILE: Final = 500_000
"""Bytes up to which one thread does everything: starting others would take longer."""
LISTED_FAILURES: Final = 1_000
"""Failures in the result; all of them are rows and a file to download."""
PROGRESS_SECONDS: Final = 0.5
TRIES: Final = 4
RETRIED: Final = ("40001", "40P01")
REFUSED: Final = ("22", "23", "54")
"""Classes of SQLSTATE that a single row can cause."""


@dataclass(slots=True)
class Part:
    """What one loader applies in one transaction. first: the smallest number among its rows; it names the part."""

    first: int = 0
    last: int = 0
    rows: list[PlannedRow] = field(default_factory=list)
    failed: list[PlannedRow] = field(default_factory=list)

    def add(self, row: PlannedRow) -> None:
        """Take a row; in the file's order."""
        self.first = self.first or row.row
        self.last = row.row
        (self.rows if row.outcome is Outcome.READY else self.failed).append(row)


@dataclass(frozen=True, slots=True)
class Job:
    """What all parts of a run share."""

    run: Run
    import_file: ImportFile
    subject: Subject
    options: Options
    at: datetime


def run_import(run: Run, subject: Subject) -> dict[str, Any]:
    """Apply the file of the action and return the wire's result. Call it from a `runner.job`.

    Parameters of the action: import_file (public id), batch_rows, loaders.
    Raises UnreadableFile, FileChanged, and what `Run.progress` raises; applied batches stay.
    """
    import_file = ImportFile.objects.select_related("project").get(
        project_id=run.action.project_id, public_id=run.parameters["import_file"]
    )
    at = run.action.started_at or run.action.created_at
    options = replace(Options.from_json(import_file.options), import_file=import_file.pk)
    job = Job(run, import_file, subject, options, at)
    with files.opened(import_file) as source:
        files.check_unchanged(import_file, source)
        headers, raw = reader.read(source, files.format_of(import_file))
        parser = subject.parser(import_file.project, import_file.mapping, headers, job.options)
        rows = plan(raw, parser, len(headers))
        loaders = int(run.parameters["loaders"])
        parts = _parts(rows, subject, loaders, int(run.parameters["batch_rows"]))
        _Loading(job, loaders).apply(parts)
    return result_of(import_file, subject)


def result_of(import_file: ImportFile, subject: Subject) -> dict[str, Any]:
    """`result` of the async action (imports-exports-async.md §1), and our own counts beside it."""
    counts = counts_of(import_file)
    done = counts["created"] + counts["updated"] + counts["unchanged"]
    failures = import_file.failures.order_by("row").values_list("key", "row", "problems")[:LISTED_FAILURES]
    return {
        "message": f"{done} {subject.thing}(s) imported successfully, {counts['failed']} failed.",
        "failed": [{subject.keys[-1]: key, "row": row, "reason": reason_of(found)} for key, row, found in failures],
        "done_count": done,
        "failed_count": counts["failed"],
        **{name: counts[name] for name in ("created", "updated", "unchanged")},
    }


def counts_of(import_file: ImportFile) -> dict[str, int]:
    """created, updated, unchanged, failed so far; their sum is the rows that were applied."""
    names = ("created", "updated", "unchanged", "failed")
    sums = import_file.batches.aggregate(**{f"sum_{name}": Sum(name) for name in names})
    return {name: sums[f"sum_{name}"] or 0 for name in names}


def _parts(
    rows: Iterator[PlannedRow], subject: Subject, loaders: int, batch_rows: int
) -> Iterator[list[tuple[int, Part]]]:
    """Yield batches, each as parts with the number of the loader; the same for the same file, always."""
    batch = [Part() for _ in range(loaders)]
    count = characters = 0
    for row in rows:
        key = subject.key_of(row.values) if loaders > 1 and row.outcome is Outcome.READY else ""
        batch[zlib.crc32(key.encode()) % loaders if key else row.row % loaders].add(row)
        count += 1
        characters += sum(map(len, row.cells))
        if count >= batch_rows or characters >= BATCH_CHARACTERS:
            yield [(number, part) for number, part in enumerate(batch) if part.first]
            batch = [Part() for _ in range(loaders)]
            count = characters = 0
    if count:
        yield [(number, part) for number, part in enumerate(batch) if part.first]


class _Loading:
    """Hands parts to loaders and watches over stop, progress and failure."""

    def __init__(self, job: Job, loaders: int) -> None:
        self._job = job
        self._applied = set(job.import_file.batches.values_list("first_row", flat=True))
        counts = counts_of(job.import_file)
        self._failed = counts["failed"]
        self._done = sum(counts.values())
        self._lock = threading.Lock()
        self._shown_at = 0.0
        self._total = max(int(job.import_file.options.get("lines") or 0) - 1, 0)
        self._loaders = [_Loader(self._load, number) for number in range(loaders)] if loaders > 1 else []

    def apply(self, batches: Iterator[list[tuple[int, Part]]]) -> None:
        """Apply every part that is not applied yet."""
        try:
            for batch in batches:
                for number, part in batch:
                    if part.first in self._applied:
                        continue
                    if self._loaders:
                        self._loaders[number].give(part)
                    else:
                        self._load(part)
                self._show()
        except BaseException:
            for loader in self._loaders:
                loader.end(drop=True)
            raise
        for loader in self._loaders:
            loader.end(drop=False)
        for loader in self._loaders:
            loader.check()
        with contextlib.suppress(StopRequested):  # everything is done: too late to stop
            self._job.run.progress(self._done, self._done)

    def _load(self, part: Part) -> None:
        failed = _apply(self._job, part)
        with self._lock:
            self._done += len(part.rows) + len(part.failed)
            self._failed += failed

    def _show(self) -> None:
        if time.monotonic() - self._shown_at < PROGRESS_SECONDS:
            return
        self._shown_at = time.monotonic()
        most = self._job.options.most_failed
        if most is not None and self._done >= 100 and self._failed * 100 > most * self._done:
            raise UnreadableFile(f"More than {most} % of the rows failed; the import was stopped")
        job = self._job
        job.run.partial = result_of(job.import_file, job.subject)
        job.run.progress(self._done, max(self._total, self._done))


class _Loader:
    """A thread with a connection of its own that applies parts one after the other."""

    def __init__(self, load: Any, number: int) -> None:
        self._load = load
        self._parts: queue.Queue[Part | None] = queue.Queue(maxsize=1)
        self._error: BaseException | None = None
        self._dropping = False
        self._thread = threading.Thread(target=self._work, name=f"loader-{number}", daemon=True)
        self._thread.start()

    def give(self, part: Part) -> None:
        """Hand over a part; waits while the loader is busy with two. Raises what broke the loader."""
        self.check()
        self._parts.put(part)

    def check(self) -> None:
        """Raise what broke the loader."""
        if self._error is not None:
            raise self._error

    def end(self, *, drop: bool) -> None:
        """Wait for the loader to finish what it has, or only the part it is at."""
        self._dropping = self._dropping or drop
        self._parts.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while (part := self._parts.get()) is not None:
                if self._error is None and not self._dropping:
                    self._attempt(part)
        finally:
            connections.close_all()

    def _attempt(self, part: Part) -> None:
        try:
            self._load(part)
        except BaseException as error:  # noqa: BLE001  raised again in the main thread
            self._error = error


def _apply(job: Job, part: Part) -> int:
    """Apply one part in a transaction and return how many of its rows failed.

    A deadlock is tried again. If the database refuses a value that parsing let through, the part is done once more in
    halves of halves, so that only the row itself fails.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                return _apply_once(job, part, carefully=False)
        except OperationalError as error:
            if _sqlstate(error) not in RETRIED or attempt == TRIES:
                raise
            time.sleep(0.05 * attempt)
        except DatabaseError as error:
            if not _is_refused(error):
                raise
            break
    with transaction.atomic():
        return _apply_once(job, part, carefully=True)


def _apply_once(job: Job, part: Part, *, carefully: bool) -> int:
    with connection.cursor() as cursor:
        # A crash may take the last batches, with their records: the run goes on before them. The action's end is
        # committed as usual, and with it all that came before.
        cursor.execute("SET LOCAL synchronous_commit = off")
    job.run.hold()
    project, options = job.import_file.project, job.options
    if carefully:
        applied = _load_in_halves(job, part.rows)
    else:
        applied = job.subject.load(project, [row.values for row in part.rows], options, job.at)
    failed = list(part.failed)
    if applied.refused:
        for row in part.rows:
            if reason := applied.refused.get(row.row):
                failed.append(row._replace(outcome=Outcome.INVALID, problems=[Problem("", "", reason)]))
    ImportFailure.objects.bulk_create((files.failure_of(job.import_file, row) for row in failed), batch_size=1000)
    ImportBatch.objects.create(
        import_file=job.import_file,
        first_row=part.first,
        last_row=part.last,
        created=applied.created,
        updated=applied.updated,
        unchanged=applied.unchanged,
        failed=len(failed),
        applied_at=job.at,
    )
    return len(failed)


def _load_in_halves(job: Job, rows: Sequence[PlannedRow]) -> Applied:
    if not rows:
        return Applied()
    try:
        with transaction.atomic():
            return job.subject.load(job.import_file.project, [row.values for row in rows], job.options, job.at)
    except DatabaseError as error:
        if not _is_refused(error):
            raise
    if len(rows) == 1:
        return Applied(refused={rows[0].row: "holds a value that cannot be stored"})
    middle = len(rows) // 2
    first, second = _load_in_halves(job, rows[:middle]), _load_in_halves(job, rows[middle:])
    return Applied(
        first.created + second.created,
        first.updated + second.updated,
        first.unchanged + second.unchanged,
        first.refused | second.refused,
    )


def _sqlstate(error: DatabaseError) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def _is_refused(error: DatabaseError) -> bool:
    return isinstance(error, DataError) or _sqlstate(error)[:2] in REFUSED
