"""Being in a segment, as a condition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Q
from django.db.models.expressions import Combinable

from config.filters.checks import Check, InSegments
from config.filters.fields import Field, Scope
from config.filters.sql import FALSE, Param
from config.filters.values import Kind
from config.kernel.errors import NotFound
from segments import definitions
from segments.models import Segment


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments a customer is in; dynamic ones are compiled into the condition that names them."""

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        """Raises NotFound: a segment of the list does not exist."""
        if not isinstance(check, InSegments):
            raise TypeError(f"segments do not answer {check}")
        rows = {
            row.public_id: row for row in Segment.objects.filter(project_id=scope.project_id, public_id__in=check.ids)
        }
        for public_id in check.ids:
            if public_id not in rows:
                raise NotFound.of("segment", public_id)
        static = [row.pk for row in rows.values() if row.is_static]
        parts = [definitions.listed(static)] if static else []
        parts += [definitions.q_of(row, scope) for row in rows.values() if not row.is_static]
        return reduce(or_, parts, Q(FALSE)) if parts else Q(FALSE)

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Param(None, "jsonb")


ROWS: Final = (
    Field(
        "segments", "Segments", "Segments", Kind.SEGMENT, Segments(), exact=True, hint="Is, or is not, in a segment."
    ),
    Field("segment_id", "Segments", "Segments", Kind.SEGMENT, Segments(), exact=True, offered=False),
)
