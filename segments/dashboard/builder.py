"""Making and changing segments: the builder, and the form of a fixed list."""

from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, put_on_form
from config.filters.parser import InvalidFilter
from config.kernel.errors import DomainError
from config.project import audit
from config.project.permissions import Permission
from segments import services
from segments.dashboard import language
from segments.dashboard.forms import SegmentForm, StaticSegmentForm
from segments.dashboard.starters import STARTERS
from segments.dashboard.views import AUDIENCE, SegmentPage, pretty
from segments.errors import SegmentChanged
from segments.models import Segment

TEXTS: Final = {
    "away": "The count is not available right now. Your definition is safe.",
    "unanswered": "This cannot be answered right now.",
    "start": "Add a condition to see who matches.",
    "none": "A segment needs at least one condition: everyone is not a segment.",
    "negative": "Customers without a value are included.",
}
"""What the script says."""
COPY_OF: Final = "Copy of "
AUDITED: Final = ("name", "description", "type", "definition")
"""What the audit log keeps of a segment."""


class BuilderPage(SegmentPage):
    """The builder around a form: name, definition, and on the side who matches."""

    permission = Permission.EDIT_SEGMENTS
    template_name = "dashboard/segments/builder.html"

    def show(
        self, form: SegmentForm, *, title: str, version: str = "", problems: InvalidFilter | None = None,
        theirs: str = "", status: int = 200,
    ) -> HttpResponse:  # fmt: skip
        """version: what the browser keeps its undo steps under."""
        page = {
            "urls": {
                "preview": reverse("dashboard:segment-preview"),
                "why": reverse("dashboard:segment-why"),
                "values": reverse("dashboard:segment-values"),
                "customers": reverse("dashboard:segment-customers"),
                "list": reverse("dashboard:segment-list"),
            },
            "texts": TEXTS,
            "version": version,
            "zone": self.project.timezone,
            "dates": {"dateStyle": "medium", "timeZone": self.project.timezone},
            "currency": self.project.currency,
            "problems": [{"path": one.path, "message": one.message} for one in problems.problems] if problems else [],
        }
        context = {
            "title": title,
            "crumbs": (AUDIENCE, Crumb("Segments", reverse("dashboard:segments"))),
            "form": form,
            "page": page,
            "catalogue": language.catalogue_of(self.project),
            "starters": () if form.initial or form.is_bound else STARTERS,
            "theirs": theirs,
        }
        return self.render(context, status=status)

    def refuse_on(self, form: SegmentForm, error: DomainError) -> InvalidFilter | None:
        """Put a refusal on the form; what is wrong inside the filter goes to its field, and under the rows."""
        put_on_form(form, error)
        return error if isinstance(error, InvalidFilter) else None


class NewSegment(BuilderPage):
    """Describe a segment. `?from=` begins with another one's definition, `?start=` with a ready-made one, `?filter=`
    with a filter of its own: the customers' list writes it."""

    title = "New segment"

    def get(self, request: HttpRequest) -> HttpResponse:
        initial: dict[str, Any] = {}
        if source := request.GET.get("from", ""):
            other = self.found(source)
            initial = {
                "name": f"{COPY_OF}{other.name}"[:300],
                "description": other.description,
                "filter": pretty(other.definition or ""),
                "reports": other.type == Segment.Type.AUTO_UPDATE,
            }
        if starter := next((one for one in STARTERS if one.key == request.GET.get("start")), None):
            initial = {"name": starter.label, "filter": pretty(json.dumps(starter.filter))}
        if written := request.GET.get("filter", ""):
            initial = {"filter": pretty(written)}
        return self.show(SegmentForm(initial=initial), title=self.title, version=source)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SegmentForm(request.POST)
        problems = None
        if form.is_valid():
            values = form.cleaned_data
            try:
                with transaction.atomic():
                    segment = services.create(
                        project=self.project,
                        name=values["name"],
                        description=values["description"],
                        type=Segment.Type.AUTO_UPDATE if values["reports"] else Segment.Type.PASSIVE,
                        filter=values["filter"],
                        created_by=self.user,
                        at=self.at,
                    )
                    self.note("segment.created", "segment", segment.public_id, after=audit.facts(segment, AUDITED))
            except DomainError as error:
                problems = self.refuse_on(form, error)
            else:
                messages.success(request, f"Segment {segment.name} is saved.")
                return redirect("dashboard:segment", segment.public_id)
        return self.show(form, title=self.title, problems=problems, status=400)


