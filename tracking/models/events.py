"""The event log: append-only, partitioned by month; and the counters of custom events per customer.

The table `tracking_event` is made by hand-written SQL in the first migration (PRIMARY KEY (id, created_at),
PARTITION BY RANGE (created_at)). Nothing has a foreign key to it; queries carry a lower bound of `created_at` where
they can, and "ever did" and "last time" are read from `EventCounter`.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.project.fields import PublicIdField
from config.project.models import Scoped


class Event(Scoped):
    """One thing that happened: the customer's timeline, the activity endpoints and webhooks all read this row."""

    class Category(models.TextChoices):
        ACTION = "ACTION"
        EFFECT = "EFFECT"

    project = models.ForeignKey(
        "project.Project", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    public_id = PublicIdField("evcus_")
    type = models.CharField(max_length=80, help_text="E.g. customer.redemption.succeeded, customer.custom_event.")
    name = models.CharField(
        max_length=300,
        blank=True,
        default="",
        help_text="The custom event's own name; of what no customer did, the public id of what it is about.",
    )
    category = models.CharField(max_length=8, choices=Category.choices, default=Category.ACTION)
    customer = models.ForeignKey(
        "customers.Customer",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="events",
    )
    token = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_collation="C",
        help_text="The anonymous token it was recorded under, until a merge moves it to the customer.",
    )
    campaign_id = models.BigIntegerField(null=True, blank=True, help_text="Row id of the campaign; no constraint.")
    campaign_type = models.CharField(max_length=32, blank=True, default="")
    data = models.JSONField(default=dict, help_text="The keys of the wire's `data`, rendered when it happened.")
    source = models.JSONField(default=dict, help_text="The wire's event_source: channel, user, api_key.")
    group_id = models.CharField(max_length=64, blank=True, default="", help_text="Request that caused it.")
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["customer", "created_at", "id"],
                condition=models.Q(customer__isnull=False),
                name="event_customer",
            ),
            models.Index(fields=["project", "created_at", "id"], name="event_project"),
            models.Index(fields=["project", "public_id"], name="event_public_id"),
            models.Index(fields=["project", "token"], condition=~models.Q(token=""), name="event_token"),
            models.Index(
                fields=["project", "name", "created_at", "id"],
                condition=models.Q(customer__isnull=True) & ~models.Q(name=""),
                name="event_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class EventCounter(models.Model):
    """How often, first and last a customer did a custom event; moved with the event's row."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, db_index=False, related_name="event_counters",
        help_text="Found by the unique key.",
    )  # fmt: skip
    name = models.CharField(max_length=300)
    count = models.IntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["customer", "name"], name="event_counter_once")]

    def __str__(self) -> str:
        return f"{self.name} × {self.count}"
