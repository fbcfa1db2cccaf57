"""Read models for the dashboard: what became of vouchers over a time. Each question is one query by an index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from config.project.models import Project
from vouchers.engine import codes
from vouchers.models import Campaign, DailyRefusal, DailyUse, UsageThrough, Voucher
from vouchers.services import usage

NAMES = tuple(usage.SUMS)


@dataclass(frozen=True)
class Daily:
    """A day's attempts in the project's zone, or those of a campaign. discount, revenue: minor units."""

    day: date
    succeeded: int = 0
    refused: int = 0
    rolled_back: int = 0
    discount: int = 0
    revenue: int = 0


@dataclass
class Sums:
    """The same numbers over a time."""

    succeeded: int = 0
    refused: int = 0
    rolled_back: int = 0
    discount: int = 0
    revenue: int = 0

    def add(self, numbers: Iterable[int]) -> None:
        """Add the columns of `usage.SUMS`, in their order."""
        for name, number in zip(NAMES, numbers, strict=True):
            setattr(self, name, getattr(self, name) + int(number))

    @property
    def tried(self) -> int:
        """Attempts to redeem."""
        return self.succeeded + self.refused

    @property
    def rate(self) -> int | None:
        """Percent that succeeded; None where nothing was tried."""
        return round(100 * self.succeeded / self.tried) if self.tried else None


@dataclass
class Usage:
    """What happened from `first` to `last`. campaigns: by row id, single codes under None; refusals: by key."""

    first: date
    last: date
    days: dict[date, Sums] = field(default_factory=dict)
    campaigns: dict[int | None, Sums] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    active_campaigns: int = 0

    def total(self, first: date, last: date) -> Sums:
        """The sums of a part."""
        found = Sums()
        for day, sums in self.days.items():
            if first <= day <= last:
                found.add(getattr(sums, name) for name in NAMES)
        return found


def usage_between(
    *,
    project: Project,
    first: date,
    last: date,
    at: datetime,
    since: date | None = None,
    campaign: Campaign | None = None,
) -> Usage:
    """Days from `first` to `last` in five queries, whatever the project's size. campaign: only its attempts.

    since: where campaigns and refusals begin to count; `first` by default.
    """
    found, since = Usage(first, last), since or first
    through, found.active_campaigns = _through(project, at)
    own = {"campaign_id": campaign.pk} if campaign is not None else {}
    if through is not None:
        rows = DailyUse.objects.of(project).filter(day__range=(first, last), **own)
        sums = {f"sum_{name}": Sum(name) for name in NAMES}
        for day, *numbers in rows.values_list("day").annotate(**sums):
            found.days.setdefault(day, Sums()).add(numbers)
        if campaign is None:
            by_campaign = rows.filter(day__gte=since).values_list("campaign_id").annotate(**sums)
            for campaign_id, *numbers in by_campaign:
                found.campaigns.setdefault(campaign_id, Sums()).add(numbers)
        reasons = DailyRefusal.objects.of(project).filter(day__range=(since, last), **own)
        found.refusals.update(reasons.values_list("key").annotate(sum_count=Sum("count")))
    start = max(through, _midnight(first, project)) if through is not None else _midnight(first, project)
    for day, campaign_id, key, *numbers in usage.live(
        project=project, since=start, until=_midnight(last + timedelta(days=1), project)
    ):
        if campaign is not None and campaign_id != campaign.pk:
            continue
        found.days.setdefault(day, Sums()).add(numbers)
        if day >= since:
            found.campaigns.setdefault(campaign_id, Sums()).add(numbers)
            if key:
                found.refusals[key] = found.refusals.get(key, 0) + numbers[NAMES.index("refused")]
    return found


def usage_of(*, project: Project, campaigns: Iterable[Campaign], at: datetime) -> dict[int, Sums]:
    """All-time sums of these campaigns, by row id: three queries."""
    found = {campaign.pk: Sums() for campaign in campaigns}
    if not found:
        return found
    through, _ = _through(project, at)
    if through is not None:
        sums = {f"sum_{name}": Sum(name) for name in NAMES}
        rows = DailyUse.objects.of(project).filter(campaign_id__in=found).values_list("campaign_id").annotate(**sums)
        for campaign_id, *numbers in rows:
            found[campaign_id or 0].add(numbers)
    begin = through or datetime.min.replace(tzinfo=ZoneInfo("UTC")) + timedelta(days=1)
    for _, campaign_id, _, *numbers in usage.live(project=project, since=begin, until=at + timedelta(days=1)):
        if campaign_id in found:
            found[campaign_id].add(numbers)
    return found


def issued(*, campaigns: Iterable[Campaign]) -> dict[int, int]:
    """How many codes these campaigns have."""
    rows = Voucher.objects.filter(campaign__in=list(campaigns), deleted_at=None)
    return dict(rows.order_by().values_list("campaign_id").annotate(number=Count("pk")))


def _through(project: Project, at: datetime) -> tuple[datetime | None, int]:
    """Up to when the sums stand (None: there are none for this zone), and how many campaigns run: one query."""
    running = active_campaigns(project, at).order_by().values("project").annotate(n=Count("pk")).values("n")
    rows = UsageThrough.objects.filter(project=OuterRef("pk"), timezone=OuterRef("timezone"))
    row = (
        Project.objects.filter(pk=project.pk)
        .values_list(Subquery(rows.values("through")), Coalesce(Subquery(running), 0))
        .first()
    )
    return (None, 0) if row is None else (row[0], row[1])


def active_campaigns(project: Project, at: datetime) -> Any:
    """Switched on, begun and not ended."""
    begun, open_end = Q(start_date=None) | Q(start_date__lte=at), Q(expiration_date=None) | Q(expiration_date__gte=at)
    return Campaign.objects.of(project).filter(begun, open_end, active=True, deleted_at=None)


def _midnight(day: date, project: Project) -> datetime:
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(project.timezone))


def nearly_gone(*, project: Project, at: datetime, limit: int = 3) -> list[Voucher]:
    """Enabled single codes of many uses that have less than a tenth of them left, or end within three days."""
    rows = (
        Voucher.objects.of(project)
        .alive()
        .filter(active=True, campaign__isnull=True)
        .only("public_id", "code", "quantity", "redeemed_quantity", "expiration_date")
    )
    scarce = rows.filter(
        quantity__gte=10, redeemed_quantity__gte=F("quantity") * 9 / 10, redeemed_quantity__lt=F("quantity")
    )
    soon = rows.filter(expiration_date__gt=at, expiration_date__lte=at + timedelta(days=3))
    return list(scarce.order_by("-pk")[:limit].union(soon.order_by("-pk")[:limit]).order_by("-id")[:limit])


def nearest_codes(*, project: Project, code: str, limit: int = 5) -> list[str]:
    """Codes that begin like this one, the longest common beginning first: two probes of the index on codes."""
    key = codes.comparable(code, case_sensitive=project.case_sensitive_codes)
    rows = Voucher.objects.of(project).alive().only("code", "code_key")
    around = [
        *rows.filter(code_key__lt=key).order_by("-code_key")[:limit],
        *rows.filter(code_key__gt=key).order_by("code_key")[:limit],
    ]
    shared = {row.code: _shared(row.code_key, key) for row in around}
    near = [found for found in shared if shared[found] >= min(2, len(key))]
    return sorted(near, key=lambda found: -shared[found])[:limit]


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
