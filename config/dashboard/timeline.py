"""A customer's timeline: events, attempts to redeem and imports in one feed, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from config.dashboard.happenings import Happening, actor_of, told
from config.dashboard.lists import Chip
from config.dashboard.profile import ProfilePage
from config.imports.models import ImportFile
from config.kernel.instants import parse_date, parse_instant, to_wire
from config.project.models import User
from config.project.permissions import Permission
from customers.models import Customer
from customers.services import imported
from tracking.models import Event, EventCounter
from vouchers.dashboard.lists import redemptions_of
from vouchers.models import Campaign, Redemption

PAGE: Final = 50
MOST_CAMPAIGNS: Final = 200
MOST_IMPORTS: Final = 200
SALT: Final = "dashboard.timeline"
KINDS: Final[Mapping[str, tuple[str, Q]]] = {
    "redemptions": ("Redemptions", Q()),
    "orders": ("Orders", Q(type__startswith="customer.order.")),
    "events": ("Events of the shop", Q(type="customer.custom_event")),
    "checks": ("Checked codes", Q(type__startswith="customer.validation.")),
    "publications": ("Published codes", Q(type__startswith="customer.publication.")),
    "segments": ("Segments", Q(type__startswith="customer.segment.")),
    "profile": ("Profile", Q(type__in=("customer.created", "customer.updated", "customer.deleted"))),
    "imports": ("Imports", Q()),
}
"""What the feed can be narrowed to: label, and the events of it. Attempts and imports are rows of their own."""


@dataclass(frozen=True)
class ImportRow:
    """That an import touched the customer, as a row of the feed."""

    file: ImportFile
    created: bool

    @property
    def pk(self) -> int:
        return int(self.file.pk)

    @property
    def created_at(self) -> datetime:
        """When it ran, not when the file came."""
        action = self.file.action
        return (action.started_at if action else None) or self.file.created_at


Row = Event | Redemption | ImportRow


@dataclass(frozen=True)
class Asked:
    """How the address narrows the feed. since, until: instants, the second not included."""

    kind: str = ""
    campaign: Campaign | None = None
    since: datetime | None = None
    until: datetime | None = None
    query: Mapping[str, str] | None = None

    def window(self) -> Q:
        """The days as a condition."""
        wanted = Q() if self.since is None else Q(created_at__gte=self.since)
        return wanted if self.until is None else wanted & Q(created_at__lt=self.until)


class Timeline(ProfilePage):
    """Everything that happened; refused attempts with their reason in words."""

    tab = "customer"
    template_name = "dashboard/customers/timeline.html"

    def body(self, customer: Customer, request: HttpRequest) -> dict[str, Any]:
        start = _read_cursor(request.GET.get("before", ""))
        campaigns = list(Campaign.objects.of(self.project).order_by("-created_at", "-pk")[:MOST_CAMPAIGNS])
        asked = asked_of(request.GET.dict(), campaigns)
        found = [*self.events(customer, asked, start), *self.attempts(customer, asked, start)]
        found += self.imports(customer, asked, start)
        found.sort(key=_place, reverse=True)
        page, more = found[:PAGE], len(found) > PAGE
        counters = EventCounter.objects.filter(customer_id=customer.pk).order_by("-last_at")[:8]
        return {
            "timeline": _by_month(self.told(page)),
            "older_url": _url(asked, before=_write_cursor(page[-1])) if more else "",
            "newest_url": _url(asked),
            "is_first": start is None,
            "counters": list(counters),
            "kinds": [(key, label, key == asked.kind) for key, (label, _) in KINDS.items()],
            "campaigns": [(row.public_id, row.name, row == asked.campaign) for row in campaigns],
            "query": asked.query or {},
            "chips": list(_chips(asked)),
        }

    def events(self, customer: Customer, asked: Asked, start: Any) -> list[Row]:
        """Those of the kind; attempts to redeem are told by their own rows."""
        if asked.kind in ("redemptions", "imports"):
            return []
        rows = Event.objects.filter(asked.window(), customer_id=customer.pk).exclude(type__contains=".redemption.")
        if asked.kind:
            rows = rows.filter(KINDS[asked.kind][1])
        if asked.campaign is not None:
            rows = rows.filter(campaign_id=asked.campaign.pk)
        return _page(rows, start, rank=0)

    def attempts(self, customer: Customer, asked: Asked, start: Any) -> list[Row]:
        """Redemptions and rollbacks, succeeded and refused."""
        if asked.kind not in ("", "redemptions"):
            return []
        rows = redemptions_of(self.project).filter(asked.window(), customer_id=customer.pk)
        if asked.campaign is not None:
            rows = rows.filter(campaign=asked.campaign)
        return _page(rows, start, rank=1)

    def imports(self, customer: Customer, asked: Asked, start: Any) -> list[Row]:
        """The few imports that touched the customer."""
        if asked.kind not in ("", "imports") or asked.campaign is not None:
            return []
        rows = [ImportRow(*found) for found in imported.imports_of(customer, most=MOST_IMPORTS)]
        since, until = asked.since, asked.until
        return [
            row
            for row in rows
            if (since is None or row.created_at >= since)
            and (until is None or row.created_at < until)
            and (start is None or _place(row) < start)
        ]

    def told(self, page: list[Row]) -> list[Happening]:
        """The rows in words, those of people with their names."""
        people = {actor_of(row) for row in page if isinstance(row, Event)} - {""}
        names: dict[str, str] = {}
        if people:
            names = dict(User.objects.filter(public_id__in=people).values_list("public_id", "email"))
        return [self.told_import(row) if isinstance(row, ImportRow) else told(row, self.project, names) for row in page]

    def told_import(self, row: ImportRow) -> Happening:
        may = self.may(Permission.IMPORT)
        url = reverse("dashboard:import", args=[row.file.public_id]) if may else ""
        title = f"{'Added' if row.created else 'Changed'} by import “{row.file}”"
        return Happening(row.created_at, "upload", title, "run" if row.created else "", url=url)


def asked_of(query: Mapping[str, str], campaigns: list[Campaign]) -> Asked:
    """What the address asks for; what cannot be read is ignored. Days are those of the person's zone."""
    kind = query.get("kind", "")
    campaign = next((row for row in campaigns if row.public_id == query.get("campaign")), None)
    asked = Asked(kind if kind in KINDS else "", campaign)
    since, until = _day(query.get("from", "")), _day(query.get("to", ""))
    kept = {"kind": asked.kind, "campaign": campaign.public_id if campaign else ""}
    kept |= {"from": query.get("from", "") if since else "", "to": query.get("to", "") if until else ""}
    until = until + timedelta(days=1) if until else None
    return replace(asked, since=since, until=until, query={key: value for key, value in kept.items() if value})


