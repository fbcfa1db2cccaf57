"""What may qualify, newest first: a bounded number of each kind, with everything the engine reads, in a constant number
of statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db.models import F, Q

from config.project.models import Project
from customers.models import Customer
from vouchers.engine import discounts
from vouchers.engine.terms import GiftTerms, VoucherTerms
from vouchers.models import Campaign, PromotionStack, PromotionTier, RuleAssignment, Voucher
from vouchers.payloads import Redeemable
from vouchers.services import candidate_tiers, candidates
from vouchers.services.candidates import Found

POOL: Final = 200
"""Of each kind; what is left over comes with the next page."""
Kind = Campaign.CampaignType


@dataclass(frozen=True, kw_only=True)
class Qualifier(Found):
    """Something to evaluate alone. members: of a stack, its tiers. offered: the engine's view of a campaign."""

    object: str
    created_at: datetime
    campaign: Campaign | None = None
    members: tuple[Found, ...] = ()
    offered: VoucherTerms | None = None
    assignments: tuple[RuleAssignment, ...] = ()

    @cached_property
    def terms(self) -> VoucherTerms | None:
        """The engine's view; None for a stack, which has those of its members."""
        if self.offered is not None:
            return self.offered
        if self.tier is not None:
            return candidate_tiers.terms_of(self.tier, self.rule_sets)
        return None if self.voucher is None else candidates.terms_of(self.voucher, self.rule_sets)

    @property
    def facts(self) -> dict[str, str | None]:
        """What `options.filters` asks for; not from `terms`, which wait for what sessions hold."""
        campaign, voucher = self.campaign, self.voucher
        row: Any = voucher or self.tier or self.stack or campaign
        category = row.category or (campaign.category if campaign is not None else None)
        kind = voucher.type if voucher is not None else None if self.offered is None else self.offered.type
        return {
            "category_id": None if category is None else category.public_id,
            "campaign_id": None if campaign is None else campaign.public_id,
            "campaign_type": None if campaign is None else campaign.campaign_type,
            "resource_id": row.public_id,
            "resource_type": self.object,
            "voucher_type": kind,
            "code": None if voucher is None else voucher.code,
            "holder_role": "OWNER" if voucher is not None and voucher.holder_id is not None else None,
        }


def vouchers(
    project: Project, customer: Customer | None, *, open_ones: bool, at: datetime, before: datetime | None
) -> list[Qualifier]:
    """Codes the customer holds; open_ones: also those that are for everybody."""
    rows: list[Voucher] = []
    usable = Voucher.objects.of(project).alive().filter(_usable(at)).select_related("campaign__category", "category")
    usable = _before(usable.select_related("holder", "referrer"), before)
    if customer is not None:
        rows += usable.filter(holder=customer).order_by("-pk")[:POOL]
    if open_ones:
        free = usable.filter(holder=None)
        rows += free.filter(campaign=None).order_by("-created_at", "-pk")[:POOL]
        standalone = Campaign.objects.of(project).alive().filter(type=Campaign.Type.STANDALONE).values("pk")
        rows += free.filter(campaign__in=standalone).order_by("-created_at", "-pk")[:POOL]
    bound = _assignments(Q(voucher__in=rows) | Q(campaign__in={row.campaign_id for row in rows} - {None}))
    found = []
    for row in rows:
        row.project = project
        own = tuple(a for a in bound if a.voucher_id == row.pk or (a.campaign_id and a.campaign_id == row.campaign_id))
        found.append(
            Qualifier(
                redeemable=Redeemable(row.code),
                voucher=row,
                rule_sets=_rule_sets(own),
                object="voucher",
                created_at=row.created_at,
                campaign=row.campaign,
                assignments=own,
            )
        )
    return found


def tiers(project: Project, *, at: datetime, before: datetime | None, most: int = POOL) -> list[Qualifier]:
    """Tiers of promotions."""
    expired = Q(expiration_date__lt=at) | Q(expiration_date=None, campaign__expiration_date__lt=at)
    hidden = PromotionTier.objects.of(project).filter(expired).values("pk")
    rows = PromotionTier.objects.of(project).alive().filter(active=True, campaign__active=True)
    rows = _before(rows.exclude(pk__in=hidden).exclude(action=None), before)
    found = list(rows.select_related("campaign__category", "category").order_by("-created_at", "-pk")[:most])
    for row in found:
        row.campaign.project = project
    bound = _assignments(Q(promotion_tier__in=found) | Q(campaign__in={row.campaign_id for row in found}))
    return [_tier(row, bound) for row in found]


