"""The shapes of segments for the published schema; parsing and rendering are plain functions (payloads, rendering)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from segments.models import Segment
from segments.rendering import render_segment

TYPES = ["static", "auto-update", "passive"]


class SegmentBody(serializers.Serializer[Any]):
    """A list of customers, or a filter; `type` may be left out."""

    name = serializers.CharField(max_length=500)
    type = serializers.ChoiceField(TYPES, required=False, allow_null=True)
    filter = serializers.DictField(required=False, allow_null=True)
    customers = serializers.ListField(
        child=serializers.CharField(), required=False, allow_null=True, help_text="Ids or source ids."
    )
    metadata = serializers.DictField(required=False, allow_null=True)


class SegmentObject(serializers.Serializer[Segment]):
    """Members are never listed here."""

    id = serializers.CharField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)
    metadata = serializers.DictField()
    filter = serializers.DictField(allow_null=True)
    customers = serializers.ListField(child=serializers.CharField(), allow_null=True)
    type = serializers.ChoiceField(TYPES)
    initial_sync_status = serializers.ChoiceField(["IN_PROGRESS", "DONE"])
    object = serializers.ChoiceField(["segment"])

    def to_representation(self, instance: Segment) -> dict[str, Any]:
        return render_segment(instance)


class SegmentReference(serializers.Serializer[Segment]):
    """A segment by name."""

    id = serializers.CharField()
    name = serializers.CharField()
    object = serializers.ChoiceField(["segment"])


class CustomerSegments(serializers.Serializer[Any]):
    """All of them, on one page."""

    object = serializers.ChoiceField(["list"])
    data_ref = serializers.ChoiceField(["data"])
    data = SegmentReference(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()
