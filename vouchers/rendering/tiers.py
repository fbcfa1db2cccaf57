"""Promotion tiers and stacks as the wire shows them.

A tier's own unset limits are the campaign's and absent where that has none either; the `campaign` inside a tier shows
both dates as explicit nulls. Source: campaigns and promotions, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.kernel.instants import to_wire, to_wire_or_none
from vouchers.models import Campaign, Category, PromotionStack, PromotionTier, RuleAssignment
from vouchers.rendering.rules import render_assignments
from vouchers.rendering.vouchers import render_category

RECURRING = ("validity_timeframe", "validity_day_of_week", "validity_hours")


def render_tier(tier: PromotionTier, assignments: Sequence[RuleAssignment] | None = None) -> dict[str, Any]:
    """The full object. Read it with campaign and category; assignments: its own, absent where there are none."""
    campaign, category = tier.campaign, tier.category
    wire: dict[str, Any] = {"id": tier.public_id, "created_at": to_wire(tier.created_at)}
    if tier.updated_at is not None:
        wire["updated_at"] = to_wire(tier.updated_at)
    wire["name"] = tier.name
    for name in ("banner", "action"):
        if (value := getattr(tier, name)) is not None:
            wire[name] = value
    wire |= {
        "metadata": tier.metadata,
        "hierarchy": tier.hierarchy,
        "promotion_id": campaign.public_id,
        "campaign": render_campaign_of_tier(campaign),
        "campaign_id": campaign.public_id,
        "active": tier.active,
        **_limits(tier, campaign),
        "summary": {
            "redemptions": {"total_redeemed": tier.redeemed_quantity},
            "orders": {
                "total_amount": tier.orders_amount,
                "total_discount_amount": tier.orders_discount_amount,
            },
        },
        "object": "promotion_tier",
    }
    if assignments:
        wire["validation_rule_assignments"] = render_assignments(assignments)
    wire |= {
        "category_id": None if category is None else category.public_id,
        "categories": _categories(category),
    }
    return wire


def render_simple_tier(tier: PromotionTier) -> dict[str, Any]:
    """The form inside redemptions."""
    return {
        "id": tier.public_id,
        "name": tier.name,
        "banner": tier.banner,
        "campaign": {"id": tier.campaign.public_id},
        "metadata": tier.metadata,
    }


def render_campaign_of_tier(campaign: Campaign) -> dict[str, Any]:
    """The `campaign` of a tier."""
    wire: dict[str, Any] = {
        "id": campaign.public_id,
        "start_date": to_wire_or_none(campaign.start_date),
        "expiration_date": to_wire_or_none(campaign.expiration_date),
    }
    wire |= {name: value for name in RECURRING if (value := getattr(campaign, name)) is not None}
    return wire | {
        "active": campaign.active,
        "category_id": None if campaign.category is None else campaign.category.public_id,
        "object": "campaign",
    }


def render_stack(stack: PromotionStack) -> dict[str, Any]:
    """The full object; `hierarchy_mode` as it was sent."""
    tiers: dict[str, Any] = {"ids": stack.tier_ids}
    if stack.hierarchy_mode is not None:
        tiers["hierarchy_mode"] = stack.hierarchy_mode
    wire: dict[str, Any] = {
        "id": stack.public_id,
        "name": stack.name,
        "tiers": tiers,
        "created_at": to_wire(stack.created_at),
    }
    if stack.updated_at is not None:
        wire["updated_at"] = to_wire(stack.updated_at)
    return wire | {
        "campaign_id": stack.campaign.public_id,
        "object": "promotion_stack",
        "category_id": None if stack.category is None else stack.category.public_id,
        "categories": _categories(stack.category),
    }


def _limits(tier: PromotionTier, campaign: Campaign) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for name in ("start_date", "expiration_date"):
        if (at := getattr(tier, name) or getattr(campaign, name)) is not None:
            limits[name] = to_wire(at)
    for name in RECURRING:
        own = getattr(tier, name)
        if (value := getattr(campaign, name) if own is None else own) is not None:
            limits[name] = value
    return limits


def _categories(category: Category | None) -> list[dict[str, Any]]:
    return [] if category is None else [render_category(category)]
