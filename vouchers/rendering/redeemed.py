"""What a redemption did: the stackable answer, the older one, and what of either a browser may see.

Source: validation-and-redemption, section 4; tracking, section 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from customers.payloads import UNSET, CustomerData
from vouchers.models import PromotionTier, Redemption, RuleAssignment, Voucher
from vouchers.rendering.orders import render_order
from vouchers.rendering.redemptions import render_entry
from vouchers.rendering.tiers import render_tier
from vouchers.rendering.validations import render_products, render_redeemable
from vouchers.rendering.vouchers import render_redeemed_voucher, render_simple_voucher, render_voucher

if TYPE_CHECKING:
    from vouchers.services.redemptions import Redeemed


def render_redeemed(
    redeemed: Redeemed, request_id: str, tiers: Mapping[int, PromotionTier] | None = None
) -> dict[str, Any]:
    """The answer of `/v1/redemptions`: one entry for each redeemable, and their parent where there are several.

    tiers: those to be shown in full, as `for_wire()` reads them, where the request asked for that.
    """
    in_full = "redeemable" in (redeemed.request.expand or ())
    wire: dict[str, Any] = {
        "redemptions": [render_entry(row, _voucher(row.voucher, in_full=in_full)) for row in redeemed.redemptions]
    }
    for row, entry in zip(redeemed.redemptions, wire["redemptions"], strict=True):
        if (tier := (tiers or {}).get(row.promotion_tier_id or 0)) is not None:
            entry["promotion_tier"] = render_tier(tier, list(tier.rule_assignments.all()))
    if redeemed.parent is not None:
        wire["parent_redemption"] = _parent(redeemed.parent)
    if redeemed.order is not None:
        wire["order"] = render_order(redeemed.order, redeemed.state)
    for status, name in (("INAPPLICABLE", "inapplicable_redeemables"), ("SKIPPED", "skipped_redeemables")):
        outcomes = [outcome for outcome in redeemed.stack.outcomes if outcome.status == status]
        wire[name] = [render_redeemable(redeemed, outcome, request_id) for outcome in outcomes]
    return wire


def render_single(redeemed: Redeemed, assignments: Iterable[RuleAssignment]) -> dict[str, Any]:
    """The answer of `/v1/vouchers/{code}/redemption`: the entry itself, its voucher in full."""
    row = redeemed.redemptions[0]
    if row.voucher is None:
        return render_entry(row, None)
    voucher = render_redeemed_voucher(row.voucher, assignments)
    effect = next((outcome.effect for outcome in redeemed.stack.of("APPLICABLE") if outcome.effect is not None), None)
    products = {} if effect is None else render_products(effect)
    return render_entry(row, {**voucher, **products})


def for_browser(entry: dict[str, Any], sent: CustomerData | None) -> dict[str, Any]:
    """The entry without what is stored of people: of a customer only the ids, and what the request itself said."""
    customer, voucher = entry.get("customer"), entry.get("voucher")
    shown = dict(entry)
    if customer is not None:
        shown["customer"] = {
            **customer,
            "name": _said(sent.name) if sent else None,
            "email": _said(sent.email) if sent else None,
            "metadata": (_said(sent.metadata) if sent else None) or {},
        }
    if voucher is not None:
        shown["voucher"] = {name: value for name, value in voucher.items() if name != "holder"}
    return shown


def _said(value: Any) -> Any:
    return None if value is UNSET else value


def _voucher(voucher: Voucher | None, *, in_full: bool) -> dict[str, Any] | None:
    if voucher is None:
        return None
    return render_voucher(voucher) if in_full else render_simple_voucher(voucher)


def _parent(row: Redemption) -> dict[str, Any]:
    """The parent has no voucher of its own."""
    entry = render_entry(row, None)
    return {name: value for name, value in entry.items() if name != "voucher"}