class EditSegment(BuilderPage):
    """Change a segment that updates itself and reports nothing; others are frozen by the contract."""

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        if segment.type != Segment.Type.PASSIVE:
            return self.duplicate_instead(request, segment)
        form = self.form_of(segment)
        return self.show(form, title=f"Edit {segment.name}", version=f"{public_id}-{segment.version}")

    def form_of(self, segment: Segment) -> SegmentForm:
        form = SegmentForm(
            initial={
                "name": segment.name,
                "description": segment.description,
                "filter": pretty(segment.definition or ""),
                "version": segment.version,
            }
        )
        del form.fields["reports"]
        return form

    def duplicate_instead(self, request: HttpRequest, segment: Segment) -> HttpResponse:
        if segment.type == Segment.Type.STATIC:
            messages.warning(request, "A fixed list stays as it was made. Make a new one from a list.")
            return redirect("dashboard:segment", segment.public_id)
        messages.warning(
            request, "This segment reports who enters and leaves, so its definition is frozen. This is a copy to edit."
        )
        return redirect(f"{reverse('dashboard:segment-new')}?from={segment.public_id}")

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        segment = self.found(public_id)
        if segment.type != Segment.Type.PASSIVE:
            return self.duplicate_instead(request, segment)
        posted = request.POST.copy()
        form = SegmentForm(posted)
        del form.fields["reports"]
        problems, theirs = None, ""
        if form.is_valid():
            values = form.cleaned_data
            try:
                with transaction.atomic():
                    before = audit.facts(segment, AUDITED)
                    changed = services.update(
                        segment=segment,
                        name=values["name"],
                        description=values["description"],
                        filter=values["filter"],
                        version=values["version"] or 0,
                        user=self.user,
                        at=self.at,
                    )
                    after = audit.facts(changed, AUDITED)
                    self.note("segment.changed", "segment", segment.public_id, before=before, after=after)
            except SegmentChanged:
                theirs = language.sentences(project=self.project, segments=[segment]).get(segment.pk, segment.name)
                posted["version"] = str(segment.version)
            except DomainError as error:
                problems = self.refuse_on(form, error)
            else:
                messages.success(request, f"Segment {values['name']} is saved.")
                return redirect("dashboard:segment", public_id)
        return self.show(form, title=f"Edit {segment.name}", problems=problems, theirs=theirs, status=400)


class NewStaticSegment(Page):
    """A segment of exactly these customers."""

    permission = Permission.EDIT_SEGMENTS
    section = "segments"
    template_name = "dashboard/segments/static.html"
    title = "New segment from a list"

    def shell(self) -> dict[str, Any]:
        return super().shell() | {"crumbs": (AUDIENCE, Crumb("Segments", reverse("dashboard:segments")))}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render({"form": StaticSegmentForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = StaticSegmentForm(request.POST)
        if form.is_valid():
            values = form.cleaned_data
            try:
                with transaction.atomic():
                    segment = services.create(
                        project=self.project,
                        name=values["name"],
                        description=values["description"],
                        type=Segment.Type.STATIC,
                        customers=values["customers"],
                        created_by=self.user,
                        at=self.at,
                    )
                    after = audit.facts(segment, AUDITED) | {"customers": len(values["customers"])}
                    self.note("segment.created", "segment", segment.public_id, after=after)
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, f"Segment {segment.name} is saved.")
                return redirect("dashboard:segment", segment.public_id)
        return self.render({"form": form}, status=400)
