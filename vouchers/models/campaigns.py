"""Campaigns and categories: what vouchers are grouped by."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from config.project.fields import PublicIdField
from config.project.models import Scoped
from vouchers.querysets import CampaignQuerySet


class Category(Scoped):
    """A label that stacking rules sort and limit by; a lower hierarchy goes first."""

    public_id = PublicIdField("cat_")
    name = models.TextField()
    hierarchy = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "categories"
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "public_id"], name="category_public_id")]

    def __str__(self) -> str:
        return self.name


class Campaign(Scoped):
    """A set of codes or promotion tiers under common terms. `voucher` is the template of its codes."""

    class CampaignType(models.TextChoices):
        DISCOUNT_COUPONS = "DISCOUNT_COUPONS"
        GIFT_VOUCHERS = "GIFT_VOUCHERS"
        PROMOTION = "PROMOTION"
        LOYALTY_PROGRAM = "LOYALTY_PROGRAM"
        REFERRAL_PROGRAM = "REFERRAL_PROGRAM"

    class Type(models.TextChoices):
        STATIC = "STATIC"
        AUTO_UPDATE = "AUTO_UPDATE"
        STANDALONE = "STANDALONE"

    public_id = PublicIdField("camp_")
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    campaign_type = models.CharField(max_length=20, choices=CampaignType.choices)
    type = models.CharField(max_length=12, choices=Type.choices, default=Type.STATIC)
    voucher = models.JSONField(null=True, blank=True)
    auto_join = models.BooleanField(default=False)
    join_once = models.BooleanField(default=False)
    use_voucher_metadata_schema = models.BooleanField(default=True)
    start_date = models.DateTimeField(null=True, blank=True)
    expiration_date = models.DateTimeField(null=True, blank=True)
    validity_timeframe = models.JSONField(null=True, blank=True)
    validity_day_of_week = models.JSONField(null=True, blank=True)
    validity_hours = models.JSONField(null=True, blank=True)
    activity_duration_after_publishing = models.CharField(max_length=40, null=True, blank=True)
    vouchers_count = models.IntegerField(null=True, blank=True)
    active = models.BooleanField(default=True)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="campaigns")
    metadata = models.JSONField(null=True, blank=True)
    creation_status = models.CharField(max_length=12, default="DONE")
    vouchers_generation_status = models.CharField(max_length=12, default="DONE")
    extra = models.JSONField(default=dict, blank=True, help_text="Accepted and echoed: referral_program and the like.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = CampaignQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="campaign_public_id"),
            models.UniqueConstraint(
                fields=["project", "name"], condition=Q(deleted_at__isnull=True), name="campaign_name"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="campaign_created"),
            models.Index(F("project"), OpClass(Lower("name"), "text_pattern_ops"), name="campaign_name_search"),
        ]

    def __str__(self) -> str:
        return self.name
