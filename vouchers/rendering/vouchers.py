"""A voucher as the wire shows it: full, and the shorter form inside redemptions.

Unset optional parts are explicit nulls; inside `discount` they are absent, because it is kept as sent; `holder_id` and
`referrer_id` are absent while nobody has or made the code.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from config.api import server_address
from config.kernel.instants import to_wire, to_wire_or_none
from customers.rendering import render_simple
from vouchers.models import Category, PromotionTier, RuleAssignment, Voucher
from vouchers.rendering.rules import render_assignments


def render_voucher(voucher: Voucher, assignments: Iterable[RuleAssignment] | None = None) -> dict[str, Any]:
    """The full object. assignments: its own and its campaign's; None leaves the key out, as lists do."""
    wire = {
        **_identity(voucher),
        "category": category_name(voucher),
        "category_id": voucher.category.public_id if voucher.category else None,
        "categories": render_categories(voucher),
        **_terms(voucher),
        "validity_timeframe": voucher.validity_timeframe,
        "validity_day_of_week": voucher.validity_day_of_week,
        "validity_hours": voucher.validity_hours,
        "active": voucher.active,
        "additional_info": voucher.additional_info,
        "metadata": voucher.metadata,
        "assets": render_assets(voucher),
        "is_referral_code": voucher.is_referral_code,
        **_life(voucher),
        "object": "voucher",
        "publish": {"object": "list", "count": voucher.publish_count, "url": list_url(voucher, "publications")},
        "redemption": {**render_counters(voucher), "object": "list", "url": list_url(voucher, "redemptions")},
    }
    if assignments is not None:
        wire["validation_rules_assignments"] = render_assignments(list(assignments))
    return wire


def render_redeemed_voucher(voucher: Voucher, assignments: Iterable[RuleAssignment]) -> dict[str, Any]:
    """The full object as the older redemption calls answer it: with the holder, where there is one."""
    wire = render_voucher(voucher, assignments)
    if voucher.holder is not None:
        wire["holder"] = render_simple(voucher.holder)
    return wire


def render_simple_voucher(voucher: Voucher) -> dict[str, Any]:
    """The form inside redemptions and lists of them: one of discount, gift and loyalty_card, no links, no assets."""
    terms = {name: value for name, value in _terms(voucher).items() if value is not None or "date" in name}
    return {
        **_identity(voucher),
        "category_id": voucher.category.public_id if voucher.category else None,
        **terms,
        "active": voucher.active,
        "metadata": voucher.metadata,
        "is_referral_code": voucher.is_referral_code,
        **_life(voucher),
        "object": "voucher",
        "redemption": render_counters(voucher),
    }


def render_gift(voucher: Voucher) -> dict[str, Any]:
    """Credits: granted, left, and taken back where any were."""
    gift: dict[str, Any] = {"amount": voucher.gift_amount, "balance": voucher.gift_balance}
    if voucher.gift_subtracted_amount:
        gift["subtracted_amount"] = voucher.gift_subtracted_amount
    gift["effect"] = voucher.gift_effect
    return gift


def render_categories(target: Voucher | PromotionTier) -> list[dict[str, Any]]:
    """The own category of a voucher or tier, else its campaign's."""
    category = target.category or (target.campaign.category if target.campaign else None)
    return [] if category is None else [render_category(category)]


def render_category(category: Category) -> dict[str, Any]:
    """A category inside a voucher."""
    wire: dict[str, Any] = {
        "id": category.public_id,
        "name": category.name,
        "hierarchy": category.hierarchy,
        "object": "category",
        "created_at": to_wire(category.created_at),
    }
    if category.updated_at is not None:
        wire["updated_at"] = to_wire(category.updated_at)
    return wire


def render_assets(voucher: Voucher) -> dict[str, Any]:
    """Where pictures of the code are; the id is the secret that opens them."""
    address = f"{server_address.base()}/v1/assets"
    return {
        kind: {"id": str(voucher.asset_id), "url": f"{address}/{kind}/{voucher.asset_id}"} for kind in ("qr", "barcode")
    }


def category_name(voucher: Voucher) -> str | None:
    """The category's name as it is now, else the tag as it was given."""
    return voucher.category.name if voucher.category else voucher.category_tag


def _identity(voucher: Voucher) -> dict[str, Any]:
    campaign = voucher.campaign
    return {
        "id": voucher.public_id,
        "code": voucher.code,
        "campaign": campaign.name if campaign else None,
        "campaign_id": campaign.public_id if campaign else None,
    }


def _terms(voucher: Voucher) -> dict[str, Any]:
    return {
        "type": voucher.type,
        "discount": voucher.discount,
        "gift": render_gift(voucher) if voucher.type == Voucher.Type.GIFT else None,
        "loyalty_card": voucher.loyalty_card,
        "start_date": to_wire_or_none(voucher.start_date),
        "expiration_date": to_wire_or_none(voucher.expiration_date),
    }


def _life(voucher: Voucher) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "created_at": to_wire(voucher.created_at),
        "updated_at": to_wire_or_none(voucher.updated_at),
    }
    if voucher.holder is not None:
        wire["holder_id"] = voucher.holder.public_id
    if voucher.referrer is not None:
        wire["referrer_id"] = voucher.referrer.public_id
    return wire


def render_counters(voucher: Voucher) -> dict[str, Any]:
    """How often it may be and was redeemed; credits and points where the kind has them."""
    counters: dict[str, Any] = {"quantity": voucher.quantity, "redeemed_quantity": voucher.redeemed_quantity}
    if voucher.type == Voucher.Type.GIFT:
        counters["redeemed_amount"] = voucher.redeemed_amount
    if voucher.type == Voucher.Type.LOYALTY:
        counters["redeemed_points"] = voucher.redeemed_points
    return counters


def list_url(voucher: Voucher, what: str) -> str:
    """Where more about the code is listed."""
    return f"/v1/vouchers/{quote(voucher.code, safe='')}/{what}?page=1&limit=10"
