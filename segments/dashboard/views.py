"""Segments for marketers: the list, and a segment's members, definition and uses."""

from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from config.dashboard import lists
from config.dashboard.base import Crumb, Page, sentence_of
from config.kernel.errors import NotFound, ResourceInUse
from config.project import audit
from config.project.permissions import Permission
from segments import services, uses
from segments.dashboard import language
from segments.dashboard.lists import member_list, members_of, segment_list, segments_of
from segments.models import Segment

AUDIENCE: Final = Crumb("Audience")
REST: Final = (
    *(("segment-overlap", "Overlap"), ("segment-check", "Is a customer in?"), ("segment-definition", "Definition")),
    *(("segment-usage", "Used in"), ("segment-activity", "Activity")),
)
"""The tabs of every segment's page after its members and their growth."""


class SegmentList(Page):
    """All segments of the project."""

    permission = Permission.SEE_SEGMENTS
    section = "segments"
    template_name = "dashboard/segments/list.html"
    title = "Segments"
    crumbs = (AUDIENCE,)

    def get(self, request: HttpRequest) -> HttpResponse:
        sentences: dict[int, str] = {}
        counts: dict[int, int] = {}
        listing = lists.read(segment_list(self.at, sentences, counts), segments_of(self.project), request.GET.dict())
        sentences.update(language.sentences(project=self.project, segments=listing.rows))
        counts.update(language.counts(project=self.project, segments=listing.rows, at=self.at))
        return self.render({"listing": listing, "empty": self.empty()})

    def empty(self) -> dict[str, Any]:
        actions = [
            {"url": reverse("dashboard:segment-new"), "label": "New segment"},
            {"url": reverse("dashboard:segment-list"), "label": "From a list"},
        ]
        return {
            "icon": "funnel",
            "title": "No segments yet",
            "text": "A segment is a group of customers: described by conditions, so that it keeps itself up to date, "
            "or listed one by one.",
            "actions": actions if self.may(Permission.EDIT_SEGMENTS) else [],
        }


class SegmentPage(Page):
    """What the pages of one segment share."""

    permission = Permission.SEE_SEGMENTS
    section = "segments"
    name = ""

    def found(self, public_id: str) -> Segment:
        """The segment of that id. Raises NotFound."""
        rows = Segment.objects.of(self.project).select_related("created_by").filter(public_id=public_id)
        if (segment := rows.first()) is None:
            raise NotFound.of("segment", public_id)
        return segment

    def around(self, segment: Segment) -> dict[str, Any]:
        """Title, way, tabs and what the buttons need."""
        static = segment.type == Segment.Type.STATIC
        growth = (("segment-growth", "Growth"),) if segment.type == Segment.Type.AUTO_UPDATE else ()
        tabs = (("segment", "Members"), *growth, *REST)
        return {
            "title": segment.name,
            "crumbs": (AUDIENCE, Crumb("Segments", reverse("dashboard:segments"))),
            "segment": segment,
            "is_static": static,
            "is_editable": segment.type == Segment.Type.PASSIVE,
            "words": language.sentences(project=self.project, segments=[segment]).get(segment.pk, ""),
            "parts": [
                {
                    "label": label,
                    "url": reverse(f"dashboard:{name}", args=[segment.public_id]),
                    "current": name == self.name,
                }
                for name, label in tabs
            ],
        }


class SegmentMembers(SegmentPage):
    """Who is in, now."""

    template_name = "dashboard/segments/members.html"
    name = "segment"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        rows = members_of(segment, self.at)
        listing = lists.read(member_list(self.project, self.at), rows, request.GET.dict())
        empty = {
            "icon": "users",
            "title": "Nobody is in",
            "text": "No customer fits the definition at the moment."
            if segment.type != Segment.Type.STATIC
            else "The listed customers have been deleted since.",
        }
        return self.render(self.around(segment) | {"listing": listing, "empty": empty})


class SegmentDefinition(SegmentPage):
    """The definition in words and as the API has it."""

    template_name = "dashboard/segments/definition.html"
    name = "segment-definition"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        return self.render(self.around(segment) | {"json": pretty(segment.definition or "")})


class SegmentUsage(SegmentPage):
    """What refers to it, and so keeps it from being deleted."""

    template_name = "dashboard/segments/usage.html"
    name = "segment-usage"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        empty = {
            "icon": "funnel",
            "title": "Not used yet",
            "text": "Validation rules and other segments that refer to it are listed here.",
        }
        found = [shown_use(use) for use in uses.uses_of(segment)]
        return self.render(self.around(segment) | {"uses": found, "empty": empty})


class SegmentCount(SegmentPage):
    """The number of members, for the list to fetch."""

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        count = language.counted(segment, self.at)
        return render(request, "dashboard/segments/_count.html", {"segment_id": public_id, "count": count})


class DeleteSegment(SegmentPage):
    """Delete it for good; refused while it is in use."""

    permission = Permission.EDIT_SEGMENTS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:segment", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        try:
            with transaction.atomic():
                services.delete(project=self.project, identifier=public_id)
                before = audit.facts(segment, ("name", "type", "definition"))
                self.note("segment.deleted", "segment", public_id, before=before)
        except ResourceInUse as error:
            messages.error(request, sentence_of(error))
            return redirect("dashboard:segment-usage", public_id)
        messages.success(request, f"Segment {segment.name} is deleted. Its customers are not.")
        return redirect("dashboard:segments")


def shown_use(use: uses.Use) -> dict[str, str]:
    """What uses a segment, with its page where there is one."""
    url = reverse("dashboard:segment", args=[use.id]) if use.type == "segment" else ""
    return {"kind": use.type.capitalize(), "name": use.name or use.id, "url": url}


def pretty(definition: str) -> str:
    """The definition with line breaks, its keys in the order they were sent."""
    return json.dumps(json.loads(definition), indent=2, ensure_ascii=False) if definition else ""
