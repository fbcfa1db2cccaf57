"""Daily sums of attempts: what the dashboard reads instead of a million rows. `services.usage` keeps them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.project.models import Project, Scoped


class UsageThrough(models.Model):
    """Up to when a project's attempts are summed, in days of which zone. What came later is counted live."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="+")
    timezone = models.CharField(max_length=64)
    through = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.project_id} through {self.through}"


class DailyUse(Scoped):
    """One day of one campaign; of single codes `campaign_id` is null. Amounts are minor units."""

    day = models.DateField()
    campaign_id = models.BigIntegerField(null=True, blank=True, help_text="Row id of the campaign; no constraint.")
    succeeded = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    rolled_back = models.IntegerField(default=0)
    discount = models.BigIntegerField(default=0, help_text="Given, less what was rolled back that day.")
    revenue = models.BigIntegerField(default=0, help_text="To pay for orders with a code, less those rolled back.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "day", "campaign_id"], nulls_distinct=False, name="daily_use_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["campaign_id", "day"], name="daily_use_campaign")]

    def __str__(self) -> str:
        return f"{self.day}: {self.succeeded}"


class DailyRefusal(Scoped):
    """How often a reason was given on a day for codes of a campaign."""

    day = models.DateField()
    campaign_id = models.BigIntegerField(null=True, blank=True, help_text="Row id of the campaign; no constraint.")
    key = models.CharField(max_length=64)
    count = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "day", "campaign_id", "key"], nulls_distinct=False, name="daily_refusal_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["campaign_id", "day"], name="daily_refusal_campaign")]

    def __str__(self) -> str:
        return f"{self.day}: {self.key} × {self.count}"
