"""Vouchers, rules, orders, validations and redemptions as the wire shows them: plain functions, no serializers."""

from vouchers.rendering.orders import (
    render_amounts,
    render_line,
    render_order,
    render_order_state,
    render_validated_order,
)
from vouchers.rendering.redeemed import for_browser, render_redeemed, render_single
from vouchers.rendering.redemptions import (
    render_redemption,
    render_rollback,
    render_rollbacks,
    render_voucher_redemptions,
)
from vouchers.rendering.rules import render_assignment, render_assignments, render_rule
from vouchers.rendering.validations import (
    no_products,
    render_discount,
    render_redeemable,
    render_refusal,
    render_validation,
)
from vouchers.rendering.vouchers import (
    render_category,
    render_redeemed_voucher,
    render_simple_voucher,
    render_voucher,
)

__all__ = [
    "for_browser",
    "no_products",
    "render_amounts",
    "render_assignment",
    "render_assignments",
    "render_category",
    "render_discount",
    "render_line",
    "render_order",
    "render_order_state",
    "render_redeemable",
    "render_redeemed",
    "render_redeemed_voucher",
    "render_redemption",
    "render_refusal",
    "render_rollback",
    "render_rollbacks",
    "render_rule",
    "render_simple_voucher",
    "render_single",
    "render_validated_order",
    "render_validation",
    "render_voucher",
    "render_voucher_redemptions",
]
