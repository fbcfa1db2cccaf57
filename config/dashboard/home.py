"""The start page: what happened in the last days, what needs attention, and for a new project what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import kit, navigation
from config.dashboard.base import NOT_FOUND, PROJECT_IN_SESSION, Page
from config.imports.models import ImportFile
from config.jobs.models import AsyncAction
from config.project.permissions import Permission
from customers.models import Customer
from segments.models import Segment
from vouchers import reports
from vouchers.dashboard import trends
from vouchers.models import Campaign, Redemption, Voucher
from vouchers.reports import Sums, Usage

TOP: Final = 5
PERIODS: Final = {"7": "7 d", "30": "30 d", "90": "90 d", "365": "12 m"}
LONGEST: Final = 3 * 366


@dataclass(frozen=True)
class Card:
    """A number with its change against the period before. good: whether more of it is good news."""

    label: str
    number: str
    url: str
    change: str = ""
    tone: str = ""
    note: str = ""


@dataclass(frozen=True)
class Step:
    """One of the first things to do in a new project."""

    title: str
    text: str
    verb: str
    url: str
    done: bool


IMPORT_FIRST: Final = (
    "Bring in your customers",
    "From a CSV file: you map its columns, look at a preview, then run it.",
    "Import a file",
)
THEN_SEGMENT: Final = ("Describe a segment", "A group of customers that keeps itself up to date.", "Go to segments")
THEN_CAMPAIGN: Final = ("Create a campaign", "Codes for everybody, or only for a segment.", "New campaign")
THEN_CHECK: Final = (
    "Check a code",
    "Whether it works, for whom and why not. Then redeem it from your shop, with the keys of this project.",
    "Check a code",
)


@dataclass(frozen=True)
class Period:
    """The days that are shown, and where the same number of days before begins. own: chosen by two dates."""

    first: date
    last: date
    own: bool = False

    @property
    def length(self) -> int:
        """In days."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> date:
        """The first day of the period before."""
        return self.first - timedelta(days=self.length)


def period_of(query: Mapping[str, str], today: date) -> Period:
    """`?from=2026-01-01&to=2026-01-31`, or `?days=30`; anything else is 30 days."""
    try:
        first, last = date.fromisoformat(query.get("from", "")), date.fromisoformat(query.get("to", ""))
        if date(2000, 1, 1) <= first <= last <= today and (last - first).days < LONGEST:
            return Period(first, last, own=True)
    except ValueError:
        pass
    asked = query.get("days", "30")
    return Period(today - timedelta(days=(int(asked) if asked in PERIODS else 30) - 1), today)


@dataclass(frozen=True)
class Attention:
    """Something that asks for a look, with one thing to do."""

    tone: str
    text: str
    url: str
    verb: str


