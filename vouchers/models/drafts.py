"""Campaigns that somebody is still thinking up: what was typed, step by step. Nothing redeems or lists them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.project.fields import PublicIdField
from config.project.models import Scoped, User
from vouchers.models.campaigns import Campaign


class CampaignDraft(Scoped):
    """One draft. steps: by name, the fields as they were typed. campaign: set where a stored one is being changed."""

    public_id = PublicIdField("draft_")
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="drafts"
    )
    steps = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="campaign_draft_public_id")
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "updated_at", "id"], name="campaign_draft_updated"),
            models.Index(fields=["campaign"], condition=Q(campaign__isnull=False), name="campaign_draft_campaign"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What it is called so far."""
        typed = (self.steps.get("what") or {}).get("name") or [""]
        return str(typed[0]) or "Without a name"
