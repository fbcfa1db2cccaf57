"""Vouchers: one code, its terms and what is left of it. Amounts are minor units."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from config.project.fields import PublicIdField
from config.project.models import Scoped
from vouchers.models.campaigns import Campaign, Category
from vouchers.querysets import VoucherQuerySet


class Voucher(Scoped):
    """A code. The CHECK constraints stand behind the locks of `services.redemptions`: they can never be broken.

    `updated_at` moves with every redemption and so has no index: updates of a hot code stay HOT.
    """

    class Type(models.TextChoices):
        DISCOUNT = "DISCOUNT_VOUCHER", "Discount"
        GIFT = "GIFT_VOUCHER", "Gift card"
        LOYALTY = "LOYALTY_CARD", "Loyalty card"

    public_id = PublicIdField("v_")
    code = models.TextField(db_collation="C")
    code_key = models.TextField(
        db_collation="C", editable=False, help_text="The code as it is compared: in lower case where case is ignored."
    )
    type = models.CharField(max_length=20, choices=Type.choices)
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="vouchers"
    )
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="vouchers")
    category_tag = models.TextField(null=True, blank=True, help_text="The category's name as it was given.")
    discount = models.JSONField(null=True, blank=True, help_text="As on the wire, only what was sent.")
    gift_amount = models.BigIntegerField(default=0, help_text="Credits ever granted.")
    gift_subtracted_amount = models.BigIntegerField(default=0)
    gift_effect = models.CharField(max_length=20, null=True, blank=True)
    loyalty_card = models.JSONField(null=True, blank=True)
    start_date = models.DateTimeField(null=True, blank=True)
    expiration_date = models.DateTimeField(null=True, blank=True)
    validity_timeframe = models.JSONField(null=True, blank=True)
    validity_day_of_week = models.JSONField(null=True, blank=True)
    validity_hours = models.JSONField(null=True, blank=True)
    active = models.BooleanField(default=True)
    additional_info = models.TextField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    is_referral_code = models.BooleanField(default=False)
    holder = models.ForeignKey(
        "customers.Customer",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="held_vouchers",
    )
    referrer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    publish_count = models.IntegerField(default=0)
    published_at = models.DateTimeField(null=True, blank=True)
    quantity = models.IntegerField(null=True, blank=True, help_text="How often it may be redeemed; null: unlimited.")
    redeemed_quantity = models.IntegerField(default=0)
    redeemed_amount = models.BigIntegerField(default=0, help_text="Gift credits spent.")
    redeemed_points = models.BigIntegerField(default=0)
    held_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="No session holds anything of it after this; so most redemptions need not look for sessions.",
    )
    asset_id = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = VoucherQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="voucher_public_id"),
            models.UniqueConstraint(fields=["project", "code_key"], name="voucher_code"),
            models.CheckConstraint(
                condition=Q(quantity__isnull=True) | Q(redeemed_quantity__lte=F("quantity")),
                name="voucher_quantity_left",
            ),
            models.CheckConstraint(condition=Q(redeemed_quantity__gte=0), name="voucher_redeemed_not_negative"),
            models.CheckConstraint(
                condition=Q(redeemed_amount__gte=0)
                & Q(gift_subtracted_amount__gte=0)
                & Q(redeemed_amount__lte=F("gift_amount") - F("gift_subtracted_amount")),
                name="voucher_gift_balance",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="voucher_created"),
            models.Index(fields=["campaign", "id"], condition=Q(campaign__isnull=False), name="voucher_campaign"),
            models.Index(
                fields=["campaign", "id"],
                condition=Q(campaign__isnull=False, publish_count=0, holder__isnull=True, deleted_at__isnull=True),
                name="voucher_publishable",
            ),
            models.Index(
                fields=["project", "created_at", "id"],
                condition=Q(campaign__isnull=True, deleted_at__isnull=True),
                name="voucher_standalone",
            ),
            models.Index(fields=["referrer"], condition=Q(referrer__isnull=False), name="voucher_referrer"),
            models.Index(fields=["holder", "id"], condition=Q(holder__isnull=False), name="voucher_holder"),
            models.Index(fields=["asset_id"], name="voucher_asset"),
            # Of single codes only, and of columns that redemptions never move: the overview asks what is nearly gone.
            models.Index(
                fields=["project", "id"],
                condition=Q(campaign__isnull=True, deleted_at__isnull=True, quantity__gte=10),
                name="voucher_of_many_uses",
            ),
            models.Index(
                fields=["project", "expiration_date"],
                condition=Q(campaign__isnull=True, deleted_at__isnull=True, expiration_date__isnull=False),
                name="voucher_ending",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def gift_balance(self) -> int:
        """Credits that can still be spent, locks of sessions not counted."""
        return self.gift_amount - self.gift_subtracted_amount - self.redeemed_amount
