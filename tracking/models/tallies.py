"""How often codes and tiers of a campaign were validated; nothing of who did it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.db import models

from config.project.models import Scoped

QUARTER: Final = timedelta(minutes=15)


def quarter_of(at: datetime) -> datetime:
    """The beginning of the quarter of an hour in which the instant lies."""
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


class ValidationTally(Scoped):
    """Validated redeemables of one campaign in a quarter of an hour; `services.unhurried` counts them."""

    campaign_id = models.BigIntegerField(help_text="Row id of the campaign; no constraint.")
    quarter = models.DateTimeField()
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "campaign_id", "quarter"], name="validation_tally_once")
        ]

    def __str__(self) -> str:
        return f"{self.succeeded} and {self.failed} from {self.quarter}"
