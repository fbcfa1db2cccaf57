"""A voucher as something its holder can redeem. Source: customers.md section 16."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from config.kernel.instants import to_wire
from customers.models import Customer
from vouchers.models import Voucher
from vouchers.rendering.vouchers import render_voucher

PREFIX: Final = "rh_"


def held_id(key: int) -> str:
    """The id under which a voucher's holding is shown; in order of the vouchers."""
    return f"{PREFIX}{key:018x}"


def key_of(public_id: str) -> int | None:
    """The row id of the voucher in a holding's id, or None where it is no such id."""
    digits = public_id.removeprefix(PREFIX)
    if digits == public_id or len(digits) != 18:
        return None
    try:
        key = int(digits, 16)
    except ValueError:
        return None
    return key if key < 2**63 else None


def status_of(voucher: Voucher, at: datetime) -> str:
    """The first thing that stands in the way, or ACTIVE."""
    campaign = voucher.campaign
    if not voucher.active or (campaign is not None and not campaign.active):
        return "DISABLED"
    if voucher.expiration_date is not None and voucher.expiration_date < at:
        return "EXPIRED"
    if voucher.start_date is not None and voucher.start_date > at:
        return "NOT_ACTIVE_YET"
    if voucher.quantity is not None and voucher.redeemed_quantity >= voucher.quantity:
        return "USED"
    if voucher.type == Voucher.Type.GIFT and voucher.gift_balance <= 0:
        return "NO_BALANCE"
    return "ACTIVE"


def render_held(voucher: Voucher, holder: Customer, at: datetime) -> dict[str, Any]:
    """One item of the list."""
    campaign = voucher.campaign
    return {
        "id": held_id(voucher.pk),
        "created_at": to_wire(voucher.published_at or voucher.created_at),
        "redeemable_id": voucher.public_id,
        "redeemable_object": "voucher",
        "customer_id": holder.public_id,
        "holder_role": "OWNER",
        "campaign_id": campaign.public_id if campaign else None,
        "campaign_type": campaign.campaign_type if campaign else None,
        "voucher_type": voucher.type,
        "redeemable": {"type": "voucher", "voucher": render_voucher(voucher), "status": status_of(voucher, at)},
    }
