"""Data › Exports: every file that was asked for, and the page where one is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.exportables import EXPORTABLES, Exportable, View
from config.dashboard.lists import Column, ListSpec, Sort, Tab
from config.dashboard.passwords import PasswordAgain
from config.exports import files, services
from config.jobs.models import Export
from config.kernel.errors import DomainError, NotFound
from config.project import accounts
from config.project.permissions import Permission

DATA: Final = Crumb("Data")
ASKS_FROM: Final = 1_000
"""Above this many rows the password is asked again."""
Status = Export.Status
RUNNING: Final = (Status.SCHEDULED, Status.IN_PROGRESS)
WORDS: Final = {
    Status.SCHEDULED: ("wait", "Queued"),
    Status.IN_PROGRESS: ("run", "Running"),
    Status.DONE: ("ok", "Done"),
    Status.ERROR: ("bad", "Failed"),
}


def exports_of(page: Page) -> QuerySet[Export]:
    """What the list shows of each export."""
    return Export.objects.of(page.project).select_related("user", "action")


def export_list(at: datetime) -> ListSpec[Export]:
    """All exports of a project."""
    return ListSpec(
        one="export",
        many="exports",
        columns=(
            Column("Export", _name_cell),
            Column("State", _state_cell),
            Column("Rows", _rows, number=True),
            Column("Who", lambda row: row.user.email if row.user else "API key", on_phone=False),
            Column("When", lambda row: kit.moment(row.created_at, at)),
            Column("File", _file_cell),
        ),
        sorts=(Sort("created", "When", "created_at", descending=True),),
        tabs=(
            Tab("", "All"),
            Tab("dashboard", "From here", Q(channel="WEBSITE")),
            Tab("api", "Over the API", ~Q(channel="WEBSITE")),
        ),
    )


def _name_cell(row: Export) -> SafeString:
    fields = row.parameters.get("fields") or []
    note = kit.plural(len(fields), "field", "fields") if fields else "Default fields"
    return kit.with_note(row.title or f"{row.exported_object.replace('_', ' ').capitalize()}s", note)


def _state_cell(row: Export) -> SafeString:
    failure = row.action.failure[:160] if row.action is not None else ""
    return kit.with_note(kit.status(*WORDS[Status(services.status_of(row))]), failure)


def _rows(row: Export) -> str:
    return kit.number(row.rows if row.rows is not None or row.action is None else row.action.rows_done)


def _file_cell(row: Export) -> SafeString:
    parts = []
    if row.status == Status.DONE:
        url = reverse("dashboard:export-file", args=[row.public_id])
        parts.append(format_html('<a class="button small" href="{}">{}Download</a>', url, kit.icon("download")))
    if (again := again_url(row)) and services.status_of(row) not in RUNNING:
        parts.append(format_html('<a class="button small quiet" href="{}">Run again</a>', again))
    return format_html('<span class="chips">{}</span>', kit.joined(parts)) if parts else kit.NONE


def again_url(row: Export) -> str:
    """The page that asks for the same once more; empty for exports over the API."""
    asked = row.parameters.get("list")
    if not isinstance(asked, dict) or asked.get("name") not in EXPORTABLES:
        return ""
    return export_url(asked["name"], asked.get("query") or {})


def export_url(name: str, query: dict[str, str]) -> str:
    """Where the list is exported as it is filtered now."""
    return f"{reverse('dashboard:export-new')}?{urlencode({'list': name, **query})}"


class ExportList(Page):
    """Every export of the project."""

    permission = Permission.EXPORT
    section = "exports"
    template_name = "dashboard/exports/list.html"
    title = "Exports"
    crumbs = (DATA,)

    def get(self, request: HttpRequest) -> HttpResponse:
        listing = lists.read(export_list(self.at), exports_of(self), request.GET.dict())
        empty = {
            "icon": "download",
            "title": "No exports yet",
            "text": "Filter a list of customers, vouchers or redemptions, then press Export: the file appears here.",
            "actions": [{"url": reverse("dashboard:customers"), "label": "Go to customers"}],
        }
        running = any(services.status_of(row) in RUNNING for row in listing.rows)
        return self.render({"listing": listing, "empty": empty, "running": running})


class ExportForm(PasswordAgain):
    """Which fields, in which order: that of the page."""

    fields_chosen = forms.MultipleChoiceField(label="Fields", error_messages={"required": "Choose at least one field."})

    def __init__(self, *args: Any, offered: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        chosen = self.fields["fields_chosen"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        chosen.choices = list(offered.items())


class ExportNew(Page):
    """Export a list as it is filtered: `?list=customers&country=DE`."""

    permission = Permission.EXPORT
    section = "exports"
    template_name = "dashboard/exports/new.html"
    title = "Export"
    crumbs = (DATA,)

    def exportable(self) -> Exportable:
        """The list that the address names, which this person must be allowed to see."""
        one = EXPORTABLES.get(self.request.GET.get("list", ""))
        if one is None:
            raise Http404
        self.require(one.permission)
        return one

    def get(self, request: HttpRequest) -> HttpResponse:
        one = self.exportable()
        view, offered = one.view(self.project, request.GET.dict(), self.at), one.fields(self.project)
        rows = lists.capped_count(view.rows)
        chosen = accounts.recall(user=self.user, name=f"export.{one.name}") or one.export_kind().default_fields
        return self.show(one, view, self.form_for(offered, rows), rows, list(chosen))

    def post(self, request: HttpRequest) -> HttpResponse:
        one = self.exportable()
        view, offered = one.view(self.project, request.GET.dict(), self.at), one.fields(self.project)
        rows = lists.capped_count(view.rows)
        form = self.form_for(offered, rows, request.POST)
        if form.is_valid():
            try:
                self.start(one, view, list(dict.fromkeys(form.cleaned_data["fields_chosen"])), rows)
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, "The file is being written. It can be downloaded here as soon as it is done.")
                return redirect("dashboard:exports")
        return self.show(one, view, form, rows, request.POST.getlist("fields_chosen"), status=400)

    def form_for(self, offered: dict[str, str], rows: int | None, data: Any = None) -> ExportForm:
        """The form; a big export asks for the password."""
        return ExportForm(data, user=self.user, asks=rows is None or rows > ASKS_FROM, offered=offered)

    def start(self, one: Exportable, view: View, chosen: list[str], rows: int | None) -> None:
        """Queue the file, write down who asked for what, and remember the choice of fields."""
        with transaction.atomic():
            export = services.start(
                project=self.project,
                exported_object=one.kind,
                parameters={"fields": chosen},
                of_list={"name": one.name, "query": view.asked},
                at=self.at,
                user=self.user,
                title=view.sentence,
                request_id=self.request.META.get("REQUEST_ID", ""),
            )
            accounts.remember(user=self.user, name=f"export.{one.name}", value=chosen)
            counted = rows if rows is not None else "more than 10,000"
            after = {"filter": view.sentence, "rows": counted, "fields": chosen}
            self.note("export.created", "export", export.public_id, name=view.sentence, after=after)

    def show(
        self, one: Exportable, view: View, form: ExportForm, rows: int | None, chosen: list[str], *, status: int = 200
    ) -> HttpResponse:
        """The page: chosen fields first in their order, then the others."""
        offered = form.offered
        names = [name for name in chosen if name in offered]
        fields = [(name, offered[name], True) for name in names]
        fields += [(name, label, False) for name, label in offered.items() if name not in names]
        context = {
            "form": form,
            "fields": fields,
            "sentence": view.sentence,
            "rows": f"More than {lists.COUNT_LIMIT:,} rows" if rows is None else kit.plural(rows, "row", "rows"),
            "cancel": f"{reverse(f'dashboard:{one.name}')}?{urlencode(view.asked)}",
            "title": f"Export {one.label.lower()}",
            "crumbs": (DATA, Crumb("Exports", reverse("dashboard:exports"))),
        }
        return self.render(context, status=status)


class ExportFile(Page):
    """The file. Who takes it is written down."""

    permission = Permission.EXPORT
    read_in_transaction = False

    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        export = Export.objects.of(self.project).filter(public_id=public_id, status=Status.DONE).first()
        if export is None or not files.path_of(export).exists():
            raise NotFound.of("export", public_id)
        self.note("export.downloaded", "export", export.public_id, name=export.title, after={"rows": export.rows})
        return FileResponse(
            files.path_of(export).open("rb"),
            as_attachment=True,
            filename=f"{export.exported_object}-{export.public_id}.csv",
            content_type="text/csv; charset=utf-8",
        )
