"""The flat answers of the older validate calls: one code, its terms beside the order, and words for a refusal.

Every answer has the newer `redeemables` beside the flat fields, so that clients of either form find theirs.
Source: tracking, sections 7 to 9.
"""

from __future__ import annotations

from typing import Any, Final

from config.kernel.instants import to_wire
from vouchers.engine.stacking import Outcome
from vouchers.engine.terms import Refusal
from vouchers.errors import VoucherRefused
from vouchers.models import Voucher
from vouchers.rendering.orders import render_validated_order
from vouchers.rendering.validations import render_products, render_redeemable, render_refusal
from vouchers.services.validations import Validation

REASONS: Final = {"not_found": "voucher not found", "voucher_not_active": "voucher expired"}
"""Words of the older calls that differ from the message of the refusal."""

NEEDED: Final = frozenset(
    {
        *("missing_customer", "missing_order", "missing_amount", "missing_order_items"),
        *("missing_order_items_amount", "missing_reward", "metadata_validation_failed"),
    }
)
"""Refusals that say the request lacks something: these calls answer them with HTTP 400."""


def render_legacy(validation: Validation, request_id: str, *, shows_customer: bool) -> dict[str, Any]:
    """The answer of `GET /client/v1/validate` and `POST /v1/vouchers/{code}/validate`.

    shows_customer: add the id of a stored customer, which only the server side gets.
    Raises VoucherRefused where the request lacks what the code needs.
    """
    outcome = validation.stack.outcomes[0]
    if outcome.refusals and outcome.refusals[0].key in NEEDED:
        raise VoucherRefused(outcome.refusals[0], code_of(outcome))
    wire = _valid(validation, outcome) if outcome.effect is not None else _invalid(validation, outcome, request_id)
    if validation.identity.token is not None:
        wire["tracking_id"] = validation.identity.token
    if shows_customer and validation.identity.customer is not None:
        wire["customer_id"] = validation.identity.customer.public_id
    if validation.session is not None:
        wire["session"] = validation.session.wire()
    wire["redeemables"] = [render_redeemable(validation, outcome, request_id)]
    return wire


def code_of(outcome: Outcome) -> str:
    """The code as it is stored, else as it was sent."""
    return outcome.candidate.id if outcome.candidate.terms is None else outcome.candidate.terms.code


def reason_of(refusal: Refusal) -> str:
    """The reason in the words these calls have always used."""
    return REASONS.get(refusal.key, refusal.message)


def _valid(validation: Validation, outcome: Outcome) -> dict[str, Any]:
    voucher = validation.voucher_of(outcome)
    wire: dict[str, Any] = {"valid": True, "code": code_of(outcome), **_benefit(outcome, voucher)}
    if validation.stack.order is not None:
        wire["order"] = render_validated_order(validation.stack.order)
    if outcome.effect is not None:
        wire |= render_products(outcome.effect)
    return wire if voucher is None else wire | _about(voucher)


def _benefit(outcome: Outcome, voucher: Voucher | None) -> dict[str, Any]:
    """`discount` with the effect that was applied, also where none is stored; or `gift`."""
    terms, effect = outcome.candidate.terms, outcome.effect
    if terms is None or effect is None:
        return {}
    if terms.gift is not None and voucher is not None:
        gift = {"amount": voucher.gift_amount, "balance": terms.gift.balance, "effect": effect.effect}
        return {"gift": gift if effect.credits is None else {**gift, "credits": effect.credits}}
    return {"discount": {name: value for name, value in effect.discount.items() if name != "is_dynamic"}}


def _about(voucher: Voucher) -> dict[str, Any]:
    about: dict[str, Any] = {"metadata": voucher.metadata or {}}
    if voucher.campaign is not None:
        about |= {"campaign": voucher.campaign.name, "campaign_id": voucher.campaign.public_id}
    for name in ("start_date", "expiration_date"):
        if (moment := getattr(voucher, name)) is not None:
            about[name] = to_wire(moment)
    return about


def _invalid(validation: Validation, outcome: Outcome, request_id: str) -> dict[str, Any]:
    voucher = validation.voucher_of(outcome)
    wire: dict[str, Any] = {"valid": False, "code": code_of(outcome)}
    if outcome.refusals:
        refusal = outcome.refusals[0]
        error = render_refusal(refusal, request_id, code=code_of(outcome))
        wire |= {
            "reason": reason_of(refusal),
            "error": {**error, "message": refusal.custom_message or refusal.message},
        }
    elif outcome.skip is not None:
        wire["reason"] = outcome.skip.message
    return wire | {"metadata": (voucher.metadata if voucher is not None else None) or {}}
