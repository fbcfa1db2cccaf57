"""How a segment grew, day by day; and a fixed list of who is in it now."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.dashboard import charts, kit
from config.kernel.errors import LimitExceeded
from config.project.permissions import Permission
from segments.dashboard.views import SegmentPage
from segments.models import Segment
from segments.services import freezing, growth

DAYS: Final = 30
SERIES: Final = ("Entered", "Left")


class SegmentGrowth(SegmentPage):
    """Members, entered and left of the last days; of segments that report entries."""

    template_name = "dashboard/segments/growth.html"
    name = "segment-growth"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        return self.render(self.around(segment) | self.shown(segment))

    def shown(self, segment: Segment) -> dict[str, Any]:
        """The chart, or why there is none."""
        if segment.type != Segment.Type.AUTO_UPDATE:
            text = "Only a segment that reports entries keeps a record of who enters and leaves."
            return {"empty": {"icon": "clock", "title": "No record", "text": text}}
        if segment.is_counting:
            text = "The first members are being written down. Look again in a moment."
            return {"empty": {"icon": "clock", "title": "Counting…", "text": text}}
        found = growth.of(segment, days=DAYS, at=self.at)
        drawn = [charts.Day(day.day, (day.entered, day.left)) for day in found]
        names, today = [name.lower() for name in SERIES], found[-1].day
        entered, left = sum(day.entered for day in found), sum(day.left for day in found)
        return {
            "chart": charts.bars(drawn, names, width=1040, height=260, marks=7, today=today),
            "compact": charts.bars(drawn, names, width=360, height=220, marks=3, today=today),
            "days": [charts.Day(day.day, (day.members, day.entered, day.left)) for day in reversed(found)],
            "names": ("Members", *SERIES),
            "caption": f"Who entered and left in the last {DAYS} days",
            "now": f"{kit.plural(found[-1].members, 'member', 'members')} now. "
            f"{entered:,} entered and {left:,} left in the last {kit.plural(len(found), 'day', 'days')}.",
        }


class FreezeSegment(SegmentPage):
    """Make a fixed list of the members it has now."""

    permission = Permission.EDIT_SEGMENTS

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:segment", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        name = f"{segment.name}, {self.at:%Y-%m-%d %H:%M}"
        try:
            with transaction.atomic():
                frozen = freezing.freeze(segment=segment, name=name, at=self.at, created_by=self.user)
                after = {"name": frozen.name, "type": frozen.type, "members_of": segment.public_id}
                self.note("segment.created", "segment", frozen.public_id, after=after)
        except LimitExceeded:
            messages.error(request, "This project has a cap on fixed lists, and the segment has more members than it.")
            return redirect("dashboard:segment", public_id)
        messages.success(request, f"{frozen.name} is a fixed list of the members of this moment.")
        return redirect("dashboard:segment", frozen.public_id)
