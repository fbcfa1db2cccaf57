"""What happens to validation rules and their assignments, for webhooks. Source: webhooks and events §4."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from config.kernel.causes import Cause
from config.project.models import Project
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from vouchers.models import RuleAssignment, ValidationRule
from vouchers.rendering.rules import render_assignment, render_rule


def told(project: Project, what: str, rule: ValidationRule, at: datetime, cause: Cause) -> None:
    """Tell webhooks of `business_validation_rule.<what>`, in the transaction of the change."""
    _tell(project, what, rule.public_id, {"validation_rule": render_rule(rule)}, at, cause)


def assignment_told(project: Project, what: str, assignment: RuleAssignment, at: datetime, cause: Cause) -> None:
    """Tell webhooks of `business_validation_rule.assignment.<what>`."""
    data = {
        "validation_rule": render_rule(assignment.rule),
        "validation_rule_assignment": render_assignment(assignment),
    }
    _tell(project, f"assignment.{what}", assignment.public_id, data, at, cause)


def _tell(project: Project, what: str, entity_id: str, data: Mapping[str, Any], at: datetime, cause: Cause) -> None:
    type = f"business_validation_rule.{what}"
    happening = Happening(
        type=type, at=at, data=data, entity_id=entity_id, group_id=cause.group_id, source=cause.source
    )
    outbox.record(project, happening)
