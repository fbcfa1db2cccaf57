"""What a validation found, in the stackable form. The older flat form is made of the same pieces.

Source: validation-and-redemption, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from vouchers.engine.discounts import Effect
from vouchers.engine.stacking import Outcome, StackingRules
from vouchers.engine.terms import Refusal
from vouchers.rendering.orders import render_validated_order
from vouchers.rendering.vouchers import render_categories

if TYPE_CHECKING:
    from vouchers.models import PromotionTier, Voucher
    from vouchers.payloads import RedeemRequest
    from vouchers.services.validations import Validation

EXPANDED_BY_DEFAULT: Final = frozenset({"order"})


def render_validation(validation: Validation, request_id: str) -> dict[str, Any]:
    """The answer of `/v1/validations`. request_id: shown inside the errors of what is not applicable."""
    stack = validation.stack
    applicable, inapplicable, skipped = (
        [render_redeemable(validation, outcome, request_id) for outcome in stack.of(status)]
        for status in ("APPLICABLE", "INAPPLICABLE", "SKIPPED")
    )
    partial = validation.stacking.application_mode == "PARTIAL"
    wire: dict[str, Any] = {
        "id": validation.public_id,
        "valid": validation.valid,
        "redeemables": applicable if partial and applicable else [*applicable, *inapplicable, *skipped],
    }
    if inapplicable:
        wire["inapplicable_redeemables"] = inapplicable
    if skipped:
        wire["skipped_redeemables"] = skipped
    if applicable and stack.order is not None:
        wire["order"] = render_validated_order(stack.order)
    if validation.identity.token is not None:
        wire["tracking_id"] = validation.identity.token
    if validation.session is not None:
        wire["session"] = validation.session.wire()
    wire["stacking_rules"] = dict(validation.stacking.wire)
    return wire


class Decided(Protocol):
    """A validation or a redemption: what was asked, and the vouchers behind the outcomes."""

    @property
    def request(self) -> RedeemRequest: ...

    @property
    def vouchers(self) -> dict[str, Voucher]: ...

    @property
    def tiers(self) -> dict[str, PromotionTier]: ...

    @property
    def stacking(self) -> StackingRules: ...


def render_redeemable(decided: Decided, outcome: Outcome, request_id: str) -> dict[str, Any]:
    """One redeemable of the answer, with what `options.expand` asked for."""
    expand = EXPANDED_BY_DEFAULT if decided.request.expand is None else decided.request.expand
    wire: dict[str, Any] = {
        "status": outcome.status,
        "id": outcome.candidate.id,
        "object": outcome.candidate.object,
    }
    if outcome.effect is not None:
        if "order" in expand and outcome.effect.order is not None:
            wire["order"] = render_validated_order(outcome.effect.order)
        wire |= render_products(outcome.effect)
    wire["result"] = render_result(outcome, request_id)
    name = outcome.candidate.id
    target = decided.tiers.get(name) if outcome.candidate.object == "promotion_tier" else decided.vouchers.get(name)
    if target is not None:
        wire |= _expanded(target, expand, decided.stacking)
    return wire


def render_result(outcome: Outcome, request_id: str) -> dict[str, Any]:
    """What it does, why it may not, or why it was not tried."""
    if outcome.skip is not None:
        return {"details": {"key": outcome.skip.key, "message": outcome.skip.message}}
    terms = outcome.candidate.terms
    if outcome.effect is None:
        refusal = outcome.refusals[0]
        message = refusal.custom_message or refusal.message
        error = render_refusal(refusal, request_id, code=outcome.candidate.id if terms is None else terms.code)
        result: dict[str, Any] = {"error": error, "details": {"message": message, "key": refusal.key}}
        return result if refusal.bundle is None else {**result, "bundle": dict(refusal.bundle)}
    if terms is not None and terms.gift is not None:
        result = {"gift": {"balance": terms.gift.balance, "credits": outcome.effect.credits or 0}}
    else:
        result = {"discount": render_discount(outcome.effect)}
    return result if outcome.effect.bundle is None else {**result, "bundle": outcome.effect.bundle.to_wire()}


def render_discount(effect: Effect) -> dict[str, Any]:
    """The stored discount with the effect that was applied and the values that formulas gave."""
    return {**effect.discount}


def render_products(effect: Effect) -> dict[str, Any]:
    """Which lines it touches and which it must not: the rule's entries, and the cart's products that they match."""
    return {
        name: _list(effect.products(excluded=excluded))
        for name, excluded in (("applicable_to", False), ("inapplicable_to", True))
    }


def render_refusal(refusal: Refusal, request_id: str, *, code: str) -> dict[str, Any]:
    """The error inside a redeemable. code: what the wire names where the reason has no details of its own."""
    error: dict[str, Any] = {
        "code": refusal.code,
        "key": refusal.key,
        "message": refusal.message,
        "details": refusal.details or code,
        "request_id": request_id,
    }
    if refusal.custom_message:
        error["error"] = {"message": refusal.custom_message}
    return error


def no_products() -> dict[str, Any]:
    """The list of lines that a discount touches, for one that touches none in particular."""
    return _list([])


def _list(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"data": [dict(row) for row in rows], "total": len(rows), "data_ref": "data", "object": "list"}


def _expanded(target: Voucher | PromotionTier, expand: frozenset[str], stacking: StackingRules) -> dict[str, Any]:
    wire: dict[str, Any] = {"metadata": target.metadata}
    if "category" in expand:
        wire["categories"] = [stacked_category(category, stacking) for category in render_categories(target)]
    if "redeemable" in expand:
        wire["campaign_name"] = target.campaign.name if target.campaign else None
        wire["campaign_id"] = target.campaign.public_id if target.campaign else None
        if (name := getattr(target, "name", None)) is not None:
            wire["name"] = name
    return wire


def stacked_category(category: dict[str, Any], stacking: StackingRules) -> dict[str, Any]:
    """A category with what the stacking rules make of it."""
    kinds = (("EXCLUSIVE", stacking.exclusive), ("JOINT", stacking.joint))
    kind = next((kind for kind, ids in kinds if category["id"] in ids), None)
    return category if kind is None else {**category, "stacking_rules_type": kind}
