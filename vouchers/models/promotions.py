"""Promotions: tiers and stacks of tiers, redeemed by their id instead of a code."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.project.fields import PublicIdField
from config.project.models import Scoped
from vouchers.models.campaigns import Campaign, Category
from vouchers.querysets import PromotionTierQuerySet


class PromotionTier(Scoped):
    """One discount of a promotion campaign. Times left out are the campaign's; a lower hierarchy goes first."""

    public_id = PublicIdField("promo_")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, db_index=False, related_name="tiers")
    name = models.TextField()
    banner = models.TextField(null=True, blank=True)
    action = models.JSONField(null=True, blank=True, help_text="As on the wire: {discount}.")
    hierarchy = models.IntegerField(default=1)
    start_date = models.DateTimeField(null=True, blank=True)
    expiration_date = models.DateTimeField(null=True, blank=True)
    validity_timeframe = models.JSONField(null=True, blank=True)
    validity_day_of_week = models.JSONField(null=True, blank=True)
    validity_hours = models.JSONField(null=True, blank=True)
    active = models.BooleanField(default=True)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="tiers")
    metadata = models.JSONField(default=dict, blank=True)
    redeemed_quantity = models.IntegerField(default=0, help_text="Succeeded redemptions, those rolled back taken off.")
    orders_amount = models.BigIntegerField(default=0)
    orders_discount_amount = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    objects = PromotionTierQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="promotion_tier_public_id"),
            models.CheckConstraint(
                condition=models.Q(redeemed_quantity__gte=0), name="promotion_tier_redeemed_not_negative"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="promotion_tier_created"),
            models.Index(fields=["campaign", "hierarchy", "id"], name="promotion_tier_campaign"),
        ]

    def __str__(self) -> str:
        return self.name


class PromotionStack(Scoped):
    """Tiers of one campaign that are redeemed together, in the order of `tier_ids`."""

    public_id = PublicIdField("stack_")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, db_index=False, related_name="stacks")
    name = models.TextField()
    tier_ids = models.JSONField(default=list, help_text="Public ids of the tiers.")
    hierarchy_mode = models.CharField(max_length=16, null=True, blank=True)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="stacks")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="promotion_stack_public_id")
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="promotion_stack_created"),
            models.Index(fields=["campaign", "id"], name="promotion_stack_campaign"),
        ]

    def __str__(self) -> str:
        return self.name
