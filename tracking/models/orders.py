"""Orders: what someone bought or is about to buy. All amounts are minor units."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from config.project.fields import PublicIdField
from config.project.models import Scoped


class Order(Scoped):
    """An order with its lines as one JSON value: they are written, read and discounted as a whole."""

    class Status(models.TextChoices):
        CREATED = "CREATED"
        PAID = "PAID"
        FULFILLED = "FULFILLED"
        CANCELED = "CANCELED"

    COUNTED: ClassVar = (Status.PAID, Status.FULFILLED)
    """The statuses that count in the customer's summary."""

    public_id = PublicIdField("ord_")
    source_id = models.TextField(null=True, blank=True, db_collation="C")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.CREATED)
    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="orders"
    )
    referrer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    amount = models.BigIntegerField(null=True, blank=True)
    initial_amount = models.BigIntegerField(null=True, blank=True)
    discount_amount = models.BigIntegerField(null=True, blank=True)
    items_discount_amount = models.BigIntegerField(null=True, blank=True)
    total_discount_amount = models.BigIntegerField(null=True, blank=True)
    total_amount = models.BigIntegerField(null=True, blank=True)
    items = models.JSONField(default=list, blank=True, help_text="Lines as on the wire, without the applied_* fields.")
    metadata = models.JSONField(null=True, blank=True, help_text="Null: none was ever sent.")
    redemptions = models.JSONField(default=dict, blank=True, help_text="The wire's map of redemption id to entry.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="order_public_id"),
            models.UniqueConstraint(
                fields=["project", "source_id"], condition=Q(source_id__isnull=False), name="order_source_id"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="order_created"),
            models.Index("project", F("updated_at"), F("id"), name="order_updated"),
            models.Index(
                fields=["customer", "created_at", "id"], condition=Q(customer__isnull=False), name="order_customer"
            ),
            models.Index(fields=["referrer"], condition=Q(referrer__isnull=False), name="order_referrer"),
        ]

    def __str__(self) -> str:
        return self.source_id or self.public_id
