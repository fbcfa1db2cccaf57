"""What happens to campaigns, their codes, tiers and stacks, for webhooks. Source: webhooks and events §4.

Inside the transaction of the change; nothing is read or rendered for a type that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from config.kernel.causes import Cause
from config.project.models import Project
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from vouchers.models import Campaign, PromotionStack, PromotionTier, Voucher
from vouchers.rendering.campaigns import render_campaign
from vouchers.rendering.tiers import render_stack, render_tier
from vouchers.services import voucher_events


def told(project: Project, what: str, campaign: Campaign, at: datetime, cause: Cause) -> None:
    """Tell webhooks of `campaign.<what>`, with the campaign as it is stored now."""

    def data() -> Mapping[str, Any]:
        return {"campaign": _whole(campaign)}

    _tell(project, what, campaign.public_id, data, at, cause)


def vouchers_added(project: Project, campaign: Campaign, voucher: Voucher | None, at: datetime, cause: Cause) -> None:
    """One code came to the campaign, or with None those of an import."""

    def data() -> Mapping[str, Any]:
        shown = None if voucher is None else voucher_events.data_of(voucher)["voucher"]
        return {"campaign": _whole(campaign), "voucher": shown}

    _tell(project, "vouchers.added", campaign.public_id, data, at, cause)


def tier_told(project: Project, what: str, tier: PromotionTier, at: datetime, cause: Cause) -> None:
    """Tell webhooks of `campaign.promotion_tier.<what>`, with the tier as it is stored now."""

    def data() -> Mapping[str, Any]:
        stored = PromotionTier.objects.for_wire().get(pk=tier.pk)
        return {
            "promotion_tier": render_tier(stored, list(stored.rule_assignments.all())),
            "campaign": voucher_events.campaign_of(stored.campaign),
        }

    _tell(project, f"promotion_tier.{what}", tier.public_id, data, at, cause)


def stack_told(project: Project, what: str, stack: PromotionStack, at: datetime, cause: Cause) -> None:
    """Tell webhooks of `campaign.promotion_stack.<what>`."""

    def data() -> Mapping[str, Any]:
        return {"promotion_stack": render_stack(stack), "campaign": voucher_events.campaign_of(stack.campaign)}

    _tell(project, f"promotion_stack.{what}", stack.public_id, data, at, cause)


def _whole(campaign: Campaign) -> dict[str, Any]:
    return render_campaign(Campaign.objects.for_wire().get(pk=campaign.pk))


def _tell(
    project: Project, what: str, entity_id: str, data: Callable[[], Mapping[str, Any]], at: datetime, cause: Cause
) -> None:
    type = f"campaign.{what}"

    def happening() -> Happening:
        return Happening(
            type=type, at=at, data=data(), entity_id=entity_id, group_id=cause.group_id, source=cause.source
        )

    outbox.record(project, happening, type=type)
