"""Roll a redemption back: uses and credits return, the order loses its discounts, and the attempt is kept either way.

Locks as a redemption takes them: the redemption itself, its order, its customer, vouchers and tiers by key. Somebody
else's rollback of the same redemption, or use of the same order, at the same moment is refused, not waited for.
Source: validation and redemption, rollback.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import Q

from config.kernel import ids
from config.kernel.errors import DomainError, MultipleRequests, NotFound
from config.kernel.instants import to_wire
from config.project.models import Project
from customers import services as customers
from customers.models import Customer
from tracking.models import Order
from tracking.services import events, order_events, orders
from vouchers.engine import stacking, undoing
from vouchers.errors import AlreadyRolledBack, InvalidCustomer, InvalidOrder, InvalidRedemption, InvalidRedemptionParent
from vouchers.models import Redemption, Voucher
from vouchers.payloads import RollbackRequest
from vouchers.rendering.orders import render_order
from vouchers.services import failures, holders, redemption_events, returns, transactions
from vouchers.services.channels import INTERNAL, Channel

log = logging.getLogger("tessera.rollbacks")

ONLY_SINGLE: Final = "You can rollback only a single redemption. Use different endpoint for stacked redemption."
HAS_PARENT: Final = "You can rollback only a redemption that does not have parent redemption."
TWICE: Final = "Redemption has been already rolled back."
NOT_SUCCEEDED: Final = "You can rollback only a redemption that succeeded."
TOO_OLD: Final = f"You can rollback only a redemption of the last {undoing.MONTHS} months."
WITH_ORDER: Final = "WITH_ORDER"
ONCE: Final = "redemption_rolled_back_once"
"""The constraint behind the lock."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback did. rollbacks: one for each redemption; parent: only of a stacked one. order: as it is now."""

    rollbacks: tuple[Redemption, ...]
    parent: Redemption | None
    order: Order | None


@dataclass(frozen=True, slots=True)
class _Attempt:
    project: Project
    redemption: Redemption
    request: RollbackRequest
    at: datetime
    channel: Channel = field(default=INTERNAL)
    single: bool = False

    @property
    def mode(self) -> str:
        """What becomes of the order."""
        rules = stacking.read_stacking_rules(self.project.stacking_rules)
        return str(rules.wire["redeemables_rollback_order_mode"])

    def row(self, prefix: str, of: Redemption, **values: Any) -> Redemption:
        """An unsaved row of this attempt about one redemption."""
        return Redemption(
            project=self.project,
            public_id=ids.new(prefix),
            kind=Redemption.Kind.ROLLBACK,
            rolls_back=of,
            voucher=of.voucher,
            campaign=of.campaign,
            promotion_tier=of.promotion_tier,
            code=of.code,
            related_object_type=of.related_object_type,
            related_object_id=of.related_object_id,
            customer=of.customer,
            token=of.token,
            order=of.order,
            reason=self.request.reason,
            metadata=None if self.request.metadata is None else dict(self.request.metadata),
            channel_type=self.channel.type,
            channel_id=self.channel.id,
            request_id=self.channel.request_id,
            created_at=self.at,
            **values,
        )


