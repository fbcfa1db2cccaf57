"""What the viewsets of resources share: the rows of the key's project, rendered by plain functions."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from config.api.authentication import access_of
from config.api.routing import IDENTIFIER
from config.kernel.causes import Cause
from config.project.models import Project


class ScopedViewSet(GenericViewSet[Any]):
    """A resource of the calling key's project; rendered by a function, not by a serializer."""

    lookup_value_regex = IDENTIFIER
    serializer_class: Any = serializers.Serializer

    def get_queryset(self) -> Any:
        """All rows of the project; none while the schema is being written, when nobody calls."""
        rows: Any = super().get_queryset()
        return rows.none() if getattr(self, "swagger_fake_view", False) else rows.of(self.project)

    @property
    def project(self) -> Project:
        return access_of(self.request).project

    @property
    def cause(self) -> Cause:
        """What this request is for the event log."""
        return access_of(self.request).cause

    def page(self, request: Request, rows: QuerySet[Any]) -> list[Any]:
        """The rows of the page that was asked for, filtered."""
        return list(self.paginate_queryset(self.filter_queryset(rows)) or ())