def _day(text: str) -> datetime | None:
    """Where a day begins, in the zone of the page."""
    try:
        day = parse_date(text)
        return timezone.make_aware(datetime.combine(day, time()))
    except (ValueError, OverflowError):
        return None


def _url(asked: Asked, **more: str) -> str:
    return f"?{urlencode({**(asked.query or {}), **more})}"


def _chips(asked: Asked) -> Any:
    query = asked.query or {}
    words = {
        "kind": KINDS[asked.kind][0] if asked.kind else "",
        "campaign": f"Campaign is {asked.campaign.name}" if asked.campaign else "",
        "from": f"Since {query.get('from')}",
        "to": f"Until {query.get('to')}",
    }
    for key in query:
        yield Chip(words[key], _url(replace(asked, query={name: text for name, text in query.items() if name != key})))


def _rank(row: Row) -> int:
    return 2 if isinstance(row, ImportRow) else 1 if isinstance(row, Redemption) else 0


def _place(row: Row) -> tuple[datetime, int, int]:
    """Where a row stands in the feed: by time, then by kind, then by id."""
    return row.created_at, _rank(row), row.pk


def _page(rows: Any, start: tuple[datetime, int, int] | None, *, rank: int) -> list[Any]:
    """The rows of one kind that may stand on the page after `start`: one more than fits."""
    if start is not None:
        at, start_rank, pk = start
        beside = Q(created_at__lt=at)
        if rank < start_rank:
            beside |= Q(created_at=at)
        elif rank == start_rank:
            beside |= Q(created_at=at, pk__lt=pk)
        rows = rows.filter(Q(created_at__lte=at) & beside)
    return list(rows.order_by("-created_at", "-pk")[: PAGE + 1])


def _write_cursor(row: Row) -> str:
    return signing.dumps([to_wire(row.created_at), row.created_at.microsecond % 1000, _rank(row), row.pk], salt=SALT)


def _read_cursor(text: str) -> tuple[datetime, int, int] | None:
    """Where to go on; a forged one is the beginning."""
    try:
        at, micros, rank, pk = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    instant = parse_instant(at)
    return instant.replace(microsecond=instant.microsecond + micros), rank, pk


def _by_month(items: list[Happening]) -> list[tuple[str, list[Happening]]]:
    """Grouped under their month in the project's zone."""
    months: list[tuple[str, list[Happening]]] = []
    for item in items:
        local = timezone.localtime(item.at)
        label = f"{local:%B %Y}"
        if not months or months[-1][0] != label:
            months.append((label, []))
        months[-1][1].append(item)
    return months
