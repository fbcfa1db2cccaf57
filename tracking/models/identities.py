"""Tracking ids: who a visitor was before the shop knew the name."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.project.models import Scoped


class TrackingIdentity(Scoped):
    """One issued token. Anonymous while it has neither a source id, nor a customer, nor another token it stands for."""

    token = models.CharField(max_length=80, db_collation="C", help_text="track_ and 32 characters of base64.")
    source_id = models.TextField(null=True, blank=True, db_collation="C", help_text="The raw identity it stands for.")
    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.SET_NULL, related_name="tracking_identities"
    )
    alias_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="aliases",
        help_text="The known identity that the visitor behind an anonymous token turned out to be.",
    )
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "tracking identities"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "token"], name="tracking_token"),
            models.UniqueConstraint(
                fields=["project", "source_id"], condition=Q(source_id__isnull=False), name="tracking_source_id"
            ),
        ]

    def __str__(self) -> str:
        return self.token
