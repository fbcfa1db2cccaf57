"""Webhooks and their deliveries. A delivery is written in the transaction of what it tells: the table is the outbox."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from config.project.fields import PublicIdField
from config.project.models import Scoped


class Webhook(Scoped):
    """Where a project's events go. `failed_at` says since when it is off because of failures."""

    public_id = PublicIdField("wh_")
    target_url = models.TextField()
    events = ArrayField(models.CharField(max_length=80), default=list, help_text="Types, as in `catalogue`.")
    headers = models.JSONField(default=dict, blank=True, help_text="Sent along with each delivery.")
    active = models.BooleanField(default=True)
    disabled_reason = models.TextField(blank=True, default="", help_text="Why we switched it off, not the project.")
    disabled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "public_id"], name="webhook_public_id")]

    def __str__(self) -> str:
        return self.target_url


class Delivery(Scoped):
    """One event for one webhook. `payload` holds the bytes that are signed and sent, at every attempt the same."""

    class State(models.TextChoices):
        WAITING = "WAITING", "Waiting"
        DELIVERED = "DELIVERED", "Delivered"
        FAILED = "FAILED", "Failed"

    public_id = PublicIdField("whs_")
    # Without a constraint: a process that has not yet heard of a webhook's end may still write a delivery for it, and
    # that must not undo the redemption it tells of. Nothing sends such a row; upkeep drops it.
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="deliveries"
    )
    type = models.CharField(max_length=80)
    event_id = models.CharField(max_length=64, blank=True, default="")
    customer_id = models.BigIntegerField(null=True, blank=True, help_text="Row id of whom it is about; for erasure.")
    payload = models.TextField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(help_text="When to try next; while a worker is at it, when its claim ends.")
    last_at = models.DateTimeField(null=True, blank=True)
    last_status = models.SmallIntegerField(null=True, blank=True)
    last_answer = models.TextField(blank=True, default="", help_text="The first kilobyte.")
    last_error = models.TextField(blank=True, default="")
    last_ms = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="webhook_delivery_public_id")
        ]
        indexes: ClassVar = [
            models.Index(fields=["webhook", "next_at"], condition=Q(state="WAITING"), name="webhook_delivery_due"),
            models.Index(fields=["webhook", "created_at", "id"], name="webhook_delivery_log"),
            models.Index(
                fields=["customer_id"], condition=Q(customer_id__isnull=False), name="webhook_delivery_person"
            ),
            models.Index(fields=["created_at"], name="webhook_delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"
