"""A fixed list of whoever is in a segment now."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from config.kernel.errors import LimitExceeded
from config.project.models import User
from segments.models import Segment
from segments.services import activity
from segments.services.membership import members


def freeze(*, segment: Segment, name: str, at: datetime, created_by: User | None = None) -> Segment:
    """Return a new static segment of the members at this moment, in one statement.

    Raises LimitExceeded where the project has a cap and there are more members than it.
    """
    frozen = Segment(
        project=segment.project,
        name=name,
        type=Segment.Type.STATIC,
        description=f"Members of {segment.name} at {at:%Y-%m-%d %H:%M} UTC",
        created_by=created_by,
        created_at=at,
    )
    with transaction.atomic(), connection.cursor() as cursor:
        frozen.save(force_insert=True)
        sql, params = members(segment, at).order_by().values_list("pk").query.sql_with_params()
        insertion = f"""
            INSERT INTO segments_membership (segment_id, customer_id, entered_at)
            SELECT %s, found.id, %s FROM ({sql}) AS found (id)"""  # noqa: S608  compiled, its values beside it
        cursor.execute(insertion, [frozen.pk, at, *params])
        cap = segment.project.vendor_caps.get("static_segment_customers")
        if isinstance(cap, int) and cursor.rowcount > cap:
            raise LimitExceeded(f"Property .customers must NOT have more than {cap} items")
        activity.note(segment=frozen, type=activity.CREATED, at=at, source=activity.source_of(created_by))
    return frozen
