"""How vouchers are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db.models import Prefetch, Q

from config.project.querysets import ScopedQuerySet

if TYPE_CHECKING:
    from vouchers.models import Campaign, PromotionTier, Publication, Redemption, RuleAssignment, Voucher


class VoucherQuerySet(ScopedQuerySet["Voucher"]):
    """Vouchers of a project; start with `.of(project).alive()`."""

    def alive(self) -> Self:
        """Not in the bin. A binned code stays reserved."""
        return self.filter(deleted_at__isnull=True)

    def for_wire(self) -> Self:
        """With all that a rendered voucher names."""
        return self.select_related("campaign__category", "category", "holder", "referrer")


class RedemptionQuerySet(ScopedQuerySet["Redemption"]):
    """Redemptions and rollbacks of a project."""

    def per_code(self) -> Self:
        """One row for each code tried: without the rows that only hold a stack of codes together."""
        return self.exclude(related_object_type="redemption", kind="redemption", result="SUCCESS")

    def shown(self) -> Self:
        """Without those of codes that were removed for good; what they did to orders and customers stays."""
        return self.exclude(related_object_type="voucher", voucher__isnull=True)

    def for_wire(self) -> Self:
        """With all that a rendered redemption names."""
        return self.select_related(
            *("customer", "parent", "rolls_back", "voucher__campaign", "voucher__category"),
            *("voucher__holder", "voucher__referrer", "promotion_tier__campaign"),
        ).prefetch_related("rollbacks", "children")


class RuleAssignmentQuerySet(ScopedQuerySet["RuleAssignment"]):
    """Assignments of rules."""

    def applying_to(self, voucher: Voucher) -> Self:
        """The voucher's own, and those of its campaign, oldest first."""
        target = Q(voucher=voucher)
        if voucher.campaign_id is not None:
            target |= Q(campaign_id=voucher.campaign_id)
        return self.filter(target).select_related("rule").order_by("pk")


class CampaignQuerySet(ScopedQuerySet["Campaign"]):
    """Campaigns of a project; start with `.of(project).alive()`."""

    def alive(self) -> Self:
        """Not in the bin."""
        return self.filter(deleted_at__isnull=True)

    def for_wire(self) -> Self:
        """With all that a rendered campaign names: its category, rules and tiers."""
        tiers: Any = self.model._meta.get_field("tiers").related_model
        return self.select_related("category").prefetch_related(
            "rule_assignments__rule", Prefetch("tiers", tiers.objects.for_wire().order_by("hierarchy", "pk"))
        )


class PromotionTierQuerySet(ScopedQuerySet["PromotionTier"]):
    """Tiers of a project's promotions."""

    def alive(self) -> Self:
        """Of campaigns that are not in the bin."""
        return self.filter(campaign__deleted_at__isnull=True)

    def for_wire(self) -> Self:
        """With all that a rendered tier names."""
        return self.select_related("campaign__category", "category").prefetch_related("rule_assignments__rule")


class PublicationQuerySet(ScopedQuerySet["Publication"]):
    """Publications of a project, refused ones too."""

    def for_wire(self) -> Self:
        """With all that a rendered publication names."""
        return self.select_related(
            *("customer", "campaign", "voucher__campaign__category", "voucher__category", "voucher__holder"),
            "voucher__referrer",
        )
