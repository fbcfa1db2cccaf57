"""What the audit log keeps of vouchers and rules; what redemptions move is not in it."""

from __future__ import annotations

from typing import Any, Final

from config.project import audit
from vouchers.models import RuleAssignment, ValidationRule, Voucher

VOUCHER: Final = (
    *("code", "type", "discount", "gift_amount", "active", "start_date", "expiration_date", "quantity"),
    *("additional_info", "metadata"),
)


def of_voucher(voucher: Voucher) -> dict[str, Any]:
    """A voucher as `before` or `after`."""
    return audit.facts(voucher, VOUCHER)


def of_rule(rule: ValidationRule) -> dict[str, Any]:
    """A validation rule as `before` or `after`."""
    return audit.facts(rule, ("name", "rules"))


def of_assignment(assignment: RuleAssignment) -> dict[str, Any]:
    """What a rule was given to, as `before` or `after`."""
    return audit.facts(assignment, ("related_object_type", "related_object_id"))
