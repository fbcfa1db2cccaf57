"""The promotion tiers that a request names, by themselves or in stacks, as the engine's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from config.project.models import Project
from vouchers.engine import definitions, discounts
from vouchers.engine.rule_terms import RuleSet
from vouchers.engine.terms import PROMOTION_TIER, CategoryTerms, Validity, VoucherTerms
from vouchers.models import Campaign, Category, PromotionStack, PromotionTier, RuleAssignment, Voucher
from vouchers.payloads import Redeemable

TIER: Final = "promotion_tier"
STACK: Final = "promotion_stack"
NO_DISCOUNT: Final = {"type": "AMOUNT", "amount_off": 0}
"""What a tier takes off that was made with nothing but a name."""
RULE_COLUMNS: Final = ("public_id", "name", "rules", "error", "applicable_to", "bundle_rules")


@dataclass(frozen=True, slots=True)
class FoundTier:
    """One tier, or the name of one that nobody knows. stack: by which it came."""

    id: str
    tier: PromotionTier | None = None
    rule_sets: tuple[RuleSet, ...] = ()
    stack: PromotionStack | None = None


def find(
    project: Project, redeemables: Sequence[Redeemable], *, lock: bool = False
) -> Mapping[tuple[str, str], list[FoundTier]]:
    """By what was sent (object, id) the tiers it stands for: two statements, one more where stacks are named.

    lock: keep the tiers to the end of the transaction, taken in the order of their keys.
    """
    stacks = _stacks(project, [redeemable.id for redeemable in redeemables if redeemable.object == STACK])
    wanted = {redeemable.id for redeemable in redeemables if redeemable.object == TIER}
    wanted |= {tier_id for stack in stacks.values() for tier_id in stack.tier_ids}
    tiers = {tier.public_id: tier for tier in _tiers(project, wanted, lock=lock)}
    rules = rule_sets_of(tiers.values())

    def found(public_id: str, stack: PromotionStack | None = None) -> FoundTier:
        tier = tiers.get(public_id)
        return FoundTier(public_id, tier, () if tier is None else rules[tier.pk], stack)

    answer: dict[tuple[str, str], list[FoundTier]] = {}
    for redeemable in redeemables:
        if redeemable.object == STACK:
            stack = stacks.get(redeemable.id)
            members = [found(tier_id, stack) for tier_id in stack.tier_ids] if stack is not None else []
            answer[STACK, redeemable.id] = members or [FoundTier(redeemable.id)]
        elif redeemable.object == TIER:
            answer[TIER, redeemable.id] = [found(redeemable.id)]
    return answer


def rule_sets_of(tiers: Iterable[PromotionTier]) -> dict[int, tuple[RuleSet, ...]]:
    """By the tier's key its own rules and its campaign's, in the order in which they were assigned: one statement."""
    rows = list(tiers)
    if not rows:
        return {}
    assigned = RuleAssignment.objects.filter(
        Q(promotion_tier__in=[tier.pk for tier in rows]) | Q(campaign__in={tier.campaign_id for tier in rows})
    )
    bound = list(assigned.select_related("rule").order_by("pk"))
    return {
        tier.pk: read_rule_sets(
            [getattr(row.rule, name) for name in RULE_COLUMNS]
            for row in bound
            if row.promotion_tier_id == tier.pk or row.campaign_id == tier.campaign_id
        )
        for tier in rows
    }


def read_rule_sets(rows: Iterable[Sequence[Any]]) -> tuple[RuleSet, ...]:
    """Stored rules as the engine reads them. rows: id, name, rules, error, applicable_to, bundle_rules."""
    return tuple(
        definitions.read_rule_set(
            public_id=public_id,
            rules=rules,
            error=error,
            name=name,
            applicable_to=applicable_to,
            bundle_rules=bundle_rules,
        )
        for public_id, name, rules, error, applicable_to, bundle_rules in rows
    )


def terms_of(
    tier: PromotionTier, rule_sets: tuple[RuleSet, ...] = (), stack: PromotionStack | None = None
) -> VoucherTerms:
    """The engine's view of a tier: its own settings, where it has none its campaign's; categories: then the stack's."""
    campaign, action = tier.campaign, tier.action or {}
    discount = action.get("discount")
    category = tier.category or (stack.category if stack else None) or campaign.category
    return VoucherTerms(
        code=tier.public_id,
        public_id=tier.public_id,
        type=PROMOTION_TIER,
        name=tier.name,
        active=tier.active,
        campaign_id=campaign.public_id,
        campaign_type=campaign.campaign_type,
        campaign_active=campaign.active,
        validity=validity_of(tier, campaign),
        redeemed_quantity=tier.redeemed_quantity,
        discount=discounts.read_discount(discount or NO_DISCOUNT),
        rule_sets=rule_sets,
        category=category_of(category),
        hierarchy=tier.hierarchy,
        metadata=tier.metadata,
    )


def category_of(category: Category | None) -> CategoryTerms | None:
    """What stacking rules read of a category."""
    return None if category is None else CategoryTerms(category.public_id, category.name, category.hierarchy)


def validity_of(
    owner: Voucher | PromotionTier | Campaign, campaign: Campaign | None, published_until: datetime | None = None
) -> Validity:
    """The owner's own window, where it says nothing the campaign's. published_until: overrides the campaign's end."""

    def own(name: str) -> Any:
        value = getattr(owner, name)
        return getattr(campaign, name) if value is None and campaign is not None else value

    days = own("validity_day_of_week")
    return Validity(
        start_date=own("start_date"),
        expiration_date=owner.expiration_date or published_until or own("expiration_date"),
        timeframe=own("validity_timeframe"),
        day_of_week=None if days is None else tuple(days),
        hours=own("validity_hours"),
    )


def _stacks(project: Project, public_ids: Sequence[str]) -> dict[str, PromotionStack]:
    if not public_ids:
        return {}
    rows = PromotionStack.objects.of(project).filter(public_id__in=public_ids, campaign__deleted_at=None)
    return {row.public_id: row for row in rows.select_related("category")}


def _tiers(project: Project, public_ids: set[str], *, lock: bool) -> list[PromotionTier]:
    if not public_ids:
        return []
    rows = PromotionTier.objects.of(project).filter(public_id__in=public_ids, campaign__deleted_at=None)
    rows = rows.select_related("campaign__category", "category").order_by("pk")
    return list(rows.select_for_update(no_key=True, of=("self",)) if lock else rows)
