"""Would this redemption succeed? Answers with everything that would happen, and changes no customer and no voucher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from config.kernel import ids, instants
from config.project.models import Project
from customers.rendering import render_simple
from tracking.services import events, identities
from tracking.services.identities import Identity
from vouchers.engine import stacking
from vouchers.engine.order_state import OrderState
from vouchers.engine.sessions import Session
from vouchers.engine.stacking import Outcome, Stack, StackingRules
from vouchers.models import Campaign, PromotionTier, Voucher
from vouchers.payloads import RedeemRequest
from vouchers.services import candidates, carts, sessions, transactions
from vouchers.services.candidates import Found
from vouchers.services.channels import Channel
from vouchers.services.sessions import Opened, Target


@dataclass(frozen=True, slots=True)
class Validation:
    """What a validation found, for every form of the answer.

    vouchers, tiers: by the id that was sent. identity.token: the tracking id to answer with, if any. stack.order: the
    final order, None where none was sent. named: whether a customer or tracking identity was named.
    """

    public_id: str
    request: RedeemRequest
    stack: Stack
    vouchers: dict[str, Voucher]
    tiers: dict[str, PromotionTier]
    identity: Identity
    stacking: StackingRules
    at: datetime
    session: Opened | None = None

    @property
    def valid(self) -> bool:
        """Whether a redemption of the same would go through now."""
        return self.stack.valid

    def voucher_of(self, outcome: Outcome) -> Voucher | None:
        """The voucher that the outcome is about; None for an unknown code."""
        return self.vouchers.get(outcome.candidate.id)


def validate(*, project: Project, request: RedeemRequest, at: datetime, channel: Channel | None = None) -> Validation:
    """Evaluate 1 to 30 redeemables on the order as it would be redeemed now.

    Keeps the tracking token and writes the activity; never a customer. In a session it also holds what is applicable,
    as a redemption would take it: then the redeemables are locked meanwhile. Raises RedeemablesLimitExceeded,
    DuplicatedRedeemables, InvalidPayload, NotFound (order), AmbiguousTrackingId, MetadataValidationFailed, and in a
    session MultipleRequests, InvalidCustomer.
    """
    caller = channel or Channel()
    if request.session is None:
        validation = _evaluate(project, request, at, store=True, channel=caller)
    else:
        session = request.session
        candidates.check(project, request)
        identity = _identify(project, request, at, store=True)
        validation = transactions.run(lambda: _hold(project, request, session, at, identity, caller))
    _record(project, validation, caller)
    return validation


def examine(*, project: Project, request: RedeemRequest, at: datetime) -> Validation:
    """The same answer for somebody who only asks: nothing at all is kept. at: any moment. Raises as `validate`."""
    return _evaluate(project, request, at, store=False)


def _evaluate(
    project: Project, request: RedeemRequest, at: datetime, *, store: bool, channel: Channel | None = None
) -> Validation:
    """store: keep the tracking token."""
    candidates.check(project, request)
    found = candidates.find(project, request.redeemables)
    order = carts.state_of(project, request, carts.find_order(project, request.order))
    identity = _identify(project, request, at, store=store)
    key = None if request.session is None else request.session.key
    sessions.weigh((entry.voucher for entry in found if entry.voucher), key=key, identity=identity, at=at)
    return _decided(project, request, at, found, order, identity, channel)


def _identify(project: Project, request: RedeemRequest, at: datetime, *, store: bool) -> Identity:
    return identities.resolve(
        project=project,
        tracking_id=request.tracking_id,
        source_id=request.source_id,
        customer_id=request.customer_id,
        shortcut=request.shortcut,
        cookie=request.cookie,
        at=at,
        anonymous=request.anonymous,
        store=store,
    )


def _hold(
    project: Project, request: RedeemRequest, session: Session, at: datetime, identity: Identity, channel: Channel
) -> Validation:
    """Lock, look, decide, hold. Runs in a transaction, maybe more than once."""
    order = carts.state_of(project, request, carts.find_order(project, request.order))
    browser = channel.is_browser
    with transactions.one_at_a_time():
        if session.key is not None:
            sessions.enter(project=project, key=session.key, identity=identity, at=at, browser=browser)
        found = candidates.find(project, request.redeemables, lock=True)
    sessions.weigh((entry.voucher for entry in found if entry.voucher), key=session.key, identity=identity, at=at)
    validation = _decided(project, request, at, found, order, identity, channel)
    if not validation.valid:
        return validation
    targets = [
        Target(validation.voucher_of(outcome), validation.tiers.get(outcome.candidate.id), outcome.effect.credits)
        for outcome in validation.stack.of("APPLICABLE")
        if outcome.effect is not None
    ]
    opened = sessions.hold(project=project, session=session, targets=targets, identity=identity, at=at, browser=browser)
    return replace(validation, session=opened)


def _decided(
    project: Project,
    request: RedeemRequest,
    at: datetime,
    found: Sequence[Found],
    order: OrderState | None,
    identity: Identity,
    channel: Channel | None,
) -> Validation:
    facts = candidates.facts_of(
        project=project,
        request=request,
        order=order,
        found=found,
        customer=identity.customer,
        named=candidates.is_named(identity, request),
        data=request.customer,
        at=at,
        channel=channel,
    )
    rules = stacking.read_stacking_rules(project.stacking_rules)
    return Validation(
        public_id=ids.new("valid_"),
        request=request,
        stack=stacking.evaluate([entry.candidate() for entry in found], facts, rules),
        vouchers={entry.redeemable.id: entry.voucher for entry in found if entry.voucher is not None},
        tiers={entry.redeemable.id: entry.tier for entry in found if entry.tier is not None},
        identity=identity,
        stacking=rules,
        at=at,
    )


def _record(project: Project, validation: Validation, channel: Channel) -> None:
    """Count, and write the activity of whoever is known or tracked: a crash may lose it, nobody waits for the disk."""
    identity = validation.identity
    is_known = identity.customer is not None or identity.token is not None
    tallied = _tallied(validation)
    if not is_known and not tallied:
        return
    campaigns = {(campaign.pk, campaign.campaign_type) for campaign, _ in tallied}
    events.record_unhurried(
        project=project,
        type=f"customer.validation.{'succeeded' if validation.valid else 'failed'}" if is_known else "",
        at=validation.at,
        customer=identity.customer,
        token="" if identity.customer else identity.token or "",
        data=_event_data(validation) if is_known else {},
        source=channel.source,
        group_id=channel.request_id,
        campaign=campaigns.pop() if len(campaigns) == 1 else None,
        tallies=[(campaign.pk, succeeded) for campaign, succeeded in tallied],
    )


def _tallied(validation: Validation) -> list[tuple[Campaign, bool]]:
    """The campaign of each redeemable that was decided on, and whether it applies; skipped ones were not asked."""
    found: list[tuple[Campaign, bool]] = []
    for outcome in validation.stack.outcomes:
        name = outcome.candidate.id
        target = validation.vouchers.get(name) or validation.tiers.get(name)
        if outcome.status != "SKIPPED" and target is not None and target.campaign is not None:
            found.append((target.campaign, outcome.status == "APPLICABLE"))
    return found


def _event_data(validation: Validation) -> dict[str, Any]:
    customer = validation.identity.customer
    return {
        "customer": None if customer is None else render_simple(customer),
        "validation": {
            "id": validation.public_id,
            "session_id": None if validation.session is None else validation.session.key,
            "status": "VALID" if validation.valid else "INVALID",
            "created_at": instants.to_wire(validation.at),
            "customer_id": None if customer is None else customer.public_id,
            "redeemables": [_pointer(outcome) for outcome in validation.stack.of("APPLICABLE")],
            "skipped_redeemables": [_pointer(outcome) for outcome in validation.stack.of("SKIPPED")],
            "inapplicable_redeemables": [_pointer(outcome) for outcome in validation.stack.of("INAPPLICABLE")],
        },
    }


def _pointer(outcome: Outcome) -> dict[str, Any]:
    pointer: dict[str, Any] = {"id": outcome.candidate.id, "type": outcome.candidate.object}
    if outcome.refusals:
        pointer |= {"key": outcome.refusals[0].key, "message": outcome.refusals[0].message}
    return pointer
