"""Customers for operators: a list to look at, import and export of files."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from import_export.admin import ExportMixin, ImportMixin
from import_export.formats.base_formats import CSV, TSV, XLSX
from import_export.forms import ConfirmImportForm, ExportForm, ImportForm
from tablib import Dataset

from config.imports import workbooks
from config.kernel import instants
from config.project.models import Project
from customers.models import Customer
from customers.resources import CustomerResource

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin


MOST_BYTES: Final = 10 * 1024 * 1024
"""It does one row at a time, with the file in memory: what is larger belongs in the dashboard's wizard."""


class Workbook(XLSX):
    """XLSX, read as the wizard reads it: in a process of its own, its first sheet as texts."""

    def create_dataset(self, in_stream: bytes) -> Dataset:
        """Raises UnreadableFile."""
        with TemporaryDirectory() as folder:
            source, target = Path(folder, "book"), Path(folder, "sheet")
            source.write_bytes(in_stream)
            workbooks.to_csv(source, target, limit=MOST_BYTES)
            dataset: Dataset = CSV(encoding="utf-8").create_dataset(target.read_bytes())
        return dataset


class CustomerImportForm(ImportForm):
    """Which project the file is for."""

    project = forms.ModelChoiceField(Project.objects.all())

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"The file is larger than {MOST_BYTES:,} bytes; import it in the dashboard")
        return file


class CustomerConfirmForm(ConfirmImportForm):
    """Carries the project to the second step."""

    project = forms.ModelChoiceField(Project.objects.all(), widget=forms.HiddenInput())


@admin.register(Customer)
class CustomerAdmin(ImportMixin, ExportMixin, AnyModelAdmin):
    """Looks, imports and exports; profiles are edited in the dashboard."""

    resource_classes: ClassVar = [CustomerResource]
    import_form_class = CustomerImportForm
    confirm_form_class = CustomerConfirmForm
    export_form_class = ExportForm
    import_formats: ClassVar = [CSV, TSV, Workbook]
    export_formats: ClassVar = [CSV, TSV, XLSX]
    list_display = ("public_id", "source_id", "name", "email", "project", "created_at", "deleted_at")
    list_select_related = ("project",)
    list_filter: ClassVar = ["project"]
    search_fields = ("=public_id", "=source_id", "=email_key")
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("customers.add_customer"))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("customers.view_customer"))

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.get("form")
        cleaned = getattr(form, "cleaned_data", None) or {}
        return {"project": cleaned.get("project"), "at": instants.now()}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        if import_form is not None:
            initial["project"] = import_form.cleaned_data["project"].pk
        return initial

    def get_export_queryset(self, request: HttpRequest) -> Any:
        return super().get_export_queryset(request).alive()
