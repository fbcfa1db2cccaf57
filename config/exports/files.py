"""The files of exports: where they lie, who may read them, and how one is written."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from config.exports import requests, writer
from config.jobs.models import Export
from config.jobs.runner import Run
from config.project import file_tokens


def path_of(export: Export) -> Path:
    """Where the finished file lies."""
    return folder() / export.file_name


def folder() -> Path:
    """The folder of exports, made (mode 700) where it is missing."""
    path = Path(settings.DATA_DIR) / "exports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def token_of(export: Export) -> str:
    """The key of this one file."""
    return file_tokens.token_of(export.project, f"export:{export.public_id}")


def opens(export: Export, token: str) -> bool:
    """Whether the token is this file's."""
    return file_tokens.opens(export.project, f"export:{export.public_id}", token)


def write(export: Export, run: Run, *, at: datetime) -> int:
    """Write the whole file and mark the export as done; returns the rows. A run that was cut off starts anew.

    The file appears under its name only when it is complete, and its name is forgotten with the transaction that fails.
    """
    project = export.project
    kind = requests.kind_of(export.exported_object)
    request = requests.parse(project=project, kind=kind, parameters=export.parameters, at=at)
    total = writer.count(request)
    run.progress(0, total)
    name = f"{secrets.token_hex(16)}.csv"
    draft = folder() / f"{name}.part"
    rows = 0
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(writer.header_line(request, raw=project.raw_export_headers))
            for piece in writer.pieces(request, safe_cells=export.safe_cells):
                for block in piece:
                    out.write(block)
                rows = min(rows + writer.PIECE, total)
                run.progress(rows)
            out.flush()
            os.fsync(out.fileno())
        with transaction.atomic():
            run.hold()
            draft.rename(folder() / name)
            size = (folder() / name).stat().st_size
            Export.objects.filter(pk=export.pk).update(
                status=Export.Status.DONE, file_name=name, rows=total, size=size, updated_at=at
            )
    finally:
        draft.unlink(missing_ok=True)
    return total


def remove(export: Export) -> None:
    """Take the file away, if there is one."""
    if export.file_name:
        path_of(export).unlink(missing_ok=True)
