"""Validation rules: who may redeem what, and when; and the objects they are assigned to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from config.project.fields import PublicIdField
from config.project.models import Scoped
from vouchers.models.campaigns import Campaign
from vouchers.models.promotions import PromotionTier
from vouchers.models.vouchers import Voucher
from vouchers.querysets import RuleAssignmentQuerySet


class ValidationRule(Scoped):
    """A set of numbered rules and the logic between them. JSON parts are kept as sent."""

    public_id = PublicIdField("val_")
    name = models.TextField()
    rules = models.JSONField(default=dict)
    bundle_rules = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    applicable_to = models.JSONField(null=True, blank=True)
    type = models.CharField(max_length=16, default="expression")
    context_type = models.CharField(max_length=80, default="global")
    segment_ids = models.JSONField(default=list, blank=True, help_text="Segments the rules name: they are in use.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="validation_rule_public_id")
        ]
        indexes: ClassVar = [models.Index(fields=["project", "created_at", "id"], name="validation_rule_created")]

    def __str__(self) -> str:
        return self.name


class RuleAssignment(Scoped):
    """A rule bound to a voucher, a campaign or a promotion tier.

    Exactly one of the target columns is set; `related_object_type` and `related_object_id` are the wire's words for it.
    """

    public_id = PublicIdField("asgm_")
    rule = models.ForeignKey(ValidationRule, on_delete=models.CASCADE, db_index=False, related_name="assignments")
    voucher = models.ForeignKey(
        Voucher, null=True, blank=True, on_delete=models.CASCADE, related_name="rule_assignments"
    )
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="rule_assignments"
    )
    promotion_tier = models.ForeignKey(
        PromotionTier, null=True, blank=True, on_delete=models.CASCADE, related_name="rule_assignments"
    )
    related_object_type = models.CharField(max_length=24)
    related_object_id = models.CharField(max_length=64, db_collation="C")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    objects = RuleAssignmentQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "public_id"], name="rule_assignment_public_id"),
            models.UniqueConstraint(F("rule"), F("related_object_id"), name="rule_assignment_once"),
            models.CheckConstraint(
                condition=Q(voucher__isnull=False, campaign__isnull=True, promotion_tier__isnull=True)
                | Q(voucher__isnull=True, campaign__isnull=False, promotion_tier__isnull=True)
                | Q(voucher__isnull=True, campaign__isnull=True, promotion_tier__isnull=False),
                name="rule_assignment_one_target",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "related_object_id"], name="rule_assignment_related"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} → {self.related_object_id}"
