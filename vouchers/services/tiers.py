"""Promotion tiers and stacks of them. Source: campaigns and promotions, section 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import InvalidPayload, NotFound
from config.project import schemas
from config.project.models import Project
from vouchers.errors import InvalidCampaign
from vouchers.models import Campaign, PromotionStack, PromotionTier, RuleAssignment, Voucher
from vouchers.services import campaign_events, issuing, templates, validation_rules

VALIDITY: Final = (*templates.DATES, *templates.RECURRING)
PLAIN: Final = ("banner", *VALIDITY)
SHOWN: Final = ("campaign__category", "category")
MOST_IN_STACK: Final = 30


def find(*, project: Project, public_id: str) -> PromotionTier:
    """The project's tier of that id. Raises NotFound; also for one of a binned campaign."""
    rows = PromotionTier.objects.of(project).filter(public_id=public_id, campaign__deleted_at=None)
    tier = None if "\0" in public_id else rows.select_related(*SHOWN).first()
    if tier is None:
        raise NotFound.of("promotion_tier", public_id)
    return tier


def find_stack(project: Project, public_id: str) -> PromotionStack | None:
    """The project's stack of that id, or None."""
    rows = PromotionStack.objects.of(project).filter(public_id=public_id, campaign__deleted_at=None)
    return None if "\0" in public_id else rows.select_related("campaign", "category").first()


def inherited(tier: PromotionTier, name: str) -> Any:
    """A time limit of the tier, else of its campaign."""
    own = getattr(tier, name)
    return getattr(tier.campaign, name) if own is None else own


def create(
    *, project: Project, campaign: Campaign, data: Mapping[str, Any], at: datetime, cause: Cause = INTERNAL
) -> PromotionTier:
    """Add a tier to a promotion, after the others unless `hierarchy` says where.

    Raises InvalidCampaign, InvalidVoucher, InvalidPayload, MetadataValidationFailed, NotFound (category, rule).
    """
    if campaign.campaign_type != Campaign.CampaignType.PROMOTION:
        raise InvalidCampaign(f"Campaign {campaign.name} is not a PROMOTION campaign")
    metadata = data.get("metadata") or {}
    schemas.require(project, "promotion_tier", metadata, whole=True)
    tier = PromotionTier(project=project, campaign=campaign, name=data["name"], created_at=at, metadata=metadata)
    for name in PLAIN:
        setattr(tier, name, data.get(name))
    tier.active = data.get("active") is not False
    tier.action = checked_action(data.get("action"))
    tier.category, _ = issuing.category_of(project, data)
    _check_validity(tier)
    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        last = campaign.tiers.aggregate(last=Max("hierarchy"))["last"] or 0
        sent = data.get("hierarchy")
        tier.hierarchy = last + 1 if sent is None else sent
        tier.save(force_insert=True)
        assign_rules(project=project, tier=tier, rule_ids=_rule_ids(data) or [], at=at)
        campaign_events.tier_told(project, "created", tier, at, cause)
    return tier


def update(
    *, project: Project, tier: PromotionTier, data: Mapping[str, Any], at: datetime, cause: Cause = INTERNAL
) -> PromotionTier:
    """Change what was sent; null clears a limit; metadata is merged at its first level. Raises as `create`."""
    with transaction.atomic():
        tier = (
            PromotionTier.objects.of(project).select_related(*SHOWN).select_for_update(no_key=True, of=("self",))
            .get(pk=tier.pk)
        )  # fmt: skip
        changed = _fill(project, tier, data)
        tier.updated_at = at
        tier.save(update_fields=[*changed, "updated_at"])
        if (rule_ids := _rule_ids(data)) is not None:
            _replace_rules(project, tier, rule_ids, at)
        campaign_events.tier_told(project, "updated", tier, at, cause)
    return find(project=project, public_id=tier.public_id)


