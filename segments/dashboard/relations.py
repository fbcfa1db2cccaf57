"""A segment among others and over time: who changed it, what it shares with others, why somebody is in or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.filters.parser import InvalidFilter, parse
from config.filters.sentence import sentence
from config.kernel.errors import NotFound
from config.project import audit
from config.project.models import Project, User
from config.project.permissions import Permission
from customers import fields, lookups
from customers.models import Customer
from customers.payloads import email_key
from segments import definitions, services
from segments.dashboard.builder import AUDITED
from segments.dashboard.views import SegmentPage
from segments.errors import SegmentNotEditable
from segments.models import Segment
from segments.services import activation, activity, overlaps
from tracking.activity import Asked
from tracking.models import Event

MOST_CHANGES: Final = 50
MOST_OFFERED: Final = 200
WORDS: Final = {
    activity.CREATED: ("plus", "Created"),
    activity.UPDATED: ("pencil", "Changed"),
    activity.FILTERS_UPDATED: ("funnel", "Definition changed"),
    activity.ACTIVATED: ("pulse", "Reports who enters and leaves from now on"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the timeline."""

    at: datetime
    icon: str
    title: str
    text: str
    tone: str = ""


class SegmentActivity(SegmentPage):
    """Who changed what."""

    template_name = "dashboard/segments/activity.html"
    name = "segment-activity"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        rows, _ = activity.of(segment, Asked(limit=MOST_CHANGES))
        empty = {"icon": "clock", "title": "No record", "text": "Changes of this segment appear here."}
        return self.render(self.around(segment) | {"entries": changes(self.project, rows), "empty": empty})


class SegmentOverlap(SegmentPage):
    """How many customers it shares with one or two others."""

    template_name = "dashboard/segments/overlap.html"
    name = "segment-overlap"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        offered = list(Segment.objects.of(self.project).exclude(pk=segment.pk).newest_first()[:MOST_OFFERED])
        wanted = list(dict.fromkeys(one for one in request.GET.getlist("with") if one))[: overlaps.MOST - 1]
        others = [self.found(one) for one in wanted if one != public_id]
        context = self.around(segment) | {"offered": offered, "chosen": [*wanted, "", ""][:2]}
        if others:
            regions = overlaps.of(project=self.project, segments=[segment, *others], at=self.at)
            context |= {"asked": True, "regions": None if regions is None else drawn(regions, [segment, *others])}
        return self.render(context)


class SegmentWhy(SegmentPage):
    """Whether one customer is in, and why."""

    template_name = "dashboard/segments/why.html"
    name = "segment-check"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        typed = request.GET.get("customer", "").strip()
        context: dict[str, Any] = {"typed": typed}
        if typed:
            customer = self.customer(typed)
            if customer is None:
                context["problem"] = "No customer has this id, source id or e-mail."
            else:
                context |= {"customer": customer, "why": services.why(segment=segment, customer=customer, at=self.at)}
        return self.render(self.around(segment) | context)

    def customer(self, typed: str) -> Customer | None:
        """By id, else source id, else e-mail."""
        try:
            return lookups.find(project=self.project, identifier=typed)
        except NotFound:
            rows = Customer.objects.of(self.project).alive().filter(email_key=email_key(typed))
            return rows.order_by("pk").first()


class ActivateSegment(SegmentPage):
    """Let a segment report who enters and leaves."""

    permission = Permission.EDIT_SEGMENTS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:segment", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        before = audit.facts(segment, AUDITED)
        try:
            with transaction.atomic():
                active = activation.activate(segment=segment, at=self.at, user=self.user)
                after = audit.facts(active, AUDITED)
                self.note("segment.activated", "segment", public_id, before=before, after=after)
        except SegmentNotEditable:
            messages.error(request, "Only a segment that updates itself, and reports nothing yet, can begin to report.")
        else:
            messages.success(request, f"{segment.name} reports who enters and leaves from now on.")
        return redirect("dashboard:segment", public_id)


def changes(project: Project, rows: Sequence[Event]) -> list[tuple[str, list[Change]]]:
    """The events as entries, under their months."""
    ids = {str(person) for row in rows if (person := row.source.get("user", {}).get("id"))}
    emails = dict(User.objects.filter(public_id__in=ids).values_list("public_id", "email"))
    months: dict[str, list[Change]] = {}
    for row in rows:
        icon, title = WORDS.get(row.type, ("pencil", row.type))
        who = emails.get(row.source.get("user", {}).get("id"), "")
        who = who or ("somebody" if row.source.get("channel") == "USER_PORTAL" else "the API")
        entry = Change(row.created_at, icon, f"{title} by {who}", _difference(project, row))
        months.setdefault(f"{row.created_at:%B %Y}", []).append(entry)
    return list(months.items())


def _difference(project: Project, row: Event) -> str:
    """What it was and what it is, in words."""
    now, before = row.data.get("segment") or {}, row.data.get("previous") or {}
    parts = []
    if before and before.get("name") != now.get("name"):
        parts.append(f"Name: {before.get('name')} → {now.get('name')}.")
    if before and before.get("filter") != now.get("filter"):
        parts.append(f"Before: {words_of(project, before.get('filter'))}. Now: {words_of(project, now.get('filter'))}.")
    if not before and now.get("filter"):
        parts.append(f"{words_of(project, now['filter'])}.")
    return " ".join(parts)


def words_of(project: Project, filter: Any) -> str:
    """A filter that was stored once as a sentence, by today's fields."""
    table = fields.of(project)
    try:
        node = parse(filter, table, limits=definitions.limits())
    except InvalidFilter:
        return "a definition that today's metadata schema does not fit"
    named = definitions.segments_named(node, table)
    names = dict(Segment.objects.of(project).filter(public_id__in=named).values_list("public_id", "name"))
    return sentence(node, table, zone=ZoneInfo(project.timezone), names=names)


def drawn(regions: Iterable[overlaps.Region], segments: Sequence[Segment]) -> list[Mapping[str, Any]]:
    """Each region in words, with its share of all that are in any."""
    found = list(regions)
    total = sum(region.count for region in found)
    rows: list[Mapping[str, Any]] = []
    for region in found:
        inside = [segment.name for segment, is_in in zip(segments, region.inside, strict=True) if is_in]
        words = " and ".join(inside) if len(inside) > 1 else f"Only {inside[0]}"
        if len(inside) == len(segments) > 2:
            words = "In all of them"
        share = f"{region.count / total * 100:.1f} %".replace(".0 %", " %") if total else "–"
        rows.append({"words": words, "count": region.count, "share": share})
    return rows
