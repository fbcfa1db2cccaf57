"""The older answers about promotions. Source: campaigns and promotions, section 6.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vouchers.engine.stacking import Outcome
from vouchers.models import PromotionTier, RuleAssignment
from vouchers.rendering.orders import render_validated_order
from vouchers.rendering.tiers import render_tier
from vouchers.rendering.validations import render_products, render_refusal

if TYPE_CHECKING:
    from vouchers.services.qualifications import Qualification
    from vouchers.services.validations import Validation


def render_promotions(found: Qualification) -> dict[str, Any]:
    """`/v1/promotions/validation`: the tiers that are valid now."""
    rows = [
        _valid(one.qualifier.tier, one.outcomes[0], _own(one.qualifier.tier, one.qualifier.assignments))
        for one in found.qualified
        if one.qualifier.tier is not None
    ]
    wire: dict[str, Any] = {"valid": bool(rows), "promotions": rows}
    if found.identity.token is not None:
        wire["tracking_id"] = found.identity.token
    return wire


def render_tier_validation(
    validation: Validation, tier: PromotionTier, assignments: list[RuleAssignment], request_id: str
) -> dict[str, Any]:
    """`/v1/promotions/tiers/{id}/validation`: one tier, valid or with the reason."""
    outcome = validation.stack.outcomes[0]
    if validation.valid:
        wire = {"valid": True, **_valid(tier, outcome, assignments)}
    else:
        wire = {"valid": False, "id": tier.public_id, "object": "promotion_tier", "metadata": tier.metadata}
        if outcome.refusals:
            refusal = outcome.refusals[0]
            wire["reason"] = refusal.custom_message or refusal.message
            wire["error"] = render_refusal(refusal, request_id, code=tier.public_id)
        elif outcome.skip is not None:
            wire["reason"] = outcome.skip.message
    if validation.identity.token is not None:
        wire["tracking_id"] = validation.identity.token
    return wire


def _own(tier: PromotionTier | None, assignments: tuple[RuleAssignment, ...]) -> list[RuleAssignment]:
    return [row for row in assignments if tier is not None and row.promotion_tier_id == tier.pk]


def _valid(tier: PromotionTier, outcome: Outcome, assignments: list[RuleAssignment]) -> dict[str, Any]:
    wire = render_tier(tier, assignments)
    effect = outcome.effect
    if effect is None:
        return wire
    wire |= {"discount": dict(effect.discount), "discount_amount": effect.applied, **render_products(effect)}
    if effect.order is not None:
        wire["order"] = render_validated_order(effect.order)
    return wire
