"""How several redeemables of one request get along: what a project set, and since when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.project.fields import PublicIdField
from config.project.models import Scoped


class StackingRules(Scoped):
    """A project's own stacking rules; without a row the defaults hold.

    `Project.stacking_rules` repeats `rules`: validations read it with the key, without a query.
    """

    public_id = PublicIdField("stk_")
    rules = models.JSONField(default=dict, help_text="Only what was set.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "stacking rules"
        constraints: ClassVar = [models.UniqueConstraint(fields=["project"], name="stacking_rules_once")]

    def __str__(self) -> str:
        return self.public_id
