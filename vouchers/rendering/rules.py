"""Validation rules and their assignments as the wire shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.kernel.instants import to_wire
from vouchers.models import RuleAssignment, ValidationRule


def render_rule(rule: ValidationRule, assignments: int = 0) -> dict[str, Any]:
    """The rule with its JSON parts as sent. assignments: how many; the wire leaves a zero out."""
    wire: dict[str, Any] = {"id": rule.public_id, "name": rule.name, "rules": rule.rules}
    if rule.bundle_rules is not None:
        wire["bundle_rules"] = rule.bundle_rules
    if rule.error is not None:
        wire["error"] = rule.error
    wire |= {
        "applicable_to": rule.applicable_to,
        "type": rule.type,
        "context_type": rule.context_type,
        "created_at": to_wire(rule.created_at),
    }
    if rule.updated_at is not None:
        wire["updated_at"] = to_wire(rule.updated_at)
    if assignments:
        wire["assignments_count"] = assignments
    wire["object"] = "validation_rules"
    return wire


def render_assignment(assignment: RuleAssignment) -> dict[str, Any]:
    """One assignment; `updated_at` is absent until it was changed."""
    wire: dict[str, Any] = {
        "id": assignment.public_id,
        "rule_id": assignment.rule.public_id,
        "related_object_id": assignment.related_object_id,
        "related_object_type": assignment.related_object_type,
        "created_at": to_wire(assignment.created_at),
    }
    if assignment.updated_at is not None:
        wire["updated_at"] = to_wire(assignment.updated_at)
    wire["object"] = "validation_rules_assignment"
    return wire


def render_assignments(assignments: Sequence[RuleAssignment]) -> dict[str, Any]:
    """The list inside a voucher."""
    return {
        "object": "list",
        "data_ref": "data",
        "data": [render_assignment(assignment) for assignment in assignments],
        "total": len(assignments),
    }
