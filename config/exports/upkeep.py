"""Files are personal data: they go after a month."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from config.exports import files
from config.jobs.models import Export

KEPT: Final = timedelta(days=30)


def forget_old(*, at: datetime) -> int:
    """Remove exports older than KEPT, of all projects; returns how many."""
    removed = 0
    for export in Export.objects.filter(created_at__lt=at - KEPT):
        files.remove(export)
        export.delete()
        removed += 1
    return removed