class _NotRolledBack(Exception):
    """Undoes the transaction; the attempt is then kept and the error raised."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(error.key)
        self.error = error


def find(*, project: Project, public_id: str) -> Redemption:
    """The redemption, refused attempt or rollback with this id. Raises NotFound."""
    found = None if "\0" in public_id else Redemption.objects.of(project).shown().filter(public_id=public_id).first()
    if found is None:
        raise NotFound.of("redemption", public_id)
    return found


def roll_back(
    *,
    project: Project,
    redemption: Redemption,
    at: datetime,
    reason: str | None = None,
    request: RollbackRequest | None = None,
    channel: Channel | None = None,
    single: bool = False,
) -> RolledBack:
    """Roll back a single redemption, or a stacked one by its parent with all that belongs to it.

    request: what the API said beside the reason. single: refuse a stacked one.
    Raises AlreadyRolledBack, InvalidRedemption, InvalidRedemptionParent, InvalidOrder, InvalidCustomer (each kept as a
    failed rollback, which `resource_id` names), NotFound (customer; kept too), MultipleRequests.
    """
    asked = request or RollbackRequest(reason=reason)
    attempt = _Attempt(project, redemption, asked, at, channel or INTERNAL, single)
    try:
        return transactions.run(lambda: _roll_back(attempt))
    except _NotRolledBack as refused:
        raise _recorded(attempt, refused.error) from None
    except IntegrityError as error:
        if ONCE not in str(error):
            raise
        log.exception("the lock of %s has a hole", redemption.public_id)
        raise MultipleRequests("Another request is working on the same redemption") from error


def _roll_back(attempt: _Attempt) -> RolledBack:
    """Lock, look, write. Runs in a transaction, maybe more than once."""
    with transactions.one_at_a_time():
        root, children = _locked(attempt)
        _check(attempt, root)
        order = _locked_order(root)
    undone = children or [root]
    customer = _locked_customer(root, undone)
    _check_belongings(attempt, root, order, customer)
    for former in (root, *children):
        former.customer, former.order = customer, order
    returns.lock(undone)
    rows, parent = _rows(attempt, root, undone)
    before = None if order is None else order.status
    order = _undo_order(attempt, root, undone, order, [*([parent] if parent else []), *rows])
    snapshot = None if order is None else render_order(order)
    for row in (*rows, *([parent] if parent else [])):
        row.order_snapshot, row.order = snapshot, order
    if parent is not None:
        parent.save(force_insert=True)
    for row, former in zip(rows, undone, strict=True):
        row.parent = parent
        row.save(force_insert=True)
        returns.give_back(row, former, at=attempt.at, cause=attempt.channel.cause)
    keys = {root.pk, *(child.pk for child in children)}
    Redemption.objects.filter(pk__in=keys).update(status=Redemption.Status.ROLLED_BACK)
    if order is not None:
        _tell_of_order(attempt, order, before, parent or rows[0])
    _tell(attempt, rows, undone)
    if customer is not None:
        credits = sum(row.amount for row in rows if row.amount is not None)
        customers.move_counters(
            customer_id=customer.pk, at=attempt.at, rollbacks_succeeded=len(rows), gift_redeemed_amount=credits
        )
    return RolledBack(tuple(rows), parent, order)


def _locked(attempt: _Attempt) -> tuple[Redemption, list[Redemption]]:
    """The redemption as it is now and its children, by key; nobody else rolls them back meanwhile."""
    rows = list(
        Redemption.objects.of(attempt.project)
        .filter(Q(pk=attempt.redemption.pk) | Q(parent_id=attempt.redemption.pk))
        .select_for_update(no_key=True, nowait=True, of=("self",))
        .select_related("campaign")
        .order_by("pk")
    )
    root = next((row for row in rows if row.pk == attempt.redemption.pk), None)
    if root is None:
        raise NotFound.of("redemption", attempt.redemption.public_id)
    return root, [row for row in rows if row is not root and row.kind == Redemption.Kind.REDEMPTION]


def _check(attempt: _Attempt, root: Redemption) -> None:
    """Whether it is something that can be rolled back at all."""
    if root.kind != Redemption.Kind.REDEMPTION or root.result != Redemption.Result.SUCCESS:
        raise _NotRolledBack(InvalidRedemption(NOT_SUCCEEDED))
    if root.parent_id is not None:
        raise _NotRolledBack(InvalidRedemptionParent(HAS_PARENT))
    if attempt.single and is_parent(root):
        raise _NotRolledBack(InvalidRedemption(ONLY_SINGLE))
    if root.status == Redemption.Status.ROLLED_BACK:
        raise _NotRolledBack(AlreadyRolledBack(TWICE))
    if undoing.too_old(root.created_at, attempt.at):
        raise _NotRolledBack(InvalidRedemption(TOO_OLD))


def is_parent(row: Redemption) -> bool:
    """Whether a row only holds the redemptions of several redeemables together."""
    return row.related_object_type == "redemption" and row.result == Redemption.Result.SUCCESS


def _locked_order(root: Redemption) -> Order | None:
    if root.order_id is None:
        return None
    rows = Order.objects.filter(pk=root.order_id).select_for_update(no_key=True, nowait=True, of=("self",))
    return rows.select_related("customer", "referrer").first()


def _locked_customer(root: Redemption, undone: Sequence[Redemption]) -> Customer | None:
    """Who redeemed; locked in one go with who holds the gift cards that get their credits back."""
    cards = [row.voucher_id for row in undone if row.amount and row.voucher_id is not None]
    own = [] if root.customer_id is None else [root.customer_id]
    if cards:
        holders.lock_of(Voucher.objects.filter(pk__in=cards), *own)
    else:
        holders.lock(own)
    if root.customer_id is None:
        return None
    return Customer.objects.filter(pk=root.customer_id).first()


def _check_belongings(attempt: _Attempt, root: Redemption, order: Order | None, customer: Customer | None) -> None:
    """Whether the order and the customer that the caller named are those of the redemption."""
    request, project = attempt.request, attempt.project
    if request.order is not None:
        for sent, own in (
            (request.order.id, order and order.public_id),
            (request.order.source_id, order and order.source_id),
        ):
            if sent is not None and sent != own:
                raise _NotRolledBack(InvalidOrder("Order is not related with redemption."))
    if request.customer is not None:
        for identifier in (request.customer.id, request.customer.source_id):
            if not isinstance(identifier, str):
                continue
            meant = customers.find_or_none(project=project, identifier=identifier)
            if meant is None:
                raise _NotRolledBack(NotFound.of("customer", identifier))
            if meant != customer:
                raise _NotRolledBack(InvalidCustomer("Customer is not related with redemption."))
    if request.tracking_id is not None and request.tracking_id != root.token:
        meant = customers.find_or_none(project=project, identifier=request.tracking_id)
        if meant is None or meant != customer:
            raise _NotRolledBack(InvalidCustomer("Customer is not related with redemption."))


def _rows(
    attempt: _Attempt, root: Redemption, undone: Sequence[Redemption]
) -> tuple[list[Redemption], Redemption | None]:
    """Unsaved rows: one for each redemption, and their parent where it was a stacked one."""
    common: dict[str, Any] = {
        "result": Redemption.Result.SUCCESS,
        "status": Redemption.Status.SUCCEEDED,
        "rollback_order_mode": attempt.mode,
    }
    parent = None
    if is_parent(root):
        parent = attempt.row("rr_", root, **common)
        parent.related_object_id = parent.public_id
    rows = []
    for former in undone:
        row = attempt.row("rr_", former, **common)
        row.discount_amount = -former.discount_amount
        row.amount = None if former.amount is None else -former.amount
        row.order_amount = former.order_amount
        rows.append(row)
    return rows, parent


def _undo_order(
    attempt: _Attempt,
    root: Redemption,
    undone: Sequence[Redemption],
    order: Order | None,
    rows: Sequence[Redemption],
) -> Order | None:
    """The order without the discounts, as the project wants it; its map of redemptions says when.

    Where another redemption of the same order is in force only the discounts of this one go, and the status stays.
    rows: the parent first, where there is one.
    """
    if order is None:
        return None
    own = dict(order.redemptions.get(root.public_id) or {})
    own |= {"rollback_id": rows[0].public_id, "rollback_date": to_wire(attempt.at)}
    if len(rows) > 1:
        own["rollback_stacked"] = [row.public_id for row in rows[1:]]
    values: dict[str, Any] = {"id": order.public_id, "redemptions": {root.public_id: own}}
    status = None
    if attempt.mode == WITH_ORDER:
        others = [
            key for key, entry in order.redemptions.items() if key != root.public_id and "rollback_id" not in entry
        ]
        if others:
            values |= undoing.without(
                amount=order.amount,
                initial_amount=order.initial_amount,
                discount_amount=order.discount_amount,
                lines=order.items,
                applied=root.order_snapshot or {},
            )
        else:
            values |= undoing.without_discounts(order.amount, order.initial_amount, order.items)
            status = Order.Status.CANCELED
    return orders.save_order(project=attempt.project, order=values, customer=None, at=attempt.at, status=status)


def _tell_of_order(attempt: _Attempt, order: Order, before: str | None, rollback: Redemption) -> None:
    order_events.record(
        project=attempt.project,
        order=order,
        before=before,
        at=attempt.at,
        cause=attempt.channel.cause,
        redemption={"id": rollback.public_id, "object": rollback.kind, "result": rollback.result},
    )


def _tell(attempt: _Attempt, rows: Sequence[Redemption], undone: Sequence[Redemption]) -> None:
    """The events, on the timeline of the customer or of the visitor's token."""
    news = [
        _event(attempt, row, former)
        for row, former in zip(rows, undone, strict=True)
        if row.customer_id is not None or row.token
    ]
    if news:
        events.record_many(project=attempt.project, events=news)
    redemption_events.told(attempt.project, rows, attempt.channel.source)


