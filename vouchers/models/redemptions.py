"""Redemptions and rollbacks, succeeded and refused alike, and the ledger of gift cards."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from config.project.fields import PublicIdField
from config.project.models import Scoped
from vouchers.models.campaigns import Campaign
from vouchers.models.promotions import PromotionTier
from vouchers.models.vouchers import Voucher
from vouchers.querysets import RedemptionQuerySet


def _where_set(column: str, *more: str, name: str) -> models.Index:
    """An index on the rows where the column has a value: most redemptions have no parent and roll nothing back."""
    return models.Index(fields=[column, *more], condition=Q(**{f"{column}__isnull": False}), name=name)


class Redemption(Scoped):
    """One attempt to redeem, or to roll back: `public_id` begins with r_, rf_ (refused), rr_ or rrf_."""

    class Kind(models.TextChoices):
        REDEMPTION = "redemption"
        ROLLBACK = "redemption_rollback"

    class Result(models.TextChoices):
        SUCCESS = "SUCCESS"
        FAILURE = "FAILURE"

    class Status(models.TextChoices):
        SUCCEEDED = "SUCCEEDED"
        FAILED = "FAILED"
        ROLLED_BACK = "ROLLED_BACK"

    public_id = PublicIdField()
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.REDEMPTION)
    result = models.CharField(max_length=8, choices=Result.choices)
    status = models.CharField(max_length=12, choices=Status.choices)
    voucher = models.ForeignKey(
        Voucher, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="redemptions"
    )
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="redemptions"
    )
    promotion_tier = models.ForeignKey(
        PromotionTier, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="redemptions"
    )
    code = models.TextField(blank=True, default="", db_collation="C", help_text="The code as it was sent.")
    related_object_type = models.CharField(max_length=24, default="voucher")
    related_object_id = models.CharField(max_length=64, blank=True, default="", db_collation="C")
    customer = models.ForeignKey(
        "customers.Customer",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="redemptions",
    )
    token = models.CharField(max_length=80, blank=True, default="", db_collation="C", help_text="The tracking id.")
    order = models.ForeignKey(
        "tracking.Order",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="redemption_rows",
    )
    order_snapshot = models.JSONField(null=True, blank=True, help_text="The wire's order right after this redemption.")
    order_amount = models.BigIntegerField(null=True, blank=True)
    discount_amount = models.BigIntegerField(default=0, help_text="What this redemption took off the order.")
    amount = models.BigIntegerField(null=True, blank=True, help_text="Gift credits; negative in a rollback.")
    metadata = models.JSONField(null=True, blank=True)
    failure_code = models.CharField(max_length=64, blank=True, default="")
    failure_message = models.TextField(blank=True, default="")
    reasons = models.JSONField(
        default=list, blank=True, help_text="Every reason of a refusal: key, message, and the facts beside the rule."
    )
    reason = models.TextField(null=True, blank=True, help_text="Why it was rolled back.")
    rollback_order_mode = models.CharField(
        max_length=16, blank=True, default="", help_text="Of a rollback: WITH_ORDER or WITHOUT_ORDER."
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="children"
    )
    rolls_back = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="rollbacks"
    )
    session_key = models.CharField(max_length=200, blank=True, default="")
    channel_type = models.CharField(max_length=16, default="API")
    channel_id = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()

    objects = RedemptionQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="redemption_public_id"),
            models.UniqueConstraint(
                fields=["rolls_back"], condition=Q(result="SUCCESS"), name="redemption_rolled_back_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "created_at", "id"], name="redemption_created"),
            models.Index(fields=["project", "result", "created_at", "id"], name="redemption_result"),
            _where_set("voucher", "created_at", name="redemption_voucher"),
            _where_set("campaign", "created_at", name="redemption_campaign"),
            _where_set("promotion_tier", "created_at", name="redemption_tier"),
            _where_set("customer", "created_at", name="redemption_customer"),
            _where_set("order", name="redemption_order"),
            _where_set("parent", name="redemption_parent"),
            _where_set("rolls_back", name="redemption_rolls_back"),
            models.Index(
                fields=["project", "token"], condition=Q(customer__isnull=True) & ~Q(token=""), name="redemption_token"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class VoucherTransaction(Scoped):
    """One line of a gift card's ledger; the balance is the sum of the amounts."""

    class Type(models.TextChoices):
        REDEMPTION = "CREDITS_REDEMPTION"
        REFUND = "CREDITS_REFUND"
        ADDITION = "CREDITS_ADDITION"
        REMOVAL = "CREDITS_REMOVAL"

    public_id = PublicIdField("vtx_")
    voucher = models.ForeignKey(Voucher, on_delete=models.CASCADE, db_index=False, related_name="transactions")
    type = models.CharField(max_length=32, choices=Type.choices)
    amount = models.BigIntegerField(help_text="Signed: what it did to the balance.")
    balance = models.BigIntegerField(help_text="The balance after it.")
    total = models.BigIntegerField(help_text="Credits granted in total after it.")
    source_id = models.TextField(null=True, blank=True)
    source = models.TextField(null=True, blank=True)
    reason = models.TextField(null=True, blank=True)
    redemption = models.ForeignKey(Redemption, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    order = models.ForeignKey("tracking.Order", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    related_transaction = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="related"
    )
    details = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="voucher_transaction_public_id")
        ]
        indexes: ClassVar = [models.Index(fields=["voucher", "id"], name="voucher_transaction_ledger")]

    def __str__(self) -> str:
        return f"{self.type} {self.amount}"
