"""A stored attempt to redeem (or to roll back) as lists and single look-ups show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.kernel.instants import to_wire
from customers.rendering import render_simple
from vouchers.models import PromotionTier, Redemption, Voucher
from vouchers.rendering.vouchers import list_url, render_counters, render_simple_voucher


def render_redemption(redemption: Redemption) -> dict[str, Any]:
    """The entry. Read it with `Redemption.objects.of(project).for_wire()`, which brings along all that is shown."""
    entry = render_entry(redemption, _voucher(redemption.voucher))
    return entry | _relatives(redemption)


def render_entry(redemption: Redemption, voucher: dict[str, Any] | None) -> dict[str, Any]:
    """The entry with the voucher in the form that the call answers, and without what came after it."""
    customer = redemption.customer
    wire: dict[str, Any] = {
        "id": redemption.public_id,
        "object": redemption.kind,
        "date": to_wire(redemption.created_at),
        "customer_id": customer.public_id if customer else None,
        "tracking_id": redemption.token or None,
        "metadata": redemption.metadata,
    }
    if redemption.amount is not None:
        wire["amount"] = redemption.amount
    origin = redemption.rolls_back or redemption.parent
    if origin is not None:
        wire["redemption"] = origin.public_id
    if redemption.kind == Redemption.Kind.ROLLBACK:
        wire["reason"] = redemption.reason
    wire |= {"result": redemption.result, "status": redemption.status}
    if redemption.session_key:
        wire["session"] = {"key": redemption.session_key}
    wire |= _failure(redemption)
    wire["order"] = redemption.order_snapshot
    if redemption.channel_id:
        wire["channel"] = {"channel_id": redemption.channel_id, "channel_type": redemption.channel_type}
    wire |= {
        "customer": render_simple(customer) if customer else None,
        "related_object_type": redemption.related_object_type,
        "related_object_id": redemption.related_object_id or redemption.public_id,
        "voucher": voucher,
    }
    if redemption.promotion_tier is not None:
        wire["promotion_tier"] = render_redeemed_tier(redemption.promotion_tier)
    if redemption.amount is not None and redemption.voucher and redemption.voucher.type == Voucher.Type.GIFT:
        wire["gift"] = {"amount": redemption.amount}
    return wire


def render_redeemed_tier(tier: PromotionTier) -> dict[str, Any]:
    """A promotion tier in its short form."""
    return {
        "id": tier.public_id,
        "name": tier.name,
        "banner": tier.banner,
        "campaign": {"id": tier.campaign.public_id},
        "metadata": tier.metadata,
    }


def _voucher(voucher: Voucher | None) -> dict[str, Any] | None:
    return None if voucher is None else render_simple_voucher(voucher)


def _failure(redemption: Redemption) -> dict[str, Any]:
    if redemption.result == Redemption.Result.SUCCESS:
        return {}
    return {"failure_code": redemption.failure_code, "failure_message": redemption.failure_message}


def _relatives(redemption: Redemption) -> dict[str, Any]:
    """What undid it, and what it is made of; absent where there is neither."""
    relatives = {
        "rollbacks": [
            {**_pointer(row), "rollback_order_mode": row.rollback_order_mode or "WITH_ORDER"}
            for row in redemption.rollbacks.all()
            if row.result == Redemption.Result.SUCCESS
        ],
        "redemptions": [_pointer(row) for row in redemption.children.all()],
    }
    found = {name: rows for name, rows in relatives.items() if rows}
    return {"related_redemptions": found} if found else {}


def _pointer(redemption: Redemption) -> dict[str, Any]:
    return {"id": redemption.public_id, "date": to_wire(redemption.created_at)}


def render_rollback(row: Redemption) -> dict[str, Any]:
    """The answer of `/v1/redemptions/{id}/rollback`: the entry of the rollback itself, right after it."""
    entry = render_entry(row, _voucher(row.voucher))
    return entry if row.voucher is not None else {name: part for name, part in entry.items() if name != "voucher"}


def render_rollbacks(rows: Sequence[Redemption], parent: Redemption | None) -> dict[str, Any]:
    """The answer of `/v1/redemptions/{id}/rollbacks`: an entry each, and their parent where there is one."""
    wire: dict[str, Any] = {"rollbacks": [render_rollback(row) for row in rows]}
    if parent is not None:
        wire["parent_rollback"] = render_rollback(parent)
    if rows and rows[0].order_snapshot is not None:
        wire["order"] = rows[0].order_snapshot
    return wire


def render_voucher_redemptions(voucher: Voucher, entries: Sequence[Redemption], total: int) -> dict[str, Any]:
    """The attempts on one code, with its counters. entries: as `for_wire()` reads them, newest first."""
    return {
        **render_counters(voucher),
        "object": "list",
        "url": list_url(voucher, "redemptions"),
        "data_ref": "redemption_entries",
        "total": total,
        "redemption_entries": [render_redemption(entry) for entry in entries],
    }
