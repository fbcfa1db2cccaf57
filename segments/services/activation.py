"""A passive segment becomes one that reports who enters and leaves."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from config.kernel.errors import NotFound
from config.project.models import User
from segments.errors import SegmentNotEditable
from segments.models import Segment
from segments.rendering import render_segment
from segments.services import activity, watches


def activate(*, segment: Segment, at: datetime, user: User | None = None) -> Segment:
    """Return it as an auto-update segment; whoever is in already enters by no event, and its filter stays from now on.

    Raises SegmentNotEditable where it is not passive.
    """
    with transaction.atomic():
        stored = Segment.objects.select_for_update(no_key=True).filter(pk=segment.pk).first()
        if stored is None:
            raise NotFound.of("segment", segment.public_id)
        if stored.type != Segment.Type.PASSIVE:
            raise SegmentNotEditable(f"A segment of type {stored.type} cannot be activated")
        before = render_segment(stored)
        stored.type = Segment.Type.AUTO_UPDATE
        stored.pass_to, stored.pass_after, stored.filled_at = 0, None, None
        stored.version += 1
        stored.updated_at = at
        stored.save(update_fields=["type", "pass_to", "pass_after", "filled_at", "version", "updated_at"])
        watches.renew(stored.project)
        activity.note(segment=stored, type=activity.ACTIVATED, at=at, source=activity.source_of(user), before=before)
    return stored
