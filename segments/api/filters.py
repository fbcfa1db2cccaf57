"""Query parameters of `GET /v1/segments`. Source: segments.md section 3."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from config.api.filters import InstantFilter, TextsFilter, window
from config.filters.fields import Field, FieldTable
from config.filters.sources import Column
from config.filters.values import Kind
from config.project.models import Project
from segments.models import Segment

FIELDS = FieldTable(
    Field("id", "ID", "Segment", Kind.TEXT, Column("public_id"), exact=True),
    Field("name", "Name", "Segment", Kind.TEXT, Column("name"), exact=True),
    Field("type", "Type", "Segment", Kind.TEXT, Column("type")),
    Field("created_at", "Created", "Segment", Kind.DATETIME, Column("created_at")),
)


def fields_of(project: Project) -> FieldTable:
    """What `filters[…]` may name."""
    return FIELDS


class SegmentFilter(django_filters.FilterSet):
    """Plain parameters."""

    ids = TextsFilter(method="among", label="Public ids, `ids[0]=seg_…`.")
    start_date = InstantFilter(field_name="created_at", lookup_expr="gte", label="Created at this time or later.")
    end_date = InstantFilter(field_name="created_at", lookup_expr="lte", label="Created at this time or earlier.")

    class Meta:
        model = Segment
        fields: tuple[str, ...] = ()

    @classmethod
    def get_filters(cls) -> dict[str, django_filters.Filter]:
        return {**super().get_filters(), **window("created_at")}

    def among(self, segments: QuerySet[Segment], _name: str, value: list[str]) -> QuerySet[Segment]:
        return segments.filter(public_id__in=value) if value else segments