def stacks(project: Project, *, before: datetime | None) -> list[Qualifier]:
    """Stacks of tiers, with all of these."""
    rows = PromotionStack.objects.of(project).filter(campaign__deleted_at=None, campaign__active=True)
    found = list(
        _before(rows, before).select_related("campaign__category", "category").order_by("-created_at", "-pk")[:POOL]
    )
    asked = [Redeemable(row.public_id, "promotion_stack") for row in found]
    members = candidate_tiers.find(project, asked)
    return [
        Qualifier(
            redeemable=redeemable,
            object="promotion_stack",
            created_at=row.created_at,
            campaign=row.campaign,
            stack=row,
            members=tuple(
                Found(Redeemable(each.id, "promotion_tier"), None, each.tier, each.rule_sets, each.stack)
                for each in members["promotion_stack", row.public_id]
            ),
        )
        for row, redeemable in zip(found, asked, strict=True)
    ]


def campaigns(project: Project, kinds: Sequence[str], *, at: datetime, before: datetime | None) -> list[Qualifier]:
    """Campaigns whose codes a customer could be given."""
    rows = Campaign.objects.of(project).alive().filter(active=True, campaign_type__in=kinds)
    rows = rows.exclude(type=Campaign.Type.STANDALONE).filter(
        Q(expiration_date=None) | Q(expiration_date__gte=at), voucher__isnull=False
    )
    found = list(_before(rows, before).select_related("category").order_by("-created_at", "-pk")[:POOL])
    bound = _assignments(Q(campaign__in=found))
    return [
        _campaign(row, tuple(assignment for assignment in bound if assignment.campaign_id == row.pk)) for row in found
    ]


def _tier(row: PromotionTier, bound: Sequence[RuleAssignment]) -> Qualifier:
    own = tuple(a for a in bound if a.promotion_tier_id == row.pk or a.campaign_id == row.campaign_id)
    return Qualifier(
        redeemable=Redeemable(row.public_id, "promotion_tier"),
        tier=row,
        rule_sets=_rule_sets(own),
        object="promotion_tier",
        created_at=row.created_at,
        campaign=row.campaign,
        assignments=own,
    )


def _campaign(row: Campaign, own: tuple[RuleAssignment, ...]) -> Qualifier:
    template = row.voucher or {}
    discount, gift = template.get("discount"), template.get("gift")
    offered = VoucherTerms(
        code=row.public_id,
        public_id=row.public_id,
        type=template["type"],
        campaign_id=row.public_id,
        campaign_type=row.campaign_type,
        validity=candidate_tiers.validity_of(row, None),
        discount=discounts.read_discount(discount) if discount else None,
        gift=GiftTerms(gift["amount"], gift.get("effect")) if gift else None,
        rule_sets=_rule_sets(own),
        category=candidate_tiers.category_of(row.category),
        is_referral_code=bool(template.get("is_referral_code")),
        metadata=row.metadata or {},
    )
    return Qualifier(
        redeemable=Redeemable(row.public_id, "campaign"),
        rule_sets=offered.rule_sets,
        object="campaign",
        created_at=row.created_at,
        campaign=row,
        offered=offered,
        assignments=own,
    )


def _usable(at: datetime) -> Q:
    """Switched on, with a use left, and its own time not over; the rest is for the engine."""
    open_end = Q(expiration_date=None) | Q(expiration_date__gte=at)
    left = Q(quantity=None) | Q(redeemed_quantity__lt=F("quantity"))
    return Q(active=True) & open_end & left & (Q(campaign=None) | Q(campaign__active=True))


def _before(rows: Any, before: datetime | None) -> Any:
    return rows if before is None else rows.filter(created_at__lt=before)


def _assignments(target: Q) -> list[RuleAssignment]:
    return list(RuleAssignment.objects.filter(target).select_related("rule").order_by("pk"))


def _rule_sets(own: Iterable[RuleAssignment]) -> tuple[Any, ...]:
    return candidate_tiers.read_rule_sets(
        [getattr(assignment.rule, name) for name in candidate_tiers.RULE_COLUMNS] for assignment in own
    )
