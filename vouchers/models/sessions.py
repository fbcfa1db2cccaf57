"""Sessions: uses and credits held for somebody who validated and has not redeemed yet."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.project.models import Scoped
from vouchers.models.promotions import PromotionTier
from vouchers.models.vouchers import Voucher


class SessionLock(Scoped):
    """What one session (`key`) holds of one voucher or tier until `expires_at`. Exactly one of the two is set."""

    key = models.CharField(max_length=200, db_collation="C")
    voucher = models.ForeignKey(Voucher, null=True, blank=True, on_delete=models.CASCADE, db_index=False)
    promotion_tier = models.ForeignKey(PromotionTier, null=True, blank=True, on_delete=models.CASCADE, db_index=False)
    quantity = models.IntegerField(default=1)
    credits = models.BigIntegerField(null=True, blank=True, help_text="Gift credits held.")
    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    token = models.CharField(max_length=80, blank=True, default="", db_collation="C", help_text="The tracking id.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "key", "voucher"], condition=Q(voucher__isnull=False), name="session_lock_voucher"
            ),
            models.UniqueConstraint(
                fields=["project", "key", "promotion_tier"],
                condition=Q(promotion_tier__isnull=False),
                name="session_lock_tier",
            ),
            models.CheckConstraint(
                condition=Q(voucher__isnull=False, promotion_tier__isnull=True)
                | Q(voucher__isnull=True, promotion_tier__isnull=False),
                name="session_lock_one_target",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["voucher", "expires_at"], condition=Q(voucher__isnull=False), name="session_lock_held"
            ),
            models.Index(
                fields=["promotion_tier"], condition=Q(promotion_tier__isnull=False), name="session_lock_tiers"
            ),
            models.Index(fields=["customer"], condition=Q(customer__isnull=False), name="session_lock_customer"),
            models.Index(fields=["project", "token"], condition=~Q(token=""), name="session_lock_token"),
            models.Index(fields=["expires_at"], name="session_lock_expired"),
        ]

    def __str__(self) -> str:
        return self.key
