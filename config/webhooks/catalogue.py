"""Pure: the types of events that a webhook may ask for. Source: webhooks and events, section 4.

Types of loyalty and referral programmes can be asked for as well; nothing sends them yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final


def _types(head: str, tails: str) -> list[str]:
    return [f"{head}.{tail}" for tail in tails.split()]


GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Customers": (
        *_types("customer", "created updated deleted confirmed custom_event"),
        *_types("customer", "segment.entered segment.left"),
        *_types("customer.order", "created updated paid fulfilled canceled"),
        *_types("customer", "publication.succeeded publication.failed redemption.succeeded redemption.failed"),
        *_types("customer", "redemption.rollback.succeeded redemption.rollback.failed"),
        *_types("customer", "holder.assignment.created holder.assignment.deleted"),
        *_types("customer", "voucher.deleted voucher.gift.balance_added"),
        *_types("customer", "rewarded rewarded.loyalty_points"),
    ),
    "Vouchers": (
        *_types("voucher", "created updated deleted enabled disabled published"),
        *_types("voucher.gift", "balance_added transaction.created"),
        *_types("voucher.loyalty_card", "points_added points_expired transaction.created"),
        *_types("voucher.loyalty_card.pending_points", "activated added canceled updated"),
    ),
    "Publications": ("publication.succeeded",),
    "Redemptions": tuple(_types("redemption", "succeeded failed rollback.succeeded rollback.failed")),
    "Orders": tuple(_types("order", "created updated paid fulfilled canceled")),
    "Campaigns": (
        *_types("campaign", "created updated deleted enabled disabled vouchers.added"),
        *_types("campaign.vouchers.generation", "started completed failed"),
        *_types("campaign.promotion_tier", "created updated deleted enabled disabled"),
        *_types("campaign.promotion_stack", "created updated deleted"),
    ),
    "Validation rules": (
        *_types("business_validation_rule", "created updated deleted assignment.created assignment.deleted"),
    ),
}
"""What the page lists, under these headings."""

TYPES: Final = frozenset(name for group in GROUPS.values() for name in group)

MISSPELT: Final = {
    "campaign.vouchers.aded": "campaign.vouchers.added",
    "voucher.gift.balance_aded": "voucher.gift.balance_added",
    "voucher.loyalty_card.points_aded": "voucher.loyalty_card.points_added",
    "voucher.loyalty_card.pending_points.aded": "voucher.loyalty_card.pending_points.added",
}
"""As a published list of these types spells them."""

_PREFIXES: Final = ("campaign.referral_tier.", "campaign.loyalty_tier.", "campaign.earning_rule.", "campaign.reward.")


def named(sent: str) -> str | None:
    """The type that is meant, or None for one that does not exist."""
    name = MISSPELT.get(sent, sent)
    return name if name in TYPES or (name.startswith(_PREFIXES) and len(name) <= 80) else None


def unknown(sent: Iterable[str]) -> list[str]:
    """Those that are no types, in order."""
    return [name for name in sent if named(name) is None]
