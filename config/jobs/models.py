"""Long work and its visible state."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F

from config.project.fields import PublicIdField
from config.project.models import Scoped


class AsyncAction(Scoped):
    """One job somebody started, from queued to done. The worker's row of the queue is procrastinate's own.

    `attempt` is the token of the worker that may write: each batch's transaction checks that it is still its own.
    """

    class Status(models.TextChoices):
        ENQUEUED = "ENQUEUED", "Queued"
        IN_PROGRESS = "IN_PROGRESS", "Running"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"

    class OperationStatus(models.TextChoices):
        UNKNOWN = "UNKNOWN"
        SUCCESS = "SUCCESS"
        FAILED = "FAILED"

    EXPORT: ClassVar = "EXPORT"
    """The type of an export's job, which the wire shows as an export and not among the actions."""

    public_id = PublicIdField("aa_")
    type = models.CharField(max_length=64)
    title = models.TextField(blank=True, default="", help_text="What the dashboard calls it.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ENQUEUED)
    operation_status = models.CharField(max_length=8, choices=OperationStatus.choices, default=OperationStatus.UNKNOWN)
    parameters = models.JSONField(default=dict, blank=True, help_text="What the job was asked to do.")
    result = models.JSONField(null=True, blank=True)
    failure = models.TextField(blank=True, default="", help_text="Why the job itself broke, in words.")
    rows_total = models.BigIntegerField(null=True, blank=True)
    rows_done = models.BigIntegerField(default=0)
    stop_requested = models.BooleanField(default=False)
    stopped = models.BooleanField(default=False, help_text="Ended by Stop before its end; can go on.")
    attempt = models.IntegerField(default=0)
    tries = models.IntegerField(default=0, help_text="Attempts since it last got any further.")
    request_id = models.CharField(max_length=64, blank=True, default="")
    channel = models.CharField(max_length=16, default="API", help_text="API or USER_PORTAL.")
    user = models.ForeignKey("project.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="async_action_public_id")
        ]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="async_action_created")]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class JobFile(models.Model):
    """A file of a job in the data folder, under a random name: what it was given to do, or its report."""

    class Kind(models.TextChoices):
        INPUT = "input", "What the job was given"
        REPORT = "report", "What became of each resource"

    action = models.ForeignKey(AsyncAction, on_delete=models.CASCADE, related_name="files", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    file_name = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(F("action"), F("kind"), name="job_file_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.action_id}"


class JobBatch(models.Model):
    """Resources that a bulk job went through in one transaction, with their outcomes. A resumed run skips them."""

    action = models.ForeignKey(AsyncAction, on_delete=models.CASCADE, related_name="batches", db_index=False)
    first = models.IntegerField(help_text="Position of the first one in what the job was given, from 0.")
    outcomes = models.JSONField(help_text="[[key, found, updated, error or null]] in order.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(F("action"), F("first"), name="job_batch_once")]

    def __str__(self) -> str:
        return f"{self.action_id} from {self.first}"


class Export(Scoped):
    """A CSV file somebody asked for. Its job is an AsyncAction, which the wire does not list."""

    class Status(models.TextChoices):
        SCHEDULED = "SCHEDULED", "Queued"
        IN_PROGRESS = "IN_PROGRESS", "Running"
        DONE = "DONE", "Done"
        ERROR = "ERROR", "Failed"

    public_id = PublicIdField("exp_")
    exported_object = models.CharField(max_length=32)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.SCHEDULED)
    channel = models.CharField(max_length=16, default="API", help_text="API or WEBSITE.")
    parameters = models.JSONField(default=dict, help_text="fields, order and filters as they were sent.")
    title = models.TextField(blank=True, default="", help_text="The filter as a sentence, for the dashboard.")
    safe_cells = models.BooleanField(default=False, help_text="Cells that look like formulas get a quote in front.")
    file_name = models.CharField(max_length=100, blank=True, default="")
    size = models.BigIntegerField(null=True, blank=True)
    rows = models.BigIntegerField(null=True, blank=True)
    action = models.OneToOneField(AsyncAction, null=True, blank=True, on_delete=models.SET_NULL, related_name="export")
    user = models.ForeignKey("project.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "public_id"], name="export_public_id")]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="export_created")]

    def __str__(self) -> str:
        return f"{self.exported_object} {self.public_id}"
