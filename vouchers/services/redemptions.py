"""Redeem: exactly as often as allowed, with everything that belongs to it in one transaction.

Locks are taken in one order everywhere: order, customer, vouchers by key; the counter of uses moves last, by a
conditional UPDATE whose row count is read, and a CHECK constraint stands behind it. A refusal undoes all of it and
keeps the failed attempt. Source: validation and redemption, side effects and concurrency.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import IntegrityError
from django.db.models import Model

from config.kernel import ids
from config.kernel.errors import MultipleRequests
from config.project import statements
from config.project.models import Project
from config.project.statements import Part
from customers import services as customers
from customers.models import Customer
from tracking.models import Order
from tracking.services import events, identities, orders, overrides
from tracking.services.identities import Identity
from vouchers.engine import stacking
from vouchers.engine.discounts import Effect
from vouchers.engine.order_state import OrderState
from vouchers.engine.stacking import Outcome, Stack, StackingRules
from vouchers.engine.terms import Refusal
from vouchers.models import PromotionTier, Redemption, Voucher, VoucherTransaction
from vouchers.payloads import RedeemRequest
from vouchers.rendering.orders import render_order
from vouchers.services import (
    balances,
    candidates,
    carts,
    failures,
    holders,
    redeemed_orders,
    redemption_events,
    sessions,
    transactions,
    uses,
    voucher_events,
)
from vouchers.services.candidates import Found
from vouchers.services.channels import Channel
from vouchers.services.failures import Attempt, NotRedeemable
from vouchers.services.uses import Target

log = logging.getLogger("tessera.redemptions")

QUANTITY_CHECKS: Final = ("voucher_quantity_left", "voucher_gift_balance")
ORDER_ONCE: Final = "order_source_id"
"""Two new orders under one source id: the constraint lets one of them in."""
QUANTITY_EXCEEDED: Final = Refusal("quantity_exceeded", "quantity exceeded")
SOMEBODY_ELSES: Final = Refusal("invalid_customer", "Invalid customer", "Somebody else validated it in a session")


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a redemption did, for every form of the answer.

    redemptions: in application order, each with voucher, customer, order and parent loaded, its `order_snapshot` as on
    the wire. parent: only where there is more than one. state: the final order, its `applied_*` of this request.
    """

    request: RedeemRequest
    redemptions: tuple[Redemption, ...]
    parent: Redemption | None
    order: Order | None
    state: OrderState | None
    stack: Stack
    vouchers: dict[str, Voucher]
    tiers: dict[str, PromotionTier]
    customer: Customer | None
    identity: Identity
    stacking: StackingRules


def redeem(
    *,
    project: Project,
    request: RedeemRequest,
    at: datetime,
    channel: Channel | None = None,
    protect_customer: bool = False,
) -> Redeemed:
    """Redeem 1 to 30 redeemables on one order, all or none.

    at: aware. protect_customer: a customer who is stored already stays as it is (client calls of such projects).
    Raises VoucherRefused (first reason; all are kept with the failed attempt, which `resource_id` names), NotFound
    (code, customer, order), MultipleRequests, RedeemablesLimitExceeded, DuplicatedRedeemables, AmbiguousTrackingId,
    MetadataValidationFailed.
    """
    candidates.check(project, request)
    identity = identities.resolve(
        project=project,
        tracking_id=request.tracking_id,
        source_id=request.source_id,
        customer_id=request.customer_id,
        shortcut=request.shortcut,
        cookie=request.cookie,
        at=at,
        anonymous=request.anonymous,
        must_exist=True,
        writes=True,
    )
    attempt = Attempt(project, request, identity, at, channel or Channel(), protect_customer)
    try:
        try:
            return transactions.run(lambda: _redeem(attempt))
        except holders.HeldElsewhere as busy:
            again = replace(attempt, locked_first=busy.holders)
            return transactions.run(lambda: _redeem(again))
    except NotRedeemable as refused:
        raise failures.record(attempt, refused) from None


