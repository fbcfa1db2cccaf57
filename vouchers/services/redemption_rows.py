"""The rows of a redemption, and the one statement that writes them with everything that moves."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from django.db import IntegrityError
from django.db.models import Model

from config.kernel.errors import MultipleRequests
from config.project import statements
from config.project.statements import Part
from customers import services as customers
from customers.models import Customer
from tracking.models import Order
from tracking.services import events, orders
from vouchers.engine.discounts import Effect
from vouchers.engine.stacking import Outcome, Stack
from vouchers.engine.terms import Refusal
from vouchers.models import PromotionTier, Redemption, Voucher, VoucherTransaction
from vouchers.rendering.orders import render_order
from vouchers.services import (
    balances,
    failures,
    redeemed_orders,
    redemption_events,
    sessions,
    transactions,
    unhindered,
    uses,
    voucher_events,
)
from vouchers.services.failures import Attempt, NotRedeemable
from vouchers.services.uses import Target

log = logging.getLogger("tessera.redemptions")

QUANTITY_CHECKS: Final = ("voucher_quantity_left", "voucher_gift_balance")
ORDER_ONCE: Final = "order_source_id"
"""Two new orders under one source id: the constraint lets one of them in."""
QUANTITY_EXCEEDED: Final = Refusal("quantity_exceeded", "quantity exceeded")


def write(
    attempt: Attempt,
    rows: Sequence[Redemption],
    parent: Redemption | None,
    effects: Sequence[Effect],
    before: str | None,
) -> None:
    """Everything in one statement: order, redemptions, events, the customer's counters, the vouchers' uses.

    before: the status that a stored order had.
    """
    order, parts = rows[0].order, dict[str, Part]()
    fresh = order if order is not None and order._state.adding else None
    links: dict[str, str] = {} if fresh is None else {"order_id": "saved_order"}
    if fresh is not None:
        parts["saved_order"] = statements.insert([fresh])
    if parent is not None:
        parts["saved_parent"] = statements.insert([parent], links)
        links["parent_id"] = "saved_parent"
    parts["saved"] = statements.insert(rows, links)
    ordered, told_of_order = redeemed_orders.events_of(attempt, parent or rows[0], before)
    if news := [*ordered, *(failures.event(attempt, row) for row in rows if row.customer_id or row.token)]:
        parts |= events.parts(project=attempt.project, events=news)
    if rows[0].customer_id is not None:
        counted = None if fresh is None else orders.counted(fresh)
        parts["counted"] = customers.moved(
            customer_id=rows[0].customer_id, at=attempt.at, order=counted, **_counters(effects)
        )
    if attempt.request.session is not None and attempt.request.session.key is not None:
        parts["released"] = sessions.releasing(attempt.project, attempt.request.session.key)
    if (told := redemption_events.part(attempt.project, rows, attempt.channel.source, told_of_order)) is not None:
        parts["told_too"] = told
    counted_targets = uses.named(rows)
    for (name, target), effect in zip(counted_targets.items(), effects, strict=True):
        if isinstance(target, Voucher) and not attempt.locks:
            parts[name] = unhindered.use_of(target, attempt.at)
        else:
            parts[name] = uses.of(target, effect, attempt.at)
    with transactions.one_at_a_time():
        written = _run(parts, counted_targets, locked=attempt.locks)
    if not attempt.locks:
        _show_uses(counted_targets, written)
    _mark_saved(order, written.get("saved_order"), parent, written.get("saved_parent"), rows, written["saved"])


def _show_uses(targets: Mapping[str, Target], written: Mapping[str, Sequence[int]]) -> None:
    """Show in the answer how many uses there are now: others may have redeemed since the voucher was read."""
    for name, target in targets.items():
        target.redeemed_quantity = written[name][0]


def _run(parts: Mapping[str, Part], targets: Mapping[str, Target], *, locked: bool) -> dict[str, list[int]]:
    """Execute, and read whether each use was counted."""
    try:
        written = statements.run(parts, required="" if locked else next(iter(targets)))
    except statements.NothingWritten as error:
        raise unhindered.Hindered from error
    except IntegrityError as error:
        if ORDER_ONCE in str(error):
            raise MultipleRequests("Another request is working on the same order") from error
        target = next(iter(targets.values()))
        if any(check in str(error) for check in QUANTITY_CHECKS):
            log.exception("the lock of %s has a hole", target.public_id)
            raise NotRedeemable.of(target, QUANTITY_EXCEEDED) from error
        raise
    for name, target in targets.items():
        if not written[name]:
            log.error("%s was used up although it was locked", target.public_id)
            raise NotRedeemable.of(target, QUANTITY_EXCEEDED)
    return written


def _mark_saved(
    order: Order | None,
    order_ids: Sequence[int] | None,
    parent: Redemption | None,
    parent_ids: Sequence[int] | None,
    rows: Sequence[Redemption],
    row_ids: Sequence[int],
) -> None:
    """Give the instances the keys that the statement returned."""
    if order is not None and order_ids:
        statements.mark_saved(order, order_ids[0])
    if parent is not None and parent_ids:
        statements.mark_saved(parent, parent_ids[0])
        parent.order = order
    for row, row_id in zip(rows, row_ids, strict=True):
        statements.mark_saved(row, row_id)
        row.order, row.parent = order, parent


def rows_of(
    attempt: Attempt,
    stack: Stack,
    applied: Sequence[tuple[Outcome, Effect]],
    redeemed: Sequence[Target],
    public_ids: Sequence[str],
    customer: Customer | None,
    order: Order | None,
) -> tuple[list[Redemption], Redemption | None]:
    """Unsaved rows: one for each voucher, and their parent where there are several."""
    whole = None if order is None else render_order(order, stack.order)
    common = attempt.fields()
    related: dict[str, Model | None] = {"project": common.pop("project"), "customer": customer, "order": order}
    common |= {"result": Redemption.Result.SUCCESS, "status": Redemption.Status.SUCCEEDED}
    if attempt.request.session is not None:
        common["session_key"] = attempt.request.session.key or ""
    parent = None
    if len(applied) > 1:
        parent = statements.make(
            Redemption,
            related,
            public_id=public_ids[0],
            related_object_type="redemption",
            related_object_id=public_ids[0],
            order_snapshot=whole,
            order_amount=None if stack.order is None else stack.order.amount,
            discount_amount=sum(effect.applied for _, effect in applied),
            **common,
        )
    rows = []
    for (outcome, effect), target, public_id in zip(applied, redeemed, public_ids[-len(applied) :], strict=True):
        snapshot = whole if parent is None else redeemed_orders.after_child(effect.order, order)
        rows.append(
            statements.make(
                Redemption,
                related
                | {
                    "voucher": target if isinstance(target, Voucher) else None,
                    "promotion_tier": target if isinstance(target, PromotionTier) else None,
                    "campaign": target.campaign,
                    "parent": parent,
                },
                public_id=public_id,
                code=outcome.candidate.id if isinstance(target, Voucher) else "",
                related_object_type=outcome.candidate.object,
                related_object_id=target.public_id,
                order_snapshot=snapshot,
                order_amount=None if effect.order is None else effect.order.amount,
                discount_amount=effect.applied,
                amount=effect.credits,
                **common,
            )
        )
    return rows, parent


def write_ledger(attempt: Attempt, applied: Sequence[tuple[Outcome, Effect]], rows: Sequence[Redemption]) -> None:
    """One line for every gift card that paid something."""
    entries = [
        balances.entry(
            row.voucher,
            type=VoucherTransaction.Type.REDEMPTION,
            amount=-effect.credits,
            at=attempt.at,
            automatic=True,
            redemption=row,
            order=row.order,
        )
        for (_, effect), row in zip(applied, rows, strict=True)
        if effect.credits and row.voucher is not None
    ]
    if entries:
        VoucherTransaction.objects.bulk_create(entries)
        voucher_events.spent(attempt.project, entries, attempt.channel.cause)


def _counters(effects: Sequence[Effect]) -> dict[str, int]:
    """What the customer's counters gain; an order's own are moved with it."""
    gifts = [effect.credits for effect in effects if effect.credits is not None]
    return {
        "redemptions_succeeded": len(effects),
        "gift_redemptions": len(gifts),
        "gift_redeemed_amount": sum(gifts),
    }
