"""Read models for the dashboard: what became of vouchers over a time. Each is one query by an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce, TruncDate

from config.project.models import Project
from vouchers.models import Redemption, Voucher


@dataclass(frozen=True)
class Daily:
    """A day's attempts in the project's zone. discount: minor units given."""

    day: date
    succeeded: int
    refused: int
    discount: int


@dataclass(frozen=True)
class Refusals:
    """How often a reason was given."""

    key: str
    count: int


def daily(*, project: Project, since: datetime, zone: ZoneInfo) -> list[Daily]:
    """Attempts per day from `since` on, oldest first; days without any are left out."""
    refused = Q(result=Redemption.Result.FAILURE)
    rows = (
        Redemption.objects.of(project)
        .per_code()
        .filter(created_at__gte=since, kind=Redemption.Kind.REDEMPTION)
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day")
        .annotate(
            succeeded=Count("pk", filter=~refused),
            refused=Count("pk", filter=refused),
            discount=Coalesce(Sum("discount_amount", filter=~refused), 0),
        )
        .order_by("day")
        .values_list("day", "succeeded", "refused", "discount")
    )
    return [Daily(*row) for row in rows]


def top_refusals(*, project: Project, since: datetime, limit: int = 5) -> list[Refusals]:
    """The commonest reasons, the commonest first."""
    rows = (
        Redemption.objects.of(project)
        .filter(created_at__gte=since, result=Redemption.Result.FAILURE, kind=Redemption.Kind.REDEMPTION)
        .exclude(failure_code="")
        .values_list("failure_code")
        .annotate(count=Count("pk"))
        .order_by("-count", "failure_code")[:limit]
    )
    return [Refusals(*row) for row in rows]


def nearly_gone(*, project: Project, at: datetime, limit: int = 3) -> list[Voucher]:
    """Enabled codes of many uses that have less than a tenth of them left, or end within three days."""
    soon = Q(expiration_date__gt=at, expiration_date__lte=at + timedelta(days=3))
    scarce = Q(quantity__gte=10, redeemed_quantity__gte=F("quantity") * 9 / 10, redeemed_quantity__lt=F("quantity"))
    return list(
        Voucher.objects.of(project)
        .alive()
        .filter(soon | scarce, active=True, campaign__isnull=True)
        .only("public_id", "code", "quantity", "redeemed_quantity", "expiration_date")
        .order_by("-pk")[:limit]
    )
