"""Attempts that were refused: kept with every reason, and counted for the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from config.kernel import ids
from config.kernel.errors import DomainError, NotFound
from config.project import statements
from config.project.models import Project
from customers import services as customers
from customers.rendering import render_simple
from tracking.services import events, identities
from tracking.services.events import NewEvent
from tracking.services.identities import Identity
from vouchers.engine.stacking import Outcome, Stack
from vouchers.engine.terms import Refusal
from vouchers.errors import VoucherRefused
from vouchers.models import PromotionTier, Redemption, Voucher
from vouchers.payloads import RedeemRequest
from vouchers.rendering.redemptions import render_redeemed_tier
from vouchers.rendering.vouchers import render_simple_voucher
from vouchers.services import redemption_events, transactions
from vouchers.services.channels import Channel
from vouchers.services.uses import Target

NOT_FOUND: Final = "not_found"
NO_APPLICABLE: Final = Refusal("no_applicable_redeemables", "No applicable redeemables", "No applicable redeemables")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of `redemptions.redeem`.

    locked_first: customers to lock before anything that is theirs. locks: whether it holds what it decides by.
    """

    project: Project
    request: RedeemRequest
    identity: Identity
    at: datetime
    channel: Channel
    protect_customer: bool = False
    locked_first: frozenset[int] = frozenset()
    locks: bool = True

    def fields(self) -> dict[str, Any]:
        """What every row of this attempt has."""
        return {
            "project": self.project,
            "token": self.identity.token or "",
            "metadata": None if self.request.metadata is None else dict(self.request.metadata),
            "channel_type": self.channel.type,
            "channel_id": self.channel.id,
            "request_id": self.channel.request_id,
            "created_at": self.at,
        }


class NotRedeemable(Exception):
    """Undoes the transaction of an attempt; `record` turns it into the answer."""

    def __init__(self, refused: Sequence[_Refused], order_amount: int | None = None) -> None:
        """refused: at least one."""
        super().__init__("not redeemable")
        self.refused = refused
        self.order_amount = order_amount

    @classmethod
    def by(cls, stack: Stack, targets: Mapping[str, Target], *, partial: bool) -> NotRedeemable:
        """What the engine found. targets: by the id that was sent.

        partial: whether one applicable redeemable would have been enough; then several without one are one refusal.
        """
        refused = _refused_of(stack, targets)
        if partial and len(stack.outcomes) > 1:
            reasons = tuple(reason for one in refused for reason in one.refusals)
            refused = [_Refused("", "redemption", None, (NO_APPLICABLE, *reasons))]
        return cls(refused, None if stack.order is None else stack.order.amount)

    @classmethod
    def of(cls, target: Target, refusal: Refusal) -> NotRedeemable:
        """One redeemable, refused after the engine had let it pass."""
        if isinstance(target, PromotionTier):
            return cls([_Refused(target.public_id, "promotion_tier", target, (refusal,))])
        return cls([_Refused(target.code, "voucher", target, (refusal,))])


@dataclass(frozen=True, slots=True)
class _Refused:
    """One redeemable that stood in the way, and why."""

    id: str
    object: str
    target: Target | None
    refusals: tuple[Refusal, ...]

    @property
    def name(self) -> str:
        """The code as it is stored, else the id as it was sent."""
        return self.target.code if isinstance(self.target, Voucher) else self.id


def record(attempt: Attempt, refused: NotRedeemable) -> DomainError:
    """Keep the attempt, one row for each redeemable that was refused, and return the error to raise.

    Only a customer who is stored already is linked and counted; a refusal makes and changes no profile.
    """
    rows = transactions.run(lambda: _write(attempt, refused))
    first, row = refused.refused[0], rows[0]
    refusal = first.refusals[0]
    error: DomainError
    if refusal.key == NOT_FOUND:
        error = NotFound.of(first.object, first.id)
    else:
        error = VoucherRefused(refusal, first.name, resource_id=row.public_id)
    error.recorded = True
    return error


