"""Pure: an event as activity lists show it, and what such a list can be asked for. Source: customers.md section 14."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from config.kernel.instants import to_wire

if TYPE_CHECKING:
    from tracking.models import Event

CATEGORIES: Final = ("ACTION", "EFFECT")
CAMPAIGN_TYPES: Final = ("PROMOTION", "GIFT_VOUCHERS", "REFERRAL_PROGRAM", "DISCOUNT_COUPONS", "LOYALTY_PROGRAM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One page of a list of events.

    after: the id of the last event already seen. since, until: both count. beyond: only what lies strictly after this
    time in the direction of the list. campaign: public id.
    """

    limit: int = 10
    newest_first: bool = True
    after: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    beyond: datetime | None = None
    type: str | None = None
    category: str | None = None
    campaign: str | None = None
    campaign_type: str | None = None
    product: str | None = None


def render_event(event: Event) -> dict[str, Any]:
    """The event's keys flat in `data`, its source beside them."""
    data: Mapping[str, Any] = event.data
    return {
        "id": event.public_id,
        "type": event.type,
        "data": {**data, "event_source": event.source or {"channel": "INTERNAL"}},
        "created_at": to_wire(event.created_at),
        "group_id": event.group_id or None,
    }
