"""Files that jobs are given and files that they leave: random names, mode 0600, gone after a week."""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from config.jobs.models import AsyncAction, JobFile
from config.project import file_tokens

KEPT: Final = timedelta(days=7)
STRAY: Final = timedelta(days=1)
"""Older files that no record names were left by a process that was killed."""


def folder() -> Path:
    """The folder of jobs' files, made (mode 700) where it is missing."""
    path = Path(settings.DATA_DIR) / "jobs"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(file: JobFile) -> Path:
    """Where the file lies."""
    return folder() / file.file_name


def keep(action: AsyncAction, kind: JobFile.Kind, content: bytes, *, at: datetime) -> JobFile:
    """Write the file and its record; a file whose record is rolled back is swept up later."""
    name = secrets.token_hex(16)
    descriptor = os.open(folder() / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    return JobFile.objects.create(action=action, kind=kind, file_name=name, created_at=at, expires_at=at + KEPT)


def find(action: AsyncAction, kind: JobFile.Kind) -> JobFile | None:
    """The file of that kind, or None where there is none, or none any more."""
    return JobFile.objects.filter(action=action, kind=kind).first()


def remove(file: JobFile) -> None:
    """Take the record away, and the file as soon as that is certain."""
    path = path_of(file)
    file.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


def token_of(action: AsyncAction) -> str:
    """The key of the action's report."""
    return file_tokens.token_of(action.project, f"report:{action.public_id}")


def opens(action: AsyncAction, token: str) -> bool:
    """Whether the token is that of the action's report."""
    return file_tokens.opens(action.project, f"report:{action.public_id}", token)


def forget_old(*, at: datetime) -> int:
    """Remove what has expired, of all projects, and strays; returns how many files."""
    removed = 0
    for file in JobFile.objects.filter(expires_at__lt=at):
        remove(file)
        removed += 1
    known = set(JobFile.objects.values_list("file_name", flat=True))
    for path in folder().iterdir():
        if path.name not in known and path.stat().st_mtime < (at - STRAY).timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed
