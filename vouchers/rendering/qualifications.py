"""What qualifies, as the wire shows it. Source: campaigns and promotions, section 8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.kernel.instants import to_wire
from vouchers.engine import discounts
from vouchers.engine.stacking import Outcome, StackingRules
from vouchers.rendering.orders import render_order_state, render_validated_order
from vouchers.rendering.rules import render_assignments
from vouchers.rendering.validations import no_products, render_products, stacked_category
from vouchers.rendering.vouchers import render_category

if TYPE_CHECKING:
    from vouchers.services.qualifications import Qualification, Qualified

NOBODYS = {"customer_id": None, "referrer_id": None, "object": "order"}


def render_qualification(found: Qualification) -> dict[str, Any]:
    """The answer of `/v1/qualifications`."""
    rows = [render_qualified(one, found.request.expand, found.stacking) for one in found.qualified]
    listed: dict[str, Any] = {"object": "list", "data_ref": "data", "data": rows, "total": len(rows)}
    listed["has_more"] = found.more_after is not None
    if found.more_after is not None:
        listed["more_starting_after"] = str(found.more_after)
    wire: dict[str, Any] = {"redeemables": listed}
    if found.identity.token is not None:
        wire["tracking_id"] = found.identity.token
    if found.order is not None:
        order = render_order_state(found.order)
        order.pop("total_amount", None)
        wire["order"] = {**order, "customer_id": None, "referrer_id": None}
    wire["stacking_rules"] = dict(found.stacking.wire)
    return wire


def render_qualified(one: Qualified, expand: frozenset[str], stacking: StackingRules) -> dict[str, Any]:
    """One redeemable, with what `options.expand` asked for."""
    qualifier = one.qualifier
    wire: dict[str, Any] = {
        "id": qualifier.redeemable.id,
        "object": qualifier.object,
        "created_at": to_wire(qualifier.created_at),
    }
    if qualifier.members:
        wire["redeemables"] = [
            {"id": outcome.candidate.id, "object": "promotion_tier", **_effect(outcome)} for outcome in one.outcomes
        ]
        last = one.outcomes[-1].effect
        wire["order"] = render_validated_order(last.order) if last is not None and last.order else dict(NOBODYS)
    else:
        wire |= _effect(one.outcomes[0])
    if qualifier.assignments:
        wire["validation_rule_id"] = qualifier.assignments[0].rule.public_id
    return wire | _expanded(one, expand, stacking)


def _effect(outcome: Outcome) -> dict[str, Any]:
    """What it does to the cart, and to which lines."""
    effect = outcome.effect
    wire: dict[str, Any] = {"result": _result(outcome)}
    order = None if effect is None else effect.order
    wire["order"] = dict(NOBODYS) if order is None else render_validated_order(order)
    return wire | _lines(outcome)


def render_lines(one: Qualified) -> dict[str, Any]:
    """Which lines it may discount, and which not."""
    return _lines(one.outcomes[0])


def _lines(outcome: Outcome) -> dict[str, Any]:
    if outcome.effect is None:
        return {"applicable_to": no_products(), "inapplicable_to": no_products()}
    return render_products(outcome.effect)


def _result(outcome: Outcome) -> dict[str, Any]:
    terms, effect = outcome.candidate.terms, outcome.effect
    if terms is None:
        return {}
    if terms.gift is not None:
        credits = effect.credits if effect is not None else None
        locked = terms.gift.locked_credits
        return {"gift": {"balance": terms.gift.balance, "credits": credits or 0, "locked_credits": locked}}
    if terms.discount is None:
        return {"loyalty_card": _card(outcome)}
    if effect is None:
        shown = discounts.effect_of(terms)
        result: dict[str, Any] = {"discount": {**terms.discount.stored, "effect": shown, "is_dynamic": False}}
    else:
        result = {"discount": dict(effect.discount)}
    if effect is not None and effect.bundle is not None:
        result["bundle"] = effect.bundle.to_wire()
    return result


def _card(outcome: Outcome) -> dict[str, Any]:
    """A loyalty card earns and pays nothing yet."""
    return {"points": 0, "balance": 0}


def _expanded(one: Qualified, expand: frozenset[str], stacking: StackingRules) -> dict[str, Any]:
    qualifier = one.qualifier
    tier, stack, voucher, campaign = qualifier.tier, qualifier.stack, qualifier.voucher, qualifier.campaign
    wire: dict[str, Any] = {}
    if "redeemable" in expand:
        owner: Any = voucher or tier or campaign
        wire["metadata"] = (owner.metadata if owner is not None else None) or {}
        if tier is not None:
            wire["banner"] = tier.banner
        named: Any = tier or (stack if qualifier.members else None)
        if named is not None or qualifier.object == "campaign":
            wire["name"] = named.name if named is not None else campaign.name if campaign else None
        wire["campaign_name"] = None if campaign is None else campaign.name
        wire["campaign_id"] = None if campaign is None else campaign.public_id
    if "category" in expand:
        own: Any = voucher or tier or (stack if qualifier.members else None)
        category = (own.category if own is not None else None) or (campaign.category if campaign else None)
        wire["categories"] = [] if category is None else [stacked_category(render_category(category), stacking)]
    if "validation_rules" in expand and qualifier.assignments:
        wire["validation_rules_assignments"] = render_assignments(list(qualifier.assignments))
    return wire
