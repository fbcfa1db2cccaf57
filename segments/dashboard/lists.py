"""The lists of segments and of a segment's members: their columns, tabs, filters and search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.dashboard import kit
from config.dashboard.lists import Column, ListSpec, Sort, Tab
from config.project.models import Project
from customers.dashboard.lists import customer_list, customers_of
from customers.models import Customer
from segments import definitions
from segments.models import Segment


def segments_of(project: Project) -> QuerySet[Segment]:
    """What the list shows of each segment."""
    return Segment.objects.of(project).only("public_id", "name", "type", "definition", "created_at", "project_id")


def segment_list(at: datetime, sentences: Mapping[int, str], counts: Mapping[int, int]) -> ListSpec[Segment]:
    """The segments of a project. sentences, counts: by row id; the page asks for a count that is not there."""
    return ListSpec(
        one="segment",
        many="segments",
        columns=(
            Column("Name", lambda row: kit.with_note(_name(row), sentences.get(row.pk, ""))),
            Column("Type", lambda row: row.get_type_display(), on_phone=False),
            Column("Members", lambda row: members_cell(row, counts), number=True),
            Column("Created", lambda row: kit.moment(row.created_at, at), sort="created", on_phone=False),
        ),
        sorts=(Sort("created", "Created", "created_at", descending=True),),
        tabs=(
            Tab("", "All"),
            Tab("dynamic", "Update themselves", ~Q(type=Segment.Type.STATIC)),
            Tab("static", "Fixed lists", Q(type=Segment.Type.STATIC)),
        ),
        search=lambda rows, text: rows.filter(Q(name__istartswith=text) | Q(public_id=text)),
        search_hint="Name starts with…",
        page_size=25,
    )


def _name(row: Segment) -> SafeString:
    return kit.link(reverse("dashboard:segment", args=[row.public_id]), row.name, row=True)


def members_cell(row: Segment, counts: Mapping[int, int]) -> SafeString:
    """The number, or a place that asks for it while it is not known."""
    if row.pk in counts:
        return format_html("{}", kit.number(counts[row.pk]))
    url = reverse("dashboard:segment-count", args=[row.public_id])
    return format_html(
        '<span id="count-{}" class="muted nowrap" data-poll="{}" data-poll-ms="50">Counting…</span>', row.public_id, url
    )


def member_list(project: Project, at: datetime) -> ListSpec[Customer]:
    """The members of a segment: the list of customers under another name."""
    return replace(customer_list(project, at), one="member", many="members")


def members_of(segment: Segment, at: datetime) -> QuerySet[Customer]:
    """What the list shows of each member."""
    rows: QuerySet[Customer] = customers_of(segment.project)
    return rows.filter(definitions.q_of(segment, definitions.scope_of(segment.project, at)))
