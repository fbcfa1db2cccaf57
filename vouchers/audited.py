"""What the audit log keeps of vouchers and rules; what redemptions move is not in it."""

from __future__ import annotations

from typing import Any, Final

from config.project import audit
from vouchers.models import Campaign, PromotionStack, PromotionTier, RuleAssignment, ValidationRule, Voucher

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


CAMPAIGN: Final = (
    *("name", "description", "campaign_type", "type", "voucher", "active", "start_date", "expiration_date"),
    *("validity_timeframe", "validity_day_of_week", "validity_hours", "activity_duration_after_publishing"),
    *("join_once", "auto_join", "metadata"),
)
TIER: Final = (
    *("name", "banner", "action", "hierarchy", "active", "start_date", "expiration_date", "validity_timeframe"),
    *("validity_day_of_week", "validity_hours", "metadata"),
)


def of_campaign(campaign: Campaign) -> dict[str, Any]:
    """A campaign as `before` or `after`."""
    return audit.facts(campaign, CAMPAIGN)


def of_tier(tier: PromotionTier) -> dict[str, Any]:
    """A promotion tier as `before` or `after`."""
    return audit.facts(tier, TIER)


def of_stack(stack: PromotionStack) -> dict[str, Any]:
    """A promotion stack as `before` or `after`."""
    return audit.facts(stack, ("name", "tier_ids"))
