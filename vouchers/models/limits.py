"""What limits of rules have counted up to an hour ago: kept for the few codes and campaigns that are redeemed often."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.project.models import Scoped


class LimitSums(Scoped):
    """Up to when the redemptions of one campaign, tier or voucher are summed, in days of which zone.

    What came later is counted live. `services.limit_sums` keeps it.
    """

    subject = models.CharField(max_length=24, help_text="The column of a redemption that refers to it.")
    subject_id = models.BigIntegerField(help_text="Its row id; no constraint.")
    timezone = models.CharField(max_length=64)
    through = models.DateTimeField(null=True, blank=True, help_text="Null until it was summed for the first time.")
    orders_amount = models.BigIntegerField(default=0, help_text="Of orders with a redemption in force; each once.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "subject", "subject_id"], name="limit_sums_once")
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id} through {self.through}"


class LimitDay(Scoped):
    """One day of redemptions in force through one key or by one person; a rollback takes them off that day again."""

    sums = models.ForeignKey(LimitSums, on_delete=models.CASCADE, db_index=False, related_name="days")
    day = models.DateField(help_text="Of the redemption, not of the rollback.")
    channel_type = models.CharField(max_length=16)
    channel_id = models.CharField(max_length=64, blank=True)
    redemptions = models.BigIntegerField(default=0)
    discount_amount = models.BigIntegerField(default=0)
    gift_amount = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sums", "day", "channel_type", "channel_id"], name="limit_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.redemptions}"
