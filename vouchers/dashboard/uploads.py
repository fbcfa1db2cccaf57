"""Import codes from a CSV file with the columns of the API; the import's page says what became of each row."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, put_on_form
from config.imports import doors
from config.imports.models import ImportFile
from config.imports.subjects import Options
from config.kernel.errors import DomainError
from config.project.permissions import Permission
from vouchers import tasks
from vouchers.columns import TABLE
from vouchers.dashboard.views import PROMOTIONS
from vouchers.services import files


class UploadForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label="CSV file", error_messages={"required": "Choose a file.", "empty": "The file is empty."}
    )


class VoucherImport(Page):
    """Choose a file; the import begins at once."""

    permission = Permission.EDIT_VOUCHERS
    section = "vouchers"
    template_name = "dashboard/vouchers/import.html"
    title = "Import codes"

    def show(self, form: UploadForm, status: int = 200) -> HttpResponse:
        crumbs = (PROMOTIONS, Crumb("Vouchers", reverse("dashboard:vouchers")))
        columns = [target.label for target in TABLE.targets]
        return self.render({"form": form, "crumbs": crumbs, "columns": columns}, status=status)

    def get(self, request: HttpRequest) -> HttpResponse:
        self.require(Permission.IMPORT)
        return self.show(UploadForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        self.require(Permission.IMPORT)
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                action = doors.start_from_api(
                    project=self.project,
                    subject=files.SUBJECT,
                    task=tasks.import_file,
                    target_of=TABLE.target_of,
                    content=upload,
                    given_name=upload.name or "codes.csv",
                    at=self.at,
                    limit=settings.BODY_LIMIT,
                    options=Options(unescape=True),
                    request_id=request.META.get("REQUEST_ID", ""),
                )
            except DomainError as error:
                put_on_form(form, error, fields=("file",))
            else:
                self.note("voucher.import_started", "import", action.public_id, name=upload.name or "")
                return redirect("dashboard:import", ImportFile.objects.of(self.project).get(action=action).public_id)
        return self.show(form, status=400)