def event_data(row: Redemption) -> dict[str, Any]:
    """The `data` of a redemption's event, rendered now."""
    return {
        "customer": None if row.customer is None else render_simple(row.customer),
        "order": row.order_snapshot,
        "campaign": None if row.campaign is None else {"id": row.campaign.public_id, "name": row.campaign.name},
        "voucher": None if row.voucher is None else render_simple_voucher(row.voucher),
        "holder": None if row.voucher is None or row.voucher.holder is None else render_simple(row.voucher.holder),
        "promotion_tier": None if row.promotion_tier is None else render_redeemed_tier(row.promotion_tier),
        "promotion_stack": None,
        "redemption": {
            "id": row.public_id,
            "object": "redemption",
            "code": row.code,
            "result": row.result,
            "status": row.status,
            "amount": row.amount,
            "discount_amount": row.discount_amount,
            "metadata": row.metadata,
            "failure_code": row.failure_code or None,
            "failure_message": row.failure_message or None,
            "reasons": row.reasons,
        },
    }


def _refused_of(stack: Stack, targets: Mapping[str, Target]) -> list[_Refused]:
    """The inapplicable ones; where there is none, those that were skipped."""
    blamed = stack.of("INAPPLICABLE") or stack.of("SKIPPED")
    return [
        _Refused(
            outcome.candidate.id, outcome.candidate.object, targets.get(outcome.candidate.id), _refusals_of(outcome)
        )
        for outcome in blamed
    ]


def _refusals_of(outcome: Outcome) -> tuple[Refusal, ...]:
    return outcome.refusals or ((Refusal(outcome.skip.key, outcome.skip.message),) if outcome.skip else ())


def _write(attempt: Attempt, refused: NotRedeemable) -> list[Redemption]:
    """Rows, events and the customer's counter in one statement."""
    identities.keep(project=attempt.project, identity=attempt.identity, at=attempt.at)
    customer = attempt.identity.customer
    rows = [_row(attempt, refused, one) for one in refused.refused]
    parts = {"saved": statements.insert(rows)}
    if customer is not None or attempt.identity.token:
        news = [event(attempt, row) for row in rows]
        parts |= events.parts(project=attempt.project, events=news)
    if customer is not None:
        parts["counted"] = customers.moved(customer_id=customer.pk, at=attempt.at, redemptions_failed=len(rows))
    if (told := redemption_events.part(attempt.project, rows, attempt.channel.source)) is not None:
        parts["told_too"] = told
    statements.run(parts)
    return rows


def _row(attempt: Attempt, refused: NotRedeemable, one: _Refused) -> Redemption:
    public_id, refusal, target = ids.new("rf_"), one.refusals[0], one.target
    return Redemption(
        public_id=public_id,
        result=Redemption.Result.FAILURE,
        status=Redemption.Status.FAILED,
        voucher=target if isinstance(target, Voucher) else None,
        promotion_tier=target if isinstance(target, PromotionTier) else None,
        campaign=None if target is None else target.campaign,
        code="" if isinstance(target, PromotionTier) else one.id,
        related_object_type="redemption" if target is None else one.object,
        related_object_id=public_id if target is None else target.public_id,
        customer=attempt.identity.customer,
        order_amount=refused.order_amount,
        failure_code=refusal.key,
        failure_message=refusal.message,
        reasons=[_reason(reason) for reason in one.refusals],
        **attempt.fields(),
    )


def _reason(refusal: Refusal) -> dict[str, Any]:
    reason: dict[str, Any] = {"key": refusal.key, "message": refusal.message, "facts": dict(refusal.facts)}
    if refusal.details:
        reason["details"] = refusal.details
    if refusal.custom_message:
        reason["custom_message"] = refusal.custom_message
    return reason


def event(attempt: Attempt, row: Redemption) -> NewEvent:
    """The event of a redemption, on the timeline of its customer or of the visitor's token."""
    succeeded = row.result == Redemption.Result.SUCCESS
    return NewEvent(
        type=f"customer.redemption.{'succeeded' if succeeded else 'failed'}",
        at=attempt.at,
        data=event_data(row),
        customer_id=row.customer_id,
        token="" if row.customer_id else row.token,
        group_id=attempt.channel.request_id,
        source=attempt.channel.source,
        campaign_id=row.campaign_id,
        campaign_type=row.campaign.campaign_type if row.campaign else "",
    )