def switch(
    *, project: Project, tier: PromotionTier, active: bool, at: datetime, cause: Cause = INTERNAL
) -> PromotionTier:
    """Switch a tier on or off."""
    if tier.active is not active:
        with transaction.atomic():
            PromotionTier.objects.of(project).filter(pk=tier.pk).update(active=active, updated_at=at)
            campaign_events.tier_told(project, "enabled" if active else "disabled", tier, at, cause)
    return find(project=project, public_id=tier.public_id)


def delete(*, project: Project, tier: PromotionTier, at: datetime, cause: Cause = INTERNAL) -> None:
    """Remove a tier, also from the stacks that name it; a stack without tiers goes too. Redemptions stay."""
    with transaction.atomic():
        campaign_events.tier_told(project, "deleted", tier, at, cause)
        stacks = PromotionStack.objects.of(project).filter(campaign=tier.campaign_id)
        stacks = stacks.select_related("campaign", "category").select_for_update(no_key=True, of=("self",))
        for stack in stacks.order_by("pk"):
            if tier.public_id in stack.tier_ids:
                stack.tier_ids = [public_id for public_id in stack.tier_ids if public_id != tier.public_id]
                stack.updated_at = at
                if stack.tier_ids:
                    stack.save(update_fields=["tier_ids", "updated_at"])
                    campaign_events.stack_told(project, "updated", stack, at, cause)
                else:
                    campaign_events.stack_told(project, "deleted", stack, at, cause)
                    stack.delete()
        PromotionTier.objects.of(project).filter(pk=tier.pk).delete()


