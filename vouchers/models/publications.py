"""Publications: codes handed to customers, and the attempts that failed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from config.project.fields import PublicIdField
from config.project.models import Scoped
from vouchers.models.campaigns import Campaign
from vouchers.models.vouchers import Voucher
from vouchers.querysets import PublicationQuerySet


class Publication(Scoped):
    """One request to hand out codes. `voucher` is set where exactly one was published."""

    class Result(models.TextChoices):
        SUCCESS = "SUCCESS"
        FAILURE = "FAILURE"

    public_id = PublicIdField("pub_")
    result = models.CharField(max_length=8, choices=Result.choices)
    failure_code = models.CharField(max_length=64, blank=True, default="")
    failure_message = models.TextField(blank=True, default="")
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="publications"
    )
    customer = models.ForeignKey(
        "customers.Customer",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="publications",
    )
    voucher = models.ForeignKey(
        Voucher, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="publications"
    )
    voucher_ids = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    codes = ArrayField(models.TextField(), default=list, blank=True, help_text="In the order of `voucher_ids`.")
    tracking_id = models.TextField(null=True, blank=True, db_collation="C")
    source_id = models.TextField(null=True, blank=True, db_collation="C", help_text="The merchant's own id of it.")
    channel = models.TextField(default="API")
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    objects = PublicationQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="publication_public_id"),
            models.UniqueConstraint(
                fields=["project", "source_id"],
                condition=Q(result="SUCCESS", source_id__isnull=False),
                name="publication_source_id",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="publication_created"),
            models.Index(
                fields=["campaign", "created_at"], condition=Q(campaign__isnull=False), name="publication_campaign"
            ),
            models.Index(
                fields=["customer", "created_at"], condition=Q(customer__isnull=False), name="publication_customer"
            ),
            models.Index(fields=["voucher"], condition=Q(voucher__isnull=False), name="publication_voucher"),
            GinIndex(fields=["voucher_ids"], name="publication_vouchers"),
        ]

    def __str__(self) -> str:
        return self.public_id
