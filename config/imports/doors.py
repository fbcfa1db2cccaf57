"""The API's door for a file of any kind: kept, mapped by the contract's headers, and queued."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO

from procrastinate.tasks import Task

from config.imports import files, services
from config.imports.subjects import Options, Subject
from config.jobs.models import AsyncAction
from config.project.models import Project


def start_from_api(
    *,
    project: Project,
    subject: Subject,
    task: Task[Any, Any, Any],
    target_of: Callable[[str], str | None],
    content: BinaryIO,
    given_name: str,
    at: datetime,
    limit: int,
    options: Options | None = None,
    request_id: str = "",
) -> AsyncAction:
    """Keep a comma-separated file and queue its run. target_of: header → target.

    Raises FileTooLarge, UnreadableFile, WrongMapping; then nothing is kept.
    """
    file = files.store_upload(
        project=project, subject=subject, content=content, given_name=given_name, at=at, limit=limit, delimiter=","
    )
    try:
        return services.start(
            import_file=file,
            subject=subject,
            task=task,
            mapping=[target_of(header) for header in file.headers],
            options=options or Options(),
            at=at,
            channel="API",
            request_id=request_id,
        )
    except BaseException:
        files.remove(file)
        raise
