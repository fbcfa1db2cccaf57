"""What is offered, and what became of it."""

from vouchers.models.campaigns import Campaign, Category
from vouchers.models.redemptions import Redemption, VoucherTransaction
from vouchers.models.validation_rules import RuleAssignment, ValidationRule
from vouchers.models.vouchers import Voucher

__all__ = ["Campaign", "Category", "Redemption", "RuleAssignment", "ValidationRule", "Voucher", "VoucherTransaction"]
