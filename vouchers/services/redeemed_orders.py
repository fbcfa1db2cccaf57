"""The order of a redemption: what it becomes, and what of it is shown with each of its redeemables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.kernel.instants import to_wire
from config.webhooks.envelope import Happening
from customers.models import Customer
from tracking.models import Order
from tracking.services import order_events, orders
from tracking.services.events import NewEvent
from vouchers.engine.order_state import OrderState
from vouchers.engine.stacking import Stack
from vouchers.models import PromotionTier, Redemption
from vouchers.rendering.orders import CUMULATIVE, render_line, render_order_state
from vouchers.services.failures import Attempt
from vouchers.services.uses import Target


def of(
    attempt: Attempt,
    stack: Stack,
    redeemed: Sequence[Target],
    public_ids: Sequence[str],
    customer: Customer | None,
    stored: Order | None,
) -> Order | None:
    """The order with its discounts, PAID unless it says otherwise; None where no order was sent.

    A stored one is changed at once; a new one is only made here and written with everything else.
    """
    state, sent = stack.order, attempt.request.order
    if state is None or sent is None:
        return None
    values: dict[str, Any] = {name: getattr(state, name) for name in CUMULATIVE}
    values |= {
        "total_amount": state.total_amount if state.amount is not None else None,
        "items": [render_line(line) for line in state.lines],
        "metadata": state.data.get("metadata") or {},
        "redemptions": _order_entries(attempt, redeemed, public_ids),
    }
    kept = stored.status if stored is not None and stored.status in Order.COUNTED else Order.Status.PAID
    common: dict[str, Any] = {"customer": customer, "at": attempt.at, "status": sent.status or kept}
    if stored is not None:
        return orders.save_order(project=attempt.project, order={**values, "id": stored.public_id}, **common)
    return orders.draft(project=attempt.project, order={**values, "source_id": sent.source_id}, **common)


def _order_entries(attempt: Attempt, redeemed: Sequence[Target], public_ids: Sequence[str]) -> dict[str, Any]:
    """The order's `redemptions`: the one redemption, or the parent with its children."""
    date = to_wire(attempt.at)
    if len(redeemed) == 1:
        target = redeemed[0]
        kind = "promotion_tier" if isinstance(target, PromotionTier) else "voucher"
        entry = {"date": date, "related_object_type": kind, "related_object_id": target.public_id}
        if target.campaign is not None:
            entry["related_object_parent_id"] = target.campaign.public_id
        return {public_ids[0]: entry}
    parent, *children = public_ids
    entry_of_parent = {"date": date, "related_object_type": "redemption", "related_object_id": parent}
    return {parent: {**entry_of_parent, "stacked": children}}


def events_of(attempt: Attempt, redemption: Redemption, before: str | None) -> tuple[list[NewEvent], list[Happening]]:
    """What happened to the order: for its customer's timeline, and for webhooks.

    redemption: that caused it, the parent of a stack. before: the status that a stored order had.
    """
    if redemption.order is None:
        return [], []
    shown = {"id": redemption.public_id, "object": "redemption", "result": redemption.result}
    return order_events.of(
        project=attempt.project,
        order=redemption.order,
        before=before,
        at=attempt.at,
        cause=attempt.channel.cause,
        redemption=shown,
    )


def after_child(state: OrderState | None, order: Order | None) -> dict[str, Any] | None:
    """The order right after one child: the short form, under the stored order's ids."""
    if state is None or order is None:
        return None
    short = render_order_state(state)
    short.pop("status", None)
    return {**short, "id": order.public_id, "source_id": order.source_id}
