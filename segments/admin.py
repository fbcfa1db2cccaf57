"""Segments for operators: looked at, not edited. What changes a segment goes through the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from segments.models import Segment

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin


@admin.register(Segment)
class SegmentAdmin(AnyModelAdmin):
    list_display = ("name", "public_id", "project", "type", "relative_to_now", "created_at")
    list_filter: ClassVar = ["project", "type"]
    list_select_related = ("project",)
    search_fields = ("name", "=public_id")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
