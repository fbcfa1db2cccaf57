"""Redeem: exactly as often as allowed, with everything that belongs to it in one transaction.

Locks are taken in one order everywhere: order, customer, vouchers by key; the counter of uses moves last, by a
conditional UPDATE whose row count is read, and a CHECK constraint stands behind it. A refusal undoes all of it and
keeps the failed attempt. Source: validation and redemption, side effects and concurrency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import OperationalError, connection

from config.kernel import ids
from config.project.models import Project
from customers.models import Customer
from tracking.models import Order
from tracking.services import identities, overrides
from tracking.services.identities import Identity
from vouchers.engine import stacking
from vouchers.engine.order_state import OrderState
from vouchers.engine.stacking import Stack, StackingRules
from vouchers.engine.terms import Refusal
from vouchers.models import PromotionTier, Redemption, Voucher
from vouchers.payloads import RedeemRequest
from vouchers.services import (
    candidates,
    carts,
    failures,
    holders,
    redeemed_orders,
    redemption_rows,
    sessions,
    transactions,
    unhindered,
    uses,
)
from vouchers.services.candidates import Found
from vouchers.services.channels import Channel
from vouchers.services.failures import Attempt, NotRedeemable
from vouchers.services.uses import Target

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
        if (redeemed := _redeem_unhindered(attempt)) is not None:
            return redeemed
        try:
            return transactions.run(lambda: _redeem(attempt))
        except holders.HeldElsewhere as busy:
            again = replace(attempt, locked_first=busy.holders)
            return transactions.run(lambda: _redeem(again))
    except NotRedeemable as refused:
        raise failures.record(attempt, refused) from None


def _redeem_unhindered(attempt: Attempt) -> Redeemed | None:
    """Redeem without locks where nothing asks for them; None where something does, and nothing was written."""
    if not unhindered.may_try(attempt):
        return None
    quick = replace(attempt, locks=False)
    try:
        settled = identities.is_settled(attempt.identity, attempt.request.customer, protect=attempt.protect_customer)
        if settled and not connection.in_atomic_block:
            return _redeem(quick)  # the one statement that writes is a transaction of its own
        return transactions.run(lambda: _redeem(quick))
    except unhindered.Hindered:
        return None
    except OperationalError as error:
        if transactions.sqlstate(error) in transactions.AGAIN and not connection.in_atomic_block:
            return None  # undone whole: again, with locks
        raise


def _redeem(attempt: Attempt) -> Redeemed:
    """Lock, look, decide, write. Runs in a transaction, maybe more than once.

    Raises Hindered where it was to do without locks and cannot.
    """
    project, request, at = attempt.project, attempt.request, attempt.at
    stored = carts.find_order(project, request.order, lock=True) if attempt.locks else None
    if attempt.locks and request.order is not None and request.order.items:
        overrides.store(project=project, items=request.order.items, at=at)
    before = carts.state_of(project, request, stored)
    key = _enter_session(attempt)
    holders.lock(attempt.locked_first)
    customer = _write_customer(attempt)
    with transactions.one_at_a_time():
        pk = None if customer is None else customer.pk
        found = candidates.find(project, request.redeemables, lock=attempt.locks, customer_id=pk)
    if not attempt.locks:
        unhindered.require(found, at)
    with transactions.one_at_a_time():
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
        lock=attempt.locks,
    )
    rules = stacking.read_stacking_rules(project.stacking_rules)
    stack = stacking.evaluate([entry.candidate() for entry in found], facts, rules)
    targets = {entry.redeemable.id: target for entry in found if (target := entry.voucher or entry.tier) is not None}
    if not stack.valid and not attempt.locks:
        raise unhindered.Hindered
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
    rows, parent = redemption_rows.rows_of(attempt, stack, applied, redeemed, public_ids, customer, order)
    redemption_rows.write(attempt, rows, parent, [effect for _, effect in applied], before)
    redemption_rows.write_ledger(attempt, applied, rows)
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
