"""Custom events by name: what their metadata looks like, and which names were ever seen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.project.fields import PublicIdField
from config.project.models import Scoped


class EventSchema(Scoped):
    """What the metadata of one custom event looks like. `properties` as in the management API."""

    public_id = PublicIdField("ms_")
    name = models.CharField(max_length=300)
    properties = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="event_schema_public_id"),
            models.UniqueConstraint(fields=["project", "name"], name="event_schema_name"),
        ]

    def __str__(self) -> str:
        return self.name


class EventName(Scoped):
    """A name that a custom event once had. from_client: a browser was the first to use it; those are limited."""

    name = models.CharField(max_length=300)
    from_client = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="event_name_once")]

    def __str__(self) -> str:
        return self.name
