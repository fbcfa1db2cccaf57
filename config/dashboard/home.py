"""The start page: what happened in the last days, what needs attention, and for a new project what to do first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from config.dashboard import charts, kit, navigation
from config.dashboard.base import NOT_FOUND, PROJECT_IN_SESSION, Page
from config.imports.models import ImportFile
from config.jobs.models import AsyncAction
from config.project.permissions import Permission
from customers.models import Customer
from segments.models import Segment
from vouchers import reports
from vouchers.dashboard import words
from vouchers.dashboard.lists import redemptions_of
from vouchers.models import Voucher
from vouchers.reasons import title_of
from vouchers.reports import Daily

PERIODS: Final = {"7": "7 d", "30": "30 d", "90": "90 d"}
SERIES: Final = ("Succeeded", "Refused")
LATEST: Final = 6


@dataclass(frozen=True)
class Card:
    """A number with its change against the period before. good: whether more of it is good news."""

    label: str
    number: str
    url: str
    change: str = ""
    tone: str = ""


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
THEN_VOUCHER: Final = ("Create a voucher", "A code for everybody, or only for a segment.", "New voucher")
THEN_REDEEM: Final = (
    "Redeem it once",
    "From your shop, with the keys of this project. The attempt appears here.",
    "Look at redemptions",
)


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
        asked = request.GET.get("days", "30")
        length = int(asked) if asked in PERIODS else 30
        zone = ZoneInfo(self.project.timezone)
        today = timezone.localtime(self.at).date()
        first, before = today - timedelta(days=length - 1), today - timedelta(days=2 * length - 1)
        found = reports.daily(project=self.project, since=_midnight(before, zone), zone=zone)
        now, then = [d for d in found if d.day >= first], [d for d in found if d.day < first]
        latest = list(redemptions_of(self.project).order_by("-created_at", "-pk")[:LATEST])
        context: dict[str, Any] = {
            "periods": [(label, f"?days={days}", int(days) == length) for days, label in PERIODS.items()],
            "latest": [(row, words.outcome(row), words.first_reason(row)) for row in latest],
        }
        if not latest:
            return self.render(context | {"checklist": list(self.checklist())})
        return self.render(
            context
            | {
                "cards": cards(now, then, self.project.currency, length),
                **drawings(now, first, today, length),
                "refusals": self.refusals(_midnight(first, zone)),
                "attention": list(self.attention(found, today)),
            }
        )

    def refusals(self, since: datetime) -> list[dict[str, Any]]:
        """The commonest reasons with their share of the longest bar."""
        rows = reports.top_refusals(project=self.project, since=since)
        most = max((row.count for row in rows), default=1)
        url = reverse("dashboard:redemptions")
        return [
            {"title": title_of(row.key), "count": row.count, "most": most, "url": f"{url}?tab=refused&reason={row.key}"}
            for row in rows
        ]

    def attention(self, found: list[Daily], today: date) -> Iterator[Attention]:
        """What asks for a look, the worst first."""
        day = next((row for row in found if row.day == today), None)
        if day is not None and day.refused >= 5 and day.refused * 4 > day.refused + day.succeeded:
            share = round(100 * day.refused / (day.refused + day.succeeded))
            url = f"{reverse('dashboard:redemptions')}?tab=refused"
            yield Attention("bad", f"{share} % of today's attempts were refused", url, "See why")
        since = self.at - timedelta(days=7)
        rows = AsyncAction.objects.of(self.project).filter(created_at__gte=since).select_related("import_file")
        for action in rows.order_by("-created_at", "-pk")[:20]:
            yield from _about_task(action)
        for voucher in reports.nearly_gone(project=self.project, at=self.at):
            yield _about_voucher(voucher, self.at)

    def checklist(self) -> Iterator[Step]:
        """The way of a new project to its first redemption."""
        customers = Customer.objects.of(self.project).alive().exists()
        segments = Segment.objects.of(self.project).exists()
        vouchers = Voucher.objects.of(self.project).alive().exists()
        for step, needs in (
            (Step(*IMPORT_FIRST, reverse("dashboard:import-new"), customers), Permission.IMPORT),
            (Step(*THEN_SEGMENT, reverse("dashboard:segments"), segments), Permission.SEE_SEGMENTS),
            (Step(*THEN_VOUCHER, reverse("dashboard:voucher-new"), vouchers), Permission.EDIT_VOUCHERS),
            (Step(*THEN_REDEEM, reverse("dashboard:redemptions"), False), Permission.SEE_REDEMPTIONS),
        ):
            yield step if self.may(needs) else replace(step, url="")


def cards(now: list[Daily], then: list[Daily], currency: str, length: int) -> list[Card]:
    """The numbers on top. An increase of refusals is not good news."""
    url = reverse("dashboard:redemptions")
    sums = [
        [sum(getattr(row, name) for row in rows) for rows in (now, then)]
        for name in ("succeeded", "discount", "refused")
    ]
    (done, done_before), (given, given_before), (refused, refused_before) = sums
    tried, tried_before = done + refused, done_before + refused_before
    share = round(100 * done / tried) if tried else None
    share_before = round(100 * done_before / tried_before) if tried_before else None
    points = "" if share is None or share_before is None else f"{share - share_before:+d} points".replace("-", "−")
    return [
        Card("Redemptions", kit.number(done), f"{url}?tab=succeeded", *change(done, done_before)),
        Card(
            "Discount given",
            kit.money_text(given, currency),
            f"{url}?tab=succeeded",
            *change(given, given_before, good=None),
        ),
        Card(
            "Refused attempts", kit.number(refused), f"{url}?tab=refused", *change(refused, refused_before, good=False)
        ),
        Card("Success rate", "–" if share is None else f"{share} %", url, points, ""),
    ]


def change(now: int, then: int, *, good: bool | None = True) -> tuple[str, str]:
    """(+12 %, up): the change in words and whether it is good (up) or bad (down) news; none without a past."""
    if not then:
        return "", ""
    percent = round(100 * (now - then) / then)
    text = f"{percent:+d} %".replace("-", "−")
    if good is None or percent == 0:
        return text, ""
    return text, "up" if (percent > 0) == good else "down"


def drawings(now: list[Daily], first: date, today: date, length: int) -> dict[str, Any]:
    """The chart per day, wide and for narrow screens; over 45 days by weeks."""
    known = {row.day: row for row in now}
    days = [first + timedelta(days=offset) for offset in range(length)]
    values = [(known[day].succeeded, known[day].refused) if day in known else (0, 0) for day in days]
    step = 7 if length > 45 else 1
    drawn = [
        charts.Day(
            days[start],
            (sum(v[0] for v in values[start : start + step]), sum(v[1] for v in values[start : start + step])),
        )
        for start in range(0, length, step)
    ]
    last = today if step == 1 else drawn[-1].day
    names = [name.lower() for name in SERIES]
    return {
        "chart": charts.bars(drawn, names, width=1040, height=260, marks=7, today=last),
        "compact": charts.bars(drawn, names, width=360, height=220, marks=3, today=last),
        "days": drawn[::-1],
        "names": SERIES,
        "unit": "week" if step == 7 else "day",
    }


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


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
