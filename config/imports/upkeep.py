"""Uploads are personal data: they go after a month; what became of their rows stays in the history."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db.models import Q

from config.imports.models import ImportFile
from config.jobs.models import AsyncAction

KEPT: Final = timedelta(days=30)
RUNNING: Final = (AsyncAction.Status.ENQUEUED, AsyncAction.Status.IN_PROGRESS)


def forget_old(*, at: datetime) -> int:
    """Delete stored files older than 30 days and return how many; imports that still run keep theirs.

    Files that no import knows, as a killed upload leaves them, go by their own age.
    """
    folder = Path(settings.UPLOAD_DIR)
    recent = ImportFile.objects.filter(Q(created_at__gt=at - KEPT) | Q(action__status__in=RUNNING))
    kept = set(recent.values_list("path", flat=True))
    forgotten = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        old = path.stat().st_mtime < (at - KEPT).timestamp()
        known = ImportFile.objects.filter(path=path.name).exists()
        if path.name not in kept and (old or known):
            path.unlink(missing_ok=True)
            forgotten += 1
    return forgotten
