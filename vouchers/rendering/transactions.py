"""Lines of a gift card's ledger as the wire shows them. Source: vouchers.md §9."""

from __future__ import annotations

from typing import Any

from config.kernel.instants import to_wire
from vouchers.models import VoucherTransaction


def render_transaction(row: VoucherTransaction) -> dict[str, Any]:
    """One line. row: with its voucher, that one's campaign, and the line it answers to."""
    campaign = row.voucher.campaign
    return {
        "id": row.public_id,
        "source_id": row.source_id,
        "voucher_id": row.voucher.public_id,
        "campaign_id": campaign.public_id if campaign else None,
        "source": row.source,
        "reason": row.reason,
        "type": row.type,
        "details": row.details,
        "related_transaction_id": row.related_transaction.public_id if row.related_transaction else None,
        "created_at": to_wire(row.created_at),
    }


def render_balance(row: VoucherTransaction) -> dict[str, Any]:
    """The balance that a line left."""
    return {
        "amount": row.amount,
        "total": row.total,
        "balance": row.balance,
        "type": "gift_voucher",
        "operation_type": row.details.get("balance", {}).get("operation_type", "MANUAL"),
        "object": "balance",
        "related_object": {"type": "voucher", "id": row.voucher.public_id},
    }