def _redeem(attempt: Attempt) -> Redeemed:
    """Lock, look, decide, write. Runs in a transaction, maybe more than once."""
    project, request, at = attempt.project, attempt.request, attempt.at
    stored = carts.find_order(project, request.order, lock=True)
    if request.order is not None and request.order.items:
        overrides.store(project=project, items=request.order.items, at=at)
    before = carts.state_of(project, request, stored)
    key = _enter_session(attempt)
    holders.lock(attempt.locked_first)
    customer = _write_customer(attempt)
    with transactions.one_at_a_time():
        pk = None if customer is None else customer.pk
        found = candidates.find(project, request.redeemables, lock=True, customer_id=pk)
        holders.keep((row.voucher for row in found if row.voucher), own=pk, locked_first=attempt.locked_first)
    _weigh_sessions(attempt, found, key)
    facts = candidates.facts_of(
        project=project,
        request=request,
        order=before,
        found=found,
        customer=customer,
        named=candidates.is_named(attempt.identity, request),
        data=None,
        at=at,
        channel=attempt.channel,
        lock=True,
    )
    rules = stacking.read_stacking_rules(project.stacking_rules)
    stack = stacking.evaluate([entry.candidate() for entry in found], facts, rules)
    targets = {entry.redeemable.id: target for entry in found if (target := entry.voucher or entry.tier) is not None}
    if not stack.valid:
        raise NotRedeemable.by(stack, targets, partial=rules.application_mode == "PARTIAL")
    return _record(attempt, stack, targets, customer, stored, rules)


def _enter_session(attempt: Attempt) -> str | None:
    """The key of the session that this is redeemed in, ours alone until the end."""
    key = None if attempt.request.session is None else attempt.request.session.key
    if key is not None:
        sessions.enter(
            project=attempt.project,
            key=key,
            identity=attempt.identity,
            at=attempt.at,
            browser=attempt.channel.is_browser,
        )
    return key


def _weigh_sessions(attempt: Attempt, found: Sequence[Found], key: str | None) -> None:
    """What others hold is not free; and where the project wants it so, who validated in a session must redeem."""
    vouchers = [entry.voucher for entry in found if entry.voucher is not None]
    foreign = sessions.weigh(vouchers, key=key, identity=attempt.identity, at=attempt.at)
    if foreign and attempt.project.secure_redemption:
        voucher = next(voucher for voucher in vouchers if voucher.pk in foreign)
        raise NotRedeemable.of(voucher, SOMEBODY_ELSES)


def _write_customer(attempt: Attempt) -> Customer | None:
    """The redeeming customer, upserted; None where nobody was named."""
    request = attempt.request
    customer, _ = identities.write_customer(
        project=attempt.project,
        identity=attempt.identity,
        data=request.customer,
        at=attempt.at,
        protect=attempt.protect_customer,
        cause=attempt.channel.cause,
    )
    return customer


def _record(
    attempt: Attempt,
    stack: Stack,
    targets: dict[str, Target],
    customer: Customer | None,
    stored: Order | None,
    rules: StackingRules,
) -> Redeemed:
    applied = [(outcome, outcome.effect) for outcome in stack.of("APPLICABLE") if outcome.effect is not None]
    redeemed = [targets[outcome.candidate.id] for outcome, _ in applied]
    for target, (_, effect) in zip(redeemed, applied, strict=True):
        uses.count_in_memory(target, effect, attempt.at)
    public_ids = [ids.new("r_") for _ in range(len(applied) + (len(applied) > 1))]
    before = None if stored is None else stored.status
    order = redeemed_orders.of(attempt, stack, redeemed, public_ids, customer, stored)
    rows, parent = _rows(attempt, stack, applied, redeemed, public_ids, customer, order)
    _write(attempt, rows, parent, [effect for _, effect in applied], before)
    _write_ledger(attempt, applied, rows)
    return Redeemed(
        request=attempt.request,
        redemptions=tuple(rows),
        parent=parent,
        order=order,
        state=stack.order,
        stack=stack,
        vouchers={name: target for name, target in targets.items() if isinstance(target, Voucher)},
        tiers={name: target for name, target in targets.items() if isinstance(target, PromotionTier)},
        customer=customer,
        identity=attempt.identity,
        stacking=rules,
    )


def _write(
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
        parts[name] = uses.of(target, effect, attempt.at)
    written = _run(parts, counted_targets)
    _mark_saved(order, written.get("saved_order"), parent, written.get("saved_parent"), rows, written["saved"])


def _run(parts: Mapping[str, Part], targets: Mapping[str, Target]) -> dict[str, list[int]]:
    """Execute, and read whether each use was counted."""
    try:
        written = statements.run(parts)
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


def _rows(
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


def _write_ledger(attempt: Attempt, applied: Sequence[tuple[Outcome, Effect]], rows: Sequence[Redemption]) -> None:
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
