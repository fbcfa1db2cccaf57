"""What an import was given and what became of each line."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F

from config.jobs.models import AsyncAction
from config.project.fields import PublicIdField
from config.project.models import Scoped


class ImportFile(Scoped):
    """An uploaded file, how it is read, where its columns go, and the options of the run.

    The file lies under a random name; the name it came with is only text.
    """

    public_id = PublicIdField("imp_")
    subject = models.CharField(max_length=24, help_text="What the rows are: customers, vouchers, products.")
    title = models.TextField(blank=True, default="")
    given_name = models.TextField(blank=True, default="")
    path = models.CharField(max_length=200, help_text="Relative to the folder of uploads.")
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="A file that changes between mapping and run is refused.")
    encoding = models.CharField(max_length=24, default="utf-8")
    delimiter = models.CharField(max_length=4, default=",")
    headers = models.JSONField(default=list)
    mapping = models.JSONField(default=list, help_text="One target per column, in the file's order; null: left out.")
    options = models.JSONField(default=dict)
    action = models.OneToOneField(
        AsyncAction, null=True, blank=True, on_delete=models.SET_NULL, related_name="import_file"
    )
    created_by = models.ForeignKey("project.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "public_id"], name="import_file_public_id")]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="import_file_created")]

    def __str__(self) -> str:
        return self.title or self.given_name


class ImportBatch(models.Model):
    """Lines that were applied in one transaction, with the rows they changed. A resumed run skips them."""

    import_file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="batches", db_index=False)
    first_row = models.BigIntegerField(help_text="Data rows from 1; the header is not counted.")
    last_row = models.BigIntegerField()
    created = models.IntegerField(default=0)
    updated = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    applied_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(F("import_file"), F("first_row"), name="import_batch_once")]

    def __str__(self) -> str:
        return f"{self.first_row}–{self.last_row}"


class ImportFailure(models.Model):
    """A row that did not go in: where it stands in the file, what is wrong, and its cells as they were."""

    import_file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="failures", db_index=False)
    row = models.BigIntegerField(help_text="Data row from 1.")
    line = models.BigIntegerField(help_text="Line of the file, as a spreadsheet or editor shows it.")
    key = models.TextField(blank=True, default="", help_text="The row's source id, if it had one.")
    problems = models.JSONField(default=list, help_text="[{column, value, reason}].")
    cells = models.JSONField(default=list, help_text="The row's cells, untouched.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(F("import_file"), F("row"), name="import_failure_once")]

    def __str__(self) -> str:
        return f"line {self.line}"
