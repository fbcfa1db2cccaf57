"""A campaign as the wire shows it: what is unset is absent. Source: campaigns and promotions, sections 1 and 13."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.kernel.instants import to_wire
from vouchers.models import Campaign, PromotionTier
from vouchers.rendering.rules import render_assignments
from vouchers.rendering.tiers import render_tier
from vouchers.rendering.vouchers import render_category

PROMOTION = Campaign.CampaignType.PROMOTION


def render_campaign(campaign: Campaign) -> dict[str, Any]:
    """The full object. Read it with `Campaign.objects.for_wire()`, which brings along all that is shown."""
    wire = _start_of(campaign)
    if campaign.campaign_type == PROMOTION:
        wire["promotion"] = render_tiers(list(campaign.tiers.all()))
    else:
        wire["validation_rules_assignments"] = render_assignments(list(campaign.rule_assignments.all()))
    return wire


def render_simple_campaign(campaign: Campaign) -> dict[str, Any]:
    """Without tiers and rules, as summaries show it."""
    return _start_of(campaign)


def render_tiers(tiers: Sequence[PromotionTier]) -> dict[str, Any]:
    """The `promotion` of a campaign. tiers: with campaign, category and rules, in order of their hierarchy."""
    rows = [render_tier(tier, list(tier.rule_assignments.all())) for tier in tiers]
    return {"object": "list", "data_ref": "tiers", "tiers": rows, "total": len(rows)}


def _start_of(campaign: Campaign) -> dict[str, Any]:
    wire: dict[str, Any] = {"id": campaign.public_id, "name": campaign.name}
    if campaign.description is not None:
        wire["description"] = campaign.description
    wire |= {"campaign_type": campaign.campaign_type, "type": campaign.type}
    if campaign.voucher is not None:
        wire["voucher"] = campaign.voucher
    wire |= {
        "auto_join": campaign.auto_join,
        "join_once": campaign.join_once,
        "use_voucher_metadata_schema": campaign.use_voucher_metadata_schema,
    }
    for name in ("start_date", "expiration_date"):
        if (at := getattr(campaign, name)) is not None:
            wire[name] = to_wire(at)
    for name in (
        *("validity_timeframe", "validity_day_of_week", "validity_hours"),
        *("activity_duration_after_publishing", "vouchers_count"),
    ):
        if (value := getattr(campaign, name)) is not None:
            wire[name] = value
    wire["active"] = campaign.active
    if campaign.metadata is not None:
        wire["metadata"] = campaign.metadata
    wire["created_at"] = to_wire(campaign.created_at)
    if campaign.updated_at is not None:
        wire["updated_at"] = to_wire(campaign.updated_at)
    echoed = {name: value for name, value in campaign.extra.items() if name != "category" and value is not None}
    category = campaign.category
    if tag := category.name if category is not None else campaign.extra.get("category"):
        wire["category"] = tag
    return wire | {
        "creation_status": campaign.creation_status,
        "vouchers_generation_status": campaign.vouchers_generation_status,
        "protected": False,
        **echoed,
        "category_id": None if category is None else category.public_id,
        "categories": [] if category is None else [render_category(category)],
        "object": "campaign",
    }
