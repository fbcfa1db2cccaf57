"""What is offered, and what became of it."""

from vouchers.models.campaigns import Campaign, Category
from vouchers.models.drafts import CampaignDraft
from vouchers.models.limits import LimitDay, LimitSums
from vouchers.models.promotions import PromotionStack, PromotionTier
from vouchers.models.publications import Publication
from vouchers.models.redemptions import Redemption, VoucherTransaction
from vouchers.models.sessions import SessionLock
from vouchers.models.stacking import StackingRules
from vouchers.models.usage import DailyRefusal, DailyUse, UsageThrough
from vouchers.models.validation_rules import RuleAssignment, ValidationRule
from vouchers.models.vouchers import Voucher

__all__ = [
    "Campaign",
    "CampaignDraft",
    "Category",
    "DailyRefusal",
    "DailyUse",
    "LimitDay",
    "LimitSums",
    "PromotionStack",
    "PromotionTier",
    "Publication",
    "Redemption",
    "RuleAssignment",
    "SessionLock",
    "StackingRules",
    "UsageThrough",
    "ValidationRule",
    "Voucher",
    "VoucherTransaction",
]
