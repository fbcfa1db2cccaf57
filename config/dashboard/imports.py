"""Imports of customers: upload, map, look at what will happen, run, and what became of it; and the history.

Every step is an address of its own, so Back works and a half-finished import can be found in the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import get_valid_filename

from config.dashboard import lists
from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.import_forms import FormatForm, OptionsForm, TargetRow, UploadForm, mapping_of, rows_of
from config.dashboard.import_words import COUNTED, OUTCOMES, import_list, option_sentences, preview_tabs
from config.dashboard.tasks import progress_context
from config.imports import files, runner, services, upkeep
from config.imports.models import ImportFile
from config.imports.subjects import Options
from config.jobs import runner as jobs
from config.jobs.models import AsyncAction
from config.kernel.errors import DomainError, NotFound
from config.project.permissions import Permission
from customers import imports
from customers.services.importing import SUBJECT

AUDIENCE = Crumb("Audience")
CONVERTING: Final = "dashboard/imports/converting.html"
STEPS: Final = ("Upload", "Map", "Preview", "Run", "Result")
PREVIEW_AT_ONCE: Final = 3_000_000
"""Bytes up to which the preview is made while the person waits; above, in the background."""


class ImportPage(Page):
    """What the steps share: the file of this project, and where one stands."""

    permission = Permission.IMPORT
    section = "imports"
    step: int = 0

    def found(self, public_id: str) -> ImportFile:
        rows = ImportFile.objects.of(self.project).select_related("project", "action", "created_by")
        if (file := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("import", public_id)
        return file

    def shell(self) -> dict[str, Any]:
        steps = [
            {"label": label, "done": number < self.step, "current": number == self.step}
            for number, label in enumerate(STEPS)
        ]
        crumbs = (AUDIENCE, Crumb("Imports", reverse("dashboard:imports")))
        return super().shell() | {"crumbs": crumbs, "steps": steps}


class ImportList(ImportPage):
    """Every import there was."""

    template_name = "dashboard/imports/list.html"
    title = "Imports"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = ImportFile.objects.of(self.project).select_related("action", "created_by")
        empty = {
            "icon": "upload",
            "title": "No imports yet",
            "text": "Bring your customers in from a CSV or Excel file. You see what will happen before it happens.",
            "actions": [{"url": reverse("dashboard:import-new"), "label": "Import a file"}],
        }
        listing = lists.read(import_list(self.at), rows, request.GET.dict())
        return self.render({"listing": listing, "empty": empty, "crumbs": (AUDIENCE,)})


class Upload(ImportPage):
    """Step 1: the file."""

    template_name = "dashboard/imports/upload.html"
    title = "Import customers"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render({"form": UploadForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                file = imports.upload(
                    project=self.project, content=upload, given_name=upload.name, at=self.at, user=self.user
                )
            except DomainError as error:
                put_on_form(form, error, fields=("file",))
            else:
                return redirect("dashboard:import-map", file.public_id)
        return self.render({"form": form}, status=400)


class Mapping(ImportPage):
    """Step 2: where each column goes, and how the rows are applied."""

    template_name = "dashboard/imports/map.html"
    title = "Where do the columns go?"
    step = 1

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        file = self.found(public_id)
        if file.action is not None:
            return redirect("dashboard:import", public_id)
        if files.is_waiting(file):
            return self.waiting(file)
        if request.headers.get("X-Requested-With") == "poll":  # the page that waited asks whether it may go on
            return self.render({"file": file, "ready": True}, template=CONVERTING)
        former = files.former_of(file) if "former" in request.GET else None
        chosen = former or file
        options = OptionsForm.of(Options.from_json(chosen.options), title=file.title)
        rows = rows_of(imports.inspect(file), chosen.mapping, SUBJECT.targets(self.project))
        return self.show(file, rows, options)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        file = self.found(public_id)
        if file.action is not None:
            return redirect("dashboard:import", public_id)
        if files.is_waiting(file):
            return redirect("dashboard:import-map", public_id)
        if "encoding" in request.POST:
            return self.change_format(file)
        mapping = mapping_of(request.POST, file.headers)
        options = OptionsForm(request.POST)
        if options.is_valid():
            try:
                services.save_mapping(
                    import_file=file,
                    subject=SUBJECT,
                    mapping=mapping,
                    options=options.options(),
                    title=options.cleaned_data["title"],
                )
            except DomainError as error:
                put_on_form(options, error, fields=("title",))
            else:
                return redirect("dashboard:import-preview", public_id)
        rows = rows_of(imports.inspect(file), mapping, SUBJECT.targets(self.project))
        return self.show(file, rows, options, status=400)

    def waiting(self, file: ImportFile) -> HttpResponse:
        """A workbook that is being read, or that could not be."""
        rows = AsyncAction.objects.of(self.project)
        action = rows.filter(public_id=file.options.get("conversion") or "").first()
        context: dict[str, Any] = {"file": file, "title": "Reading the workbook", "action": action}
        if action is None or action.status == AsyncAction.Status.FAILED:
            problem = action.failure if action else "The workbook was not read; upload it again"
            return self.render(context | {"problem": problem}, template=CONVERTING, status=400)
        return self.render(context | progress_context(action, self.at), template=CONVERTING)

    def change_format(self, file: ImportFile) -> HttpResponse:
        """Read the file anew, as the person says that it is written."""
        form = FormatForm(self.request.POST)
        if form.is_valid():
            try:
                files.change_format(file, subject=SUBJECT, **form.cleaned_data)
            except DomainError as error:
                messages.error(self.request, error.details or error.message)
        return redirect("dashboard:import-map", file.public_id)

    def show(self, file: ImportFile, rows: list[TargetRow], options: OptionsForm, *, status: int = 200) -> HttpResponse:
        inspection = imports.inspect(file)
        context = {
            "file": file,
            "rows": rows,
            "options": options,
            "format": FormatForm(initial={"encoding": file.encoding, "delimiter": file.delimiter}),
            "inspection": inspection,
            "data_rows": max(0, inspection.lines - 1),
            "former": None if "former" in self.request.GET else files.former_of(file),
        }
        return self.render(context, status=status)


class Preview(ImportPage):
    """Step 3: what would happen, by the same plan as the run."""

    template_name = "dashboard/imports/preview.html"
    title = "What will happen"
    step = 2
    read_in_transaction = False

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        file = self.found(public_id)
        if file.action is not None:
            return redirect("dashboard:import", public_id)
        if files.is_waiting(file):
            return redirect("dashboard:import-map", public_id)
        if file.size > PREVIEW_AT_ONCE:
            return self.in_background(file)
        try:
            summary = imports.dry_run(file, mapping=file.mapping, options=Options.from_json(file.options)).as_json()
        except DomainError as error:
            return self.render({"file": file, "problem": error.details or error.message}, status=400)
        return self.render(self.context(file, summary))

    def in_background(self, file: ImportFile) -> HttpResponse:
        """Start the dry run, wait for it, or show what it found."""
        action = self.preview_of(file)
        if action is None:
            action = imports.start_preview(file, at=self.at, user=self.user)
        if action.status == AsyncAction.Status.DONE and action.result is not None:
            return self.render(self.context(file, action.result))
        if action.status == AsyncAction.Status.FAILED:
            return self.render({"file": file, "problem": action.failure}, status=400)
        return self.render({"file": file, "action": action, **progress_context(action, self.at)})

    def preview_of(self, file: ImportFile) -> AsyncAction | None:
        name = file.options.get("preview")
        return AsyncAction.objects.of(self.project).filter(public_id=name).first() if name else None

    def context(self, file: ImportFile, summary: dict[str, Any]) -> dict[str, Any]:
        asked = self.request.GET.get("show", "")
        shown = asked if asked in OUTCOMES else next((key for key in OUTCOMES if summary[key]), "new")
        good = summary["new"] + summary["changed"]
        return {
            "file": file,
            "summary": summary,
            "counts": [(label, summary[key], tone) for key, (label, tone) in OUTCOMES.items()],
            "tabs": preview_tabs(summary, shown),
            "shown": shown,
            "sample": summary["samples"].get(shown, []),
            "good": good,
            "left_out": _left_out(file),
            "chosen": option_sentences(Options.from_json(file.options)),
            "can_run": good > 0 or bool(file.options.get("segment") and summary["same"]),
        }


class Run(ImportPage):
    """Step 4 begins: start, stop or go on."""

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:import", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        file = self.found(public_id)
        match request.POST.get("do"):
            case "stop" if file.action is not None:
                with transaction.atomic():
                    jobs.request_stop(file.action)
                    self.note("import.stopped", "import", file.public_id, name=file.title)
                messages.info(request, "It stops after the rows it is at. What was done until then stays.")
            case "resume" if file.action is not None:
                with transaction.atomic():
                    if imports.resume(file, at=self.at):
                        self.note("import.resumed", "import", file.public_id, name=file.title)
            case "start" if file.action is None and not files.is_waiting(file):
                try:
                    self.start(file)
                except DomainError as error:
                    messages.error(request, error.details or error.message)
                    return redirect("dashboard:import-map", public_id)
        return redirect("dashboard:import", public_id)

    def start(self, file: ImportFile) -> None:
        with transaction.atomic():
            imports.start(
                file,
                mapping=file.mapping,
                options=Options.from_json(file.options),
                at=self.at,
                user=self.user,
                title=f"Import {file.title}",
                request_id=self.request.META.get("REQUEST_ID", ""),
            )
            self.note(
                f"{file.subject.removesuffix('s')}.import_started",
                "import",
                file.public_id,
                name=file.title,
                after={"file": file.given_name},
            )


class Result(ImportPage):
    """Steps 4 and 5: progress while it runs, then what became of every row."""

    template_name = "dashboard/imports/result.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        file = self.found(public_id)
        if file.action is None:
            return redirect("dashboard:import-map", public_id)
        progress = progress_context(file.action, self.at)
        counts = runner.counts_of(file)
        self.step = 3 if progress["running"] else 4
        return self.render(
            {
                "title": file.title or file.given_name,
                "file": file,
                "action": file.action,
                "counts": [(label, counts[key], tone) for key, label, tone in COUNTED],
                "failed_count": counts["failed"],
                "left_out": _left_out(file),
                "written": counts["created"] + counts["updated"],
                "kept_until": file.created_at + upkeep.KEPT if files.original(file).exists() else None,
                "segment": file.options.get("segment_id"),
                "segment_name": file.options.get("segment"),
                "failures": list(file.failures.order_by("row")[:20]),
                **progress,
            }
        )


class FailedRows(ImportPage):
    """The rows that did not go in, as a file to mend and upload again."""

    read_in_transaction = False

    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        file = self.found(public_id)
        stem = get_valid_filename((file.given_name or "import").rsplit(".", 1)[0] or "import")
        response = StreamingHttpResponse(_encoded(files.failed_rows_csv(file)), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{stem}-failed.csv"'
        return response


class Original(ImportPage):
    """The file as it was uploaded, as long as it is kept."""

    read_in_transaction = False

    def get(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        file = self.found(public_id)
        path = files.original(file)
        if not path.exists():
            raise NotFound.of("file of import", public_id)
        self.note("import.downloaded", "import", file.public_id, name=file.given_name)
        name = get_valid_filename(file.given_name or "import") or "import"
        if file.options.get("sheet") and not name.lower().endswith(".csv"):
            name = f"{name}.csv"  # of a workbook its first sheet is kept
        return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/octet-stream")


def _left_out(file: ImportFile) -> list[str]:
    """Columns that go nowhere, by choice."""
    return [header for header, target in zip(file.headers, file.mapping, strict=True) if not target]


def _encoded(lines: Iterator[str]) -> Iterator[bytes]:
    """With a byte-order mark, so that spreadsheets read it as UTF-8."""
    yield "\ufeff".encode()
    for line in lines:
        yield line.encode()
