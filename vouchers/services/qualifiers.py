"""What may qualify: lists of rows, and candidates built of them with everything the engine reads, in a constant number
of statements. `qualifier_stream` reads the lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from config.project.models import Project
from vouchers.engine import discounts
from vouchers.engine.terms import GiftTerms, VoucherTerms
from vouchers.models import Campaign, PromotionStack, PromotionTier, RuleAssignment, Voucher
from vouchers.payloads import Redeemable
from vouchers.services import candidate_tiers, candidates
from vouchers.services.candidates import Found

Kind = Campaign.CampaignType


@dataclass(frozen=True, kw_only=True)
class Qualifier(Found):
    """Something to evaluate alone. members: of a stack, its tiers. offered: the engine's view of a campaign.

    source, key: its place within an instant: the number of its list, the key of its row.
    """

    object: str
    created_at: datetime
    source: int
    key: int
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
    def instant(self) -> datetime:
        """When it was created, as the wire shows it."""
        return self.created_at.replace(microsecond=self.created_at.microsecond // 1000 * 1000)

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


OWN_CATEGORY: Final = {"of_category": Coalesce("category__public_id", "campaign__category__public_id")}
"""What `facts` calls `category_id`, for the rows of a list; a campaign has its own only."""


def usable_vouchers(project: Project, at: datetime) -> QuerySet[Voucher]:
    """Codes that could still be redeemed, whoever has them."""
    return Voucher.objects.of(project).alive().for_wire().filter(_usable(at)).annotate(**OWN_CATEGORY)


def generic(project: Project) -> QuerySet[Campaign, Any]:
    """The keys of campaigns with one code for everybody."""
    return Campaign.objects.of(project).alive().filter(type=Campaign.Type.STANDALONE).values("pk")


def usable_tiers(project: Project, at: datetime) -> QuerySet[PromotionTier]:
    """Tiers of promotions."""
    expired = Q(expiration_date__lt=at) | Q(expiration_date=None, campaign__expiration_date__lt=at)
    hidden = PromotionTier.objects.of(project).filter(expired).values("pk")
    rows = PromotionTier.objects.of(project).alive().filter(active=True, campaign__active=True)
    rows = rows.exclude(pk__in=hidden).exclude(action=None).select_related("campaign__category", "category")
    return rows.annotate(**OWN_CATEGORY)


def usable_stacks(project: Project) -> QuerySet[PromotionStack]:
    """Stacks of tiers."""
    rows = PromotionStack.objects.of(project).filter(campaign__deleted_at=None, campaign__active=True)
    return rows.select_related("campaign__category", "category").annotate(**OWN_CATEGORY)


def usable_campaigns(project: Project, kinds: Sequence[str], at: datetime) -> QuerySet[Campaign]:
    """Campaigns whose codes a customer could be given."""
    rows = Campaign.objects.of(project).alive().filter(active=True, campaign_type__in=kinds, voucher__isnull=False)
    rows = rows.exclude(type=Campaign.Type.STANDALONE).filter(Q(expiration_date=None) | Q(expiration_date__gte=at))
    return rows.select_related("category")


def of_vouchers(rows: Sequence[tuple[int, Voucher]]) -> list[Qualifier]:
    """rows: each with the number of its list, here and below."""
    campaigns = {row.campaign_id for _, row in rows} - {None}
    bound = _assignments(Q(voucher__in=[row for _, row in rows]) | Q(campaign__in=campaigns))
    found = []
    for number, row in rows:
        own = tuple(a for a in bound if a.voucher_id == row.pk or (a.campaign_id and a.campaign_id == row.campaign_id))
        found.append(
            Qualifier(
                redeemable=Redeemable(row.code),
                voucher=row,
                rule_sets=_rule_sets(own),
                object="voucher",
                created_at=row.created_at,
                source=number,
                key=row.pk,
                campaign=row.campaign,
                assignments=own,
            )
        )
    return found


def of_tiers(rows: Sequence[tuple[int, PromotionTier]]) -> list[Qualifier]:
    """Tiers, each by itself."""
    campaigns = {row.campaign_id for _, row in rows}
    bound = _assignments(Q(promotion_tier__in=[row for _, row in rows]) | Q(campaign__in=campaigns))
    return [_tier(number, row, bound) for number, row in rows]


def of_stacks(rows: Sequence[tuple[int, PromotionStack]]) -> list[Qualifier]:
    """Stacks, with all their tiers."""
    asked = [Redeemable(row.public_id, "promotion_stack") for _, row in rows]
    members = candidate_tiers.find(rows[0][1].project, asked)
    return [
        Qualifier(
            redeemable=redeemable,
            object="promotion_stack",
            created_at=row.created_at,
            source=number,
            key=row.pk,
            campaign=row.campaign,
            stack=row,
            members=tuple(
                Found(Redeemable(each.id, "promotion_tier"), None, each.tier, each.rule_sets, each.stack)
                for each in members["promotion_stack", row.public_id]
            ),
        )
        for (number, row), redeemable in zip(rows, asked, strict=True)
    ]


def of_campaigns(rows: Sequence[tuple[int, Campaign]]) -> list[Qualifier]:
    """Campaigns, by what a code of theirs would do."""
    bound = _assignments(Q(campaign__in=[row for _, row in rows]))
    return [
        _campaign(number, row, tuple(assignment for assignment in bound if assignment.campaign_id == row.pk))
        for number, row in rows
    ]


def _tier(number: int, row: PromotionTier, bound: Sequence[RuleAssignment]) -> Qualifier:
    own = tuple(a for a in bound if a.promotion_tier_id == row.pk or a.campaign_id == row.campaign_id)
    return Qualifier(
        redeemable=Redeemable(row.public_id, "promotion_tier"),
        tier=row,
        rule_sets=_rule_sets(own),
        object="promotion_tier",
        created_at=row.created_at,
        source=number,
        key=row.pk,
        campaign=row.campaign,
        assignments=own,
    )


def _campaign(number: int, row: Campaign, own: tuple[RuleAssignment, ...]) -> Qualifier:
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
        source=number,
        key=row.pk,
        campaign=row,
        offered=offered,
        assignments=own,
    )


def _usable(at: datetime) -> Q:
    """Switched on, with a use left, and its own time not over; the rest is for the engine."""
    open_end = Q(expiration_date=None) | Q(expiration_date__gte=at)
    left = Q(quantity=None) | Q(redeemed_quantity__lt=F("quantity"))
    return Q(active=True) & open_end & left & (Q(campaign=None) | Q(campaign__active=True))


def _assignments(target: Q) -> list[RuleAssignment]:
    return list(RuleAssignment.objects.filter(target).select_related("rule").order_by("pk"))


def _rule_sets(own: Iterable[RuleAssignment]) -> tuple[Any, ...]:
    return candidate_tiers.read_rule_sets(
        [getattr(assignment.rule, name) for name in candidate_tiers.RULE_COLUMNS] for assignment in own
    )