def checked_action(action: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`{discount}` as it is stored; a tier may have none yet. Raises InvalidPayload, InvalidVoucher."""
    if action is None:
        return None
    discount = action.get("discount")
    if not isinstance(discount, Mapping):
        raise InvalidPayload("Property .action should have required property 'discount'")
    return {"discount": templates.checked_term(Voucher.Type.DISCOUNT, discount)}


def assign_rules(*, project: Project, tier: PromotionTier, rule_ids: Sequence[str], at: datetime) -> None:
    """Bind rules to a tier, each once. Raises NotFound."""
    for rule in validation_rules.find_all(project=project, public_ids=rule_ids):
        RuleAssignment.objects.create(
            project=project,
            rule=rule,
            promotion_tier=tier,
            related_object_type="promotion_tier",
            related_object_id=tier.public_id,
            created_at=at,
        )


def create_stack(
    *, project: Project, campaign: Campaign, data: Mapping[str, Any], at: datetime, cause: Cause = INTERNAL
) -> PromotionStack:
    """Bundle tiers of a promotion. Raises InvalidCampaign, InvalidPayload, NotFound (tier, category)."""
    if campaign.campaign_type != Campaign.CampaignType.PROMOTION:
        raise InvalidCampaign(f"Campaign {campaign.name} is not a PROMOTION campaign")
    stack = PromotionStack(project=project, campaign=campaign, created_at=at, name=data["name"])
    stack.tier_ids = _checked_ids(campaign, data["tiers"]["ids"])
    stack.hierarchy_mode = data["tiers"].get("hierarchy_mode")
    stack.category, _ = issuing.category_of(project, data)
    with transaction.atomic():
        stack.save(force_insert=True)
        campaign_events.stack_told(project, "created", stack, at, cause)
    return stack


def update_stack(
    *, project: Project, stack: PromotionStack, data: Mapping[str, Any], at: datetime, cause: Cause = INTERNAL
) -> PromotionStack:
    """Change what was sent. Raises as `create_stack`."""
    if data.get("name") is not None:
        stack.name = data["name"]
    if data.get("tiers") is not None:
        stack.tier_ids = _checked_ids(stack.campaign, data["tiers"]["ids"])
        stack.hierarchy_mode = data["tiers"].get("hierarchy_mode") or stack.hierarchy_mode
    if "category" in data or "category_id" in data:
        stack.category, _ = issuing.category_of(project, data)
    stack.updated_at = at
    with transaction.atomic():
        stack.save(update_fields=["name", "tier_ids", "hierarchy_mode", "category", "updated_at"])
        campaign_events.stack_told(project, "updated", stack, at, cause)
    return stack


def stack_of(*, project: Project, campaign: Campaign, public_id: str) -> PromotionStack:
    """The campaign's stack of that id. Raises NotFound."""
    stack = find_stack(project, public_id)
    if stack is None or stack.campaign_id != campaign.pk:
        raise NotFound.of("promotion_stack", public_id)
    return stack


def delete_stack(*, project: Project, stack: PromotionStack, at: datetime, cause: Cause = INTERNAL) -> None:
    """Remove a stack; its tiers stay."""
    with transaction.atomic():
        PromotionStack.objects.of(project).filter(pk=stack.pk).delete()
        campaign_events.stack_told(project, "deleted", stack, at, cause)


def _fill(project: Project, tier: PromotionTier, data: Mapping[str, Any]) -> list[str]:
    """Set what was sent, checked; returns the names of the columns."""
    changed = [name for name in PLAIN if name in data]
    for name in changed:
        setattr(tier, name, data[name])
    for name in ("name", "active", "hierarchy"):
        if data.get(name) is not None:
            setattr(tier, name, data[name])
            changed.append(name)
    if data.get("action") is not None:
        tier.action = checked_action(data["action"])
        changed.append("action")
    if data.get("metadata") is not None:
        tier.metadata = {**tier.metadata, **data["metadata"]}
        schemas.require(project, "promotion_tier", tier.metadata, whole=True)
        changed.append("metadata")
    if "category" in data or "category_id" in data:
        tier.category, _ = issuing.category_of(project, data)
        changed.append("category")
    _check_validity(tier)
    return changed


def _check_validity(tier: PromotionTier) -> None:
    templates.check_validity({name: inherited(tier, name) for name in VALIDITY})


def _rule_ids(data: Mapping[str, Any]) -> Sequence[str] | None:
    """The rules that were sent: by their ids, or as the list of assignments that a tier is shown with."""
    if data.get("validation_rules") is not None:
        return list(data["validation_rules"])
    shown = data.get("validation_rule_assignments")
    if shown is None:
        return None
    rows = shown.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidPayload("Property .validation_rule_assignments.data should be array of objects")
    if not all(isinstance(row.get("rule_id"), str) for row in rows):
        raise InvalidPayload("Property .validation_rule_assignments.data should have required property 'rule_id'")
    return list(dict.fromkeys(row["rule_id"] for row in rows))


def _replace_rules(project: Project, tier: PromotionTier, rule_ids: Sequence[str], at: datetime) -> None:
    validation_rules.find_all(project=project, public_ids=rule_ids)
    kept = set(rule_ids)
    tier.rule_assignments.exclude(rule__public_id__in=kept).delete()
    bound = set(tier.rule_assignments.values_list("rule__public_id", flat=True))
    fresh = [rule_id for rule_id in rule_ids if rule_id not in bound]
    assign_rules(project=project, tier=tier, rule_ids=fresh, at=at)


def _checked_ids(campaign: Campaign, public_ids: Sequence[str]) -> list[str]:
    """The tiers of a stack, in order, each once and of the campaign. Raises InvalidPayload, NotFound."""
    if not 1 <= len(public_ids) <= MOST_IN_STACK:
        raise InvalidPayload(f"Property .tiers.ids should have 1 to {MOST_IN_STACK} items")
    if len(set(public_ids)) < len(public_ids):
        raise InvalidPayload("Property .tiers.ids should NOT have duplicate items")
    known = set(campaign.tiers.filter(public_id__in=public_ids).values_list("public_id", flat=True))
    for public_id in public_ids:
        if public_id not in known:
            raise NotFound.of("promotion_tier", public_id)
    return list(public_ids)
