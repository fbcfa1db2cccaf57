"""Segments: a fixed list of customers, or a filter that describes them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F

from config.project.fields import PublicIdField
from config.project.models import Scoped
from segments.querysets import SegmentQuerySet


class Segment(Scoped):
    """Static: its members are rows of Membership. Dynamic: `definition` is the filter, evaluated live everywhere."""

    class Type(models.TextChoices):
        STATIC = "static", "Fixed list"
        PASSIVE = "passive", "Updates itself"
        AUTO_UPDATE = "auto-update", "Updates itself and reports entries"

    public_id = PublicIdField("seg_")
    name = models.TextField()
    description = models.TextField(blank=True, default="")
    type = models.CharField(max_length=16, choices=Type.choices)
    definition = models.TextField(
        null=True, blank=True, help_text="The filter's JSON exactly as sent: jsonb would reorder its keys."
    )
    definition_version = models.SmallIntegerField(
        default=1, help_text="Version of the filter language it was parsed by."
    )
    fields_read = models.JSONField(default=list, blank=True, help_text="Keys of the fields the filter reads.")
    relative_to_now = models.BooleanField(default=False, help_text="Membership changes as time passes.")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.IntegerField(default=1)
    pass_to = models.BigIntegerField(
        null=True, default=0, help_text="While all customers are gone through: the row id up to which it is done."
    )
    pass_after = models.BigIntegerField(
        null=True, blank=True, help_text="The pass begins when every transaction before this one has ended."
    )
    filled_at = models.DateTimeField(
        null=True, blank=True, help_text="When an auto-update segment's first members were all written down."
    )
    created_by = models.ForeignKey("project.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    objects = SegmentQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="segment_public_id"),
            models.CheckConstraint(
                condition=models.Q(type="static", definition__isnull=True)
                | (~models.Q(type="static") & models.Q(definition__isnull=False)),
                name="segment_dynamic_has_definition",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="segment_created"),
            models.Index(
                fields=["project", "id"],
                condition=models.Q(type="auto-update", pass_to__isnull=False),
                name="segment_passing",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_static(self) -> bool:
        """Whether its members are a fixed list."""
        return self.type == self.Type.STATIC

    @property
    def is_counting(self) -> bool:
        """Whether its first members are still being written down; until then nobody enters by an event."""
        return self.type == self.Type.AUTO_UPDATE and self.filled_at is None


class Membership(models.Model):
    """A member of a static segment; for auto-update segments, who was in at the last refresh."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="memberships")
    entered_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(F("segment"), F("customer"), name="membership_once")]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"


class SegmentDay(models.Model):
    """How many entered and left an auto-update segment on a day of the project's calendar; what growth is read from.

    filled: its first members. Members at the end of a day are the sum of filled + entered - left up to it.
    """

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    filled = models.IntegerField(default=0)
    entered = models.IntegerField(default=0)
    left = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["segment", "day"], name="segment_day_once")]

    def __str__(self) -> str:
        return f"{self.segment_id} on {self.day}: +{self.entered} -{self.left}"
