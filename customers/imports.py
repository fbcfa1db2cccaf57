"""Doors for whoever imports a file of customers: the API, the dashboard's wizard, the demonstration data.

file = imports.upload(project=…, content=stream, given_name="crm.csv", at=now)      # typed errors with a sentence
found = imports.inspect(file)                                                       # headers, samples, proposals
summary = imports.dry_run(file, mapping=found.proposed_mapping, options=Options())  # new, changed, same, failed
action = imports.start(file, mapping=found.proposed_mapping, options=Options(), at=now, user=user)
action.rows_done, action.rows_total, action.status, action.result                   # progress, then what became of it
file.failures.all(); config.imports.files.failed_rows_csv(file)                     # rows to mend
config.jobs.runner.request_stop(action); imports.resume(file, at=now)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

from config.imports import files, services
from config.imports.files import Inspection
from config.imports.models import ImportFile
from config.imports.plan import Summary
from config.imports.subjects import EMPTY_CLEARS, Options
from config.jobs.models import AsyncAction
from config.project.models import Project, User
from customers import tasks
from customers.columns import target_of
from customers.services.importing import SUBJECT

WORKBOOK_AT_ONCE = 300_000
"""Bytes of a workbook from which on nobody waits for it: some 10,000 rows, a second or two."""
API_OPTIONS = Options(empty=EMPTY_CLEARS)
"""The wire's rules: an empty cell clears, metadata is replaced (customers.md section 11)."""


def upload(
    *,
    project: Project,
    content: BinaryIO,
    given_name: str,
    at: datetime,
    user: User | None = None,
    title: str = "",
    limit: int | None = None,
) -> ImportFile:
    """Keep a CSV, TSV or XLSX file. Raises FileTooLarge and UnreadableFile with a sentence; then nothing is kept.

    A larger workbook is read in the background: until then it is `files.is_waiting`.
    """
    file = files.store_upload(
        project=project,
        subject=SUBJECT,
        content=content,
        given_name=given_name,
        at=at,
        user=user,
        title=title,
        limit=limit,
        workbook=True,
        at_once=WORKBOOK_AT_ONCE,
    )
    if files.is_waiting(file):
        services.start_conversion(import_file=file, task=tasks.convert_file, at=at, user=user)
    return file


def inspect(file: ImportFile) -> Inspection:
    """Headers with samples, share filled and a proposed target each."""
    return files.inspect(file, SUBJECT)


def dry_run(file: ImportFile, *, mapping: Sequence[str | None], options: Options) -> Summary:
    """What the run would do, by the same plan; nothing is written."""
    return files.dry_run(file, SUBJECT, mapping=mapping, options=options)


def start(
    file: ImportFile,
    *,
    mapping: Sequence[str | None],
    options: Options,
    at: datetime,
    user: User | None = None,
    title: str = "",
    request_id: str = "",
) -> AsyncAction:
    """Queue the run. Raises WrongMapping."""
    return services.start(
        import_file=file,
        subject=SUBJECT,
        task=tasks.import_file,
        mapping=mapping,
        options=options,
        at=at,
        user=user,
        title=title,
        request_id=request_id,
    )


def start_preview(file: ImportFile, *, at: datetime, user: User | None = None) -> AsyncAction:
    """Queue a dry run; for files that are too large to wait for."""
    return services.start_preview(import_file=file, task=tasks.preview_file, at=at, user=user)


def resume(file: ImportFile, *, at: datetime) -> bool:
    """Go on with a stopped run."""
    return services.resume(file, task=tasks.import_file, at=at)


def start_from_api(
    *, project: Project, content: BinaryIO, given_name: str, at: datetime, limit: int, request_id: str = ""
) -> AsyncAction:
    """Keep a file and queue its run by the wire's rules: comma, both header lists, overwriting.

    Raises FileTooLarge, UnreadableFile, WrongMapping (two columns for one field).
    """
    file = files.store_upload(
        project=project,
        subject=SUBJECT,
        content=content,
        given_name=given_name,
        at=at,
        limit=limit,
        delimiter=",",
    )
    try:
        return services.start(
            import_file=file,
            subject=SUBJECT,
            task=tasks.import_file,
            mapping=[target_of(header) for header in file.headers],
            options=API_OPTIONS,
            at=at,
            needs_key=False,
            channel="API",
            request_id=request_id,
        )
    except BaseException:
        files.remove(file)
        raise