def _event(attempt: _Attempt, row: Redemption, former: Redemption) -> events.NewEvent:
    succeeded = row.result == Redemption.Result.SUCCESS
    data = failures.event_data(former)
    return events.NewEvent(
        type=f"customer.redemption.rollback.{'succeeded' if succeeded else 'failed'}",
        at=attempt.at,
        data={
            **data,
            "order": row.order_snapshot,
            "redemption_rollback": {
                "id": row.public_id,
                "object": row.kind,
                "redemption": former.public_id,
                "result": row.result,
                "status": row.status,
                "reason": row.reason,
                "amount": row.amount,
                "metadata": row.metadata,
                "failure_code": row.failure_code or None,
                "failure_message": row.failure_message or None,
            },
        },
        customer_id=row.customer_id,
        token="" if row.customer_id else row.token,
        group_id=attempt.channel.request_id,
        source=attempt.channel.source,
        campaign_id=row.campaign_id,
        campaign_type=row.campaign.campaign_type if row.campaign else "",
    )


def _recorded(attempt: _Attempt, error: DomainError) -> DomainError:
    """Keep the refused attempt, and return the error with its id; what is not found keeps its own."""
    row = transactions.run(lambda: _record(attempt, error))
    error.recorded = True
    if not isinstance(error, NotFound):
        error.resource_id, error.resource_type = row.public_id, Redemption.Kind.ROLLBACK.value
    return error


def _record(attempt: _Attempt, error: DomainError) -> Redemption:
    former = Redemption.objects.select_related("voucher", "campaign", "promotion_tier", "customer", "order").get(
        pk=attempt.redemption.pk
    )
    row = attempt.row(
        "rrf_",
        former,
        result=Redemption.Result.FAILURE,
        status=Redemption.Status.FAILED,
        failure_code=error.key,
        failure_message=error.message,
        reasons=[{"key": error.key, "message": error.message, "details": error.details, "facts": {}}],
    )
    row.save(force_insert=True)
    _tell(attempt, [row], [former])
    if former.customer_id is not None:
        customers.move_counters(customer_id=former.customer_id, at=attempt.at, rollbacks_failed=1)
    return row