class Overview(Page):
    """What happened lately, and what needs attention."""

    permission = Permission.SEE_OVERVIEW
    section = "overview"
    template_name = "dashboard/home.html"
    title = "Overview"

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The start of the dashboard; who may not see the overview starts at the first page of the own menu."""
        if not self.may(self.permission) and (start := navigation.first(self.member.role)) is not None:
            return redirect(start)
        return super()._answer(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        today = self.at.astimezone(ZoneInfo(self.project.timezone)).date()
        period = period_of(request.GET, today)
        usage = reports.usage_between(
            project=self.project, first=period.before, last=period.last, since=period.first, at=self.at
        )
        context: dict[str, Any] = {
            "periods": [
                (label, f"?days={days}", int(days) == period.length and not period.own)
                for days, label in PERIODS.items()
            ],
            "period": period,
        }
        if not usage.days and not self.has_attempts():
            return self.render(context | {"checklist": list(self.checklist())})
        now, then = usage.total(period.first, period.last), usage.total(period.before, period.first - timedelta(days=1))
        shown = replace(usage, first=period.first)
        named = self.campaigns(usage)
        return self.render(
            context
            | {
                "cards": cards(now, then, usage.active_campaigns, self.project.currency),
                **trends.drawings(shown, today),
                "top": top_campaigns(usage, named),
                "refusals": trends.refusals(usage, reverse("dashboard:redemptions")),
                "attention": list(self.attention(usage, today, named)),
            }
        )

    def has_attempts(self) -> bool:
        """Whether anything ever happened, in whatever time."""
        return Redemption.objects.of(self.project).exists()

    def campaigns(self, usage: Usage) -> list[Campaign]:
        """Those that the page names: the top ones, and those that end within three days."""
        top = sorted(usage.campaigns, key=lambda pk: -usage.campaigns[pk].succeeded)[:TOP]
        soon = Q(expiration_date__gt=self.at, expiration_date__lte=self.at + timedelta(days=3), active=True)
        rows = (
            Campaign.objects.of(self.project).filter(deleted_at=None).filter(Q(pk__in=[pk for pk in top if pk]) | soon)
        )
        return list(rows.only("public_id", "name", "expiration_date", "active").order_by("expiration_date")[: 2 * TOP])

    def attention(self, usage: Usage, today: date, named: list[Campaign]) -> Iterator[Attention]:
        """What asks for a look, the worst first."""
        day = usage.days.get(today, Sums())
        if day.refused >= 5 and day.refused * 4 > day.tried:
            share = round(100 * day.refused / day.tried)
            url = f"{reverse('dashboard:redemptions')}?tab=refused"
            yield Attention("bad", f"{share} % of today's attempts were refused", url, "See why")
        since = self.at - timedelta(days=7)
        rows = AsyncAction.objects.of(self.project).filter(created_at__gte=since).select_related("import_file")
        for action in rows.order_by("-created_at", "-pk")[:20]:
            yield from _about_task(action)
        for campaign in named:
            yield from _about_campaign(campaign, self.at)
        for voucher in reports.nearly_gone(project=self.project, at=self.at):
            yield _about_voucher(voucher, self.at)

    def checklist(self) -> Iterator[Step]:
        """The way of a new project to its first redemption."""
        customers = Customer.objects.of(self.project).alive().exists()
        segments = Segment.objects.of(self.project).exists()
        campaigns = Campaign.objects.of(self.project).filter(deleted_at=None).exists()
        campaigns = campaigns or Voucher.objects.of(self.project).alive().exists()
        for step, needs in (
            (Step(*IMPORT_FIRST, reverse("dashboard:import-new"), customers), Permission.IMPORT),
            (Step(*THEN_SEGMENT, reverse("dashboard:segments"), segments), Permission.SEE_SEGMENTS),
            (Step(*THEN_CAMPAIGN, reverse("dashboard:campaign-new"), campaigns), Permission.EDIT_VOUCHERS),
            (Step(*THEN_CHECK, reverse("dashboard:check"), False), Permission.CHECK_CODES),
        ):
            yield step if self.may(needs) else replace(step, url="")


def cards(now: Sums, then: Sums, active: int, currency: str) -> list[Card]:
    """The numbers on top. An increase of refusals is not good news."""
    url = reverse("dashboard:redemptions")
    money = partial(kit.money_text, currency=currency)
    return [
        Card("Redemptions", kit.number(now.succeeded), f"{url}?tab=succeeded", *change(now.succeeded, then.succeeded)),
        Card(
            "Discount given",
            money(now.discount),
            f"{url}?tab=succeeded",
            *change(now.discount, then.discount, good=None),
        ),
        Card(
            "Revenue with a code", money(now.revenue), reverse("dashboard:orders"), *change(now.revenue, then.revenue)
        ),
        Card(
            "Refused attempts",
            kit.number(now.refused),
            f"{url}?tab=refused",
            *change(now.refused, then.refused, good=False),
        ),
        Card("Active campaigns", kit.number(active), f"{reverse('dashboard:campaigns')}?tab=active", note="right now"),
    ]


@dataclass(frozen=True)
class Top:
    """A line of the top campaigns."""

    name: str
    url: str
    sums: Sums


def top_campaigns(usage: Usage, named: list[Campaign]) -> list[Top]:
    """Those with the most redemptions; codes without a campaign share a line."""
    rows = {campaign.pk: campaign for campaign in named}
    found = []
    for pk, sums in sorted(usage.campaigns.items(), key=lambda row: -row[1].succeeded)[:TOP]:
        campaign = rows.get(pk) if pk else None
        if campaign is not None:
            found.append(Top(campaign.name, reverse("dashboard:campaign", args=[campaign.public_id]), sums))
        elif pk is None and sums.tried:
            found.append(Top("Codes without a campaign", reverse("dashboard:vouchers"), sums))
    return found


def change(now: int, then: int, *, good: bool | None = True) -> tuple[str, str]:
    """(+12 %, up): the change in words and whether it is good (up) or bad (down) news; none without a past."""
    if not then:
        return "", ""
    percent = round(100 * (now - then) / then)
    text = f"{percent:+d} %".replace("-", "−")
    if good is None or percent == 0:
        return text, ""
    return text, "up" if (percent > 0) == good else "down"


def _about_task(action: AsyncAction) -> Iterator[Attention]:
    file: ImportFile | None = getattr(action, "import_file", None)
    url = (
        reverse("dashboard:import", args=[file.public_id])
        if file
        else reverse("dashboard:task", args=[action.public_id])
    )
    name = f"Import “{file}”" if file else action.title or action.type
    failed = (action.result or {}).get("failed_count") or 0
    if action.status == AsyncAction.Status.FAILED and not action.stopped:
        yield Attention("bad", f"{name} failed: {action.failure}", url, "Look")
    elif action.status == AsyncAction.Status.DONE and isinstance(failed, int) and failed:
        yield Attention("warn", f"{name} left out {kit.plural(failed, 'row', 'rows')}", url, "Report")


def _about_campaign(campaign: Campaign, at: datetime) -> Iterator[Attention]:
    end = campaign.expiration_date
    if campaign.active and end is not None and at < end <= at + timedelta(days=3):
        url = reverse("dashboard:campaign", args=[campaign.public_id])
        yield Attention("warn", f"“{campaign.name}” ends {kit.relative(end, at)}", url, "Extend")


def _about_voucher(voucher: Voucher, at: datetime) -> Attention:
    url = reverse("dashboard:voucher", args=[voucher.public_id])
    if voucher.expiration_date is not None and at < voucher.expiration_date <= at + timedelta(days=3):
        return Attention("", f"“{voucher.code}” ends {kit.relative(voucher.expiration_date, at)}", url, "Look")
    left = (voucher.quantity or 0) - voucher.redeemed_quantity
    return Attention(
        "", f"“{voucher.code}” has {kit.plural(left, 'use', 'uses')} left of {voucher.quantity:,}", url, "Look"
    )


class ProjectSwitch(Page):
    """Work in another project; it stays chosen for this session."""

    permission = Permission.SEE_REDEMPTIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("dashboard:home")

    def post(self, request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("project")
        for member in self.memberships:
            if member.project.public_id == wanted:
                request.session[PROJECT_IN_SESSION] = member.project_id
        return redirect("dashboard:home")


class Nothing(Page):
    """Any other address under /dashboard/: the same page for people of every role."""

    permission = Permission.SEE_REDEMPTIONS

    def get(self, request: HttpRequest, rest: str) -> HttpResponse:
        return self.refuse(NOT_FOUND)
