"""From a mapped file to a running import."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from procrastinate.tasks import Task

from config.imports.errors import WrongMapping
from config.imports.models import ImportFile
from config.imports.runner import BATCH_ROWS, SMALL_FILE
from config.imports.subjects import Options, Subject
from config.jobs import runner
from config.jobs.models import AsyncAction
from config.project.models import User


def start(
    *,
    import_file: ImportFile,
    subject: Subject,
    task: Task[Any, Any, Any],
    mapping: Sequence[str | None],
    options: Options,
    at: datetime,
    needs_key: bool = True,
    title: str = "",
    user: User | None = None,
    channel: str = "USER_PORTAL",
    request_id: str = "",
) -> AsyncAction:
    """Save mapping and options and queue the run; both come or neither.

    mapping: one target per column in the file's order, None leaves one out. needs_key: a source id or id is mapped.
    Raises WrongMapping with all its problems.
    """
    if len(mapping) != len(import_file.headers):
        raise WrongMapping(f"The mapping has {len(mapping)} columns, the file {len(import_file.headers)}")
    if problems := subject.mapping_problems(mapping, import_file.headers, needs_key=needs_key):
        raise WrongMapping("; ".join(problems))
    loaders = 1 if import_file.size <= SMALL_FILE else subject.loaders(mapping)
    with transaction.atomic():
        action = runner.start(
            project=import_file.project,
            type=subject.action_type,
            task=task,
            parameters={
                "import_file": import_file.public_id,
                "batch_rows": BATCH_ROWS * loaders,
                "loaders": loaders,
            },
            at=at,
            title=title or import_file.title,
            user=user,
            channel=channel,
            request_id=request_id,
            rows_total=max(int(import_file.options.get("lines") or 0) - 1, 0) or None,
        )
        import_file.action = action
        import_file.mapping = list(mapping)
        import_file.options = import_file.options | options.as_json()
        import_file.save(update_fields=["action", "mapping", "options"])
    return action


def save_mapping(
    *, import_file: ImportFile, subject: Subject, mapping: Sequence[str | None], options: Options, title: str = ""
) -> None:
    """Keep what was chosen for the file; a preview made before is forgotten. Raises WrongMapping as `start` does."""
    if len(mapping) != len(import_file.headers):
        raise WrongMapping(f"The mapping has {len(mapping)} columns, the file {len(import_file.headers)}")
    every = [f"metadata.{key}" for key in options.metadata]
    headers = [*import_file.headers, *options.metadata]
    if problems := subject.mapping_problems([*mapping, *every], headers, needs_key=True):
        raise WrongMapping("; ".join(problems))
    import_file.mapping = list(mapping)
    import_file.options = {**import_file.options, **options.as_json(), "preview": None}
    import_file.title = title or import_file.title
    import_file.save(update_fields=["mapping", "options", "title"])


def start_preview(
    *, import_file: ImportFile, task: Task[Any, Any, Any], at: datetime, user: User | None = None
) -> AsyncAction:
    """Queue a dry run of a file that is too large to wait for; its result is `Summary.as_json()`."""
    with transaction.atomic():
        action = runner.start(
            project=import_file.project,
            type="IMPORT.PREVIEW",
            task=task,
            parameters={"import_file": import_file.public_id},
            at=at,
            title=f"Preview of {import_file}",
            user=user,
            channel="USER_PORTAL",
            rows_total=max(int(import_file.options.get("lines") or 0) - 1, 0) or None,
        )
        import_file.options = import_file.options | {"preview": action.public_id}
        import_file.save(update_fields=["options"])
    return action


def start_conversion(
    *, import_file: ImportFile, task: Task[Any, Any, Any], at: datetime, user: User | None = None
) -> AsyncAction:
    """Queue the reading of a waiting workbook."""
    with transaction.atomic():
        action = runner.start(
            project=import_file.project,
            type="IMPORT.CONVERT",
            task=task,
            parameters={"import_file": import_file.public_id},
            at=at,
            title=f"Reading of {import_file}",
            user=user,
            channel="USER_PORTAL",
        )
        import_file.options = import_file.options | {"conversion": action.public_id}
        import_file.save(update_fields=["options"])
    return action


def resume(import_file: ImportFile, *, task: Task[Any, Any, Any], at: datetime) -> bool:
    """Go on with a stopped import from where it was; False if it is not stopped."""
    return import_file.action is not None and runner.resume(import_file.action, task=task, at=at)
