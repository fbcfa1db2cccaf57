"""Why a redeemable must not be redeemed: small pure rules in the order of evaluation.

Validation shows the list, redemption raises its first: one engine, two callers.
Source: validation and redemption, evaluation order for one redeemable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from config.kernel import instants
from vouchers.engine import bundles, discounts, logic, needs, rule_names, validity
from vouchers.engine.asked import Asked
from vouchers.engine.rule_terms import ProductRef, RuleNode, RuleSet, RuleTree
from vouchers.engine.terms import Facts, Refusal, VoucherTerms

Rule = Callable[[VoucherTerms, Facts], Iterator[Refusal]]


def not_found(code: str, resource_type: str = "voucher") -> Refusal:
    """The refusal of a code that nobody knows, or that lies in the bin."""
    return Refusal(
        "not_found",
        "Resource not found",
        f"Cannot find {resource_type} with id {code}",
        code=404,
        resource_id=code,
        resource_type=resource_type,
    )


def enabled(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """The voucher or tier and its campaign are switched on."""
    if terms.active and terms.campaign_active:
        return
    off = {"disabled": "campaign" if terms.active else "promotion_tier" if terms.is_tier else "voucher"}
    if terms.is_tier:
        yield _inactive(terms, "disabled", off)
    else:
        yield Refusal("voucher_disabled", "voucher is disabled", facts=off)


def started(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """The first instant of `start_date` counts."""
    start = terms.validity.start_date
    if start is None or facts.at >= start:
        return
    found = {"start_date": instants.to_wire(start)}
    if terms.is_tier:
        yield _not_now(found)
    else:
        yield Refusal("voucher_not_active", "voucher is not active yet", facts=found)


def not_expired(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """The last instant of `expiration_date` still counts."""
    end = terms.validity.expiration_date
    if end is None or facts.at <= end:
        return
    found = {"expiration_date": instants.to_wire(end)}
    if terms.is_tier:
        yield _inactive(terms, "expired", found)
    else:
        yield Refusal("voucher_expired", "voucher expired", facts=found)


def active_now(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """Inside the recurring windows: timeframe, weekdays, hours."""
    outside = validity.outside(terms.validity, facts.at, facts.zone)
    if outside is None:
        return
    found = {"outside": outside}
    yield _not_now(found) if terms.is_tier else Refusal("voucher_not_active_now", "voucher not active now", facts=found)


def _inactive(terms: VoucherTerms, state: str, found: dict[str, str]) -> Refusal:
    details = f"Promotion Tier with id: {terms.public_id} is {state}."
    return Refusal("promotion_inactive", "Inactive Promotion", details, facts=found)


def _not_now(found: dict[str, str]) -> Refusal:
    return Refusal("promotion_not_active_now", "promotion not active now", facts=found)


def quantity_left(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """One use is left that no other session holds."""
    if terms.quantity is not None and terms.redeemed_quantity + terms.held_quantity >= terms.quantity:
        counted = {"quantity": terms.quantity, "redeemed_quantity": terms.redeemed_quantity}
        yield Refusal("quantity_exceeded", "quantity exceeded", facts=counted)


def reward_named(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """A loyalty card is redeemed for a reward, by the one who holds it."""
    if terms.type != "LOYALTY_CARD":
        return
    if terms.holder_id is not None and terms.holder_id != facts.customer.public_id:
        yield Refusal("invalid_customer", "Customer must be a holder of a loyalty card.")
    yield Refusal("missing_reward", "Missing reward", "A reward is required when redeeming a LOYALTY_CARD")


def not_by_referrer(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """Who recommends does not redeem the own code."""
    if terms.referrer_id is not None and terms.referrer_id == facts.customer.public_id:
        yield Refusal("referrer_not_permitted_to_redeem", "voucher cannot be redeemed by referrer")


def amount_known(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """A gift card is spent on an order that has an amount."""
    if terms.gift is not None and (facts.order is None or facts.order.amount is None):
        yield Refusal("missing_amount", "Missing amount", "Order amount is required to redeem a gift card")


def rule_sets_hold(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """Every validation rule assigned to the voucher or its campaign passes."""
    for rule_set in terms.rule_sets:
        yield from violations(terms, rule_set, facts)


def bundle_there(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """What its rules want together is in the cart at least once."""
    for rule_set in terms.rule_sets:
        if rule_set.bundle is None or BUNDLE in facts.ignored_rules:
            continue
        found = bundles.find(rule_set.bundle, facts.order)
        if not found.quantity:
            yield Refusal(
                "order_rules_violated",
                "order does not match validation rules",
                _details(terms, rule_set),
                custom_message=rule_set.error_message,
                facts={"rule_id": rule_set.public_id, "name": BUNDLE, "missing": [dict(one) for one in found.missing]},
                bundle=found.to_wire(),
            )


def lines_to_pay(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """A gift card for items has one with an amount that it may pay for."""
    if terms.gift is None or terms.gift.effect != discounts.APPLY_TO_ITEMS or facts.order is None:
        return
    if not discounts.gift_lines(terms, facts.order):
        yield Refusal(
            "missing_order_items_amount",
            "Missing applicable order items",
            "At least one applicable order item with amount is required to redeem this GIFT_VOUCHER",
        )


def credits_left(terms: VoucherTerms, facts: Facts) -> Iterator[Refusal]:
    """A gift card never pays more than its balance."""
    if terms.gift is not None and facts.credits is not None and facts.credits > terms.gift.balance:
        found = {"credits": facts.credits, "balance": terms.gift.balance}
        yield Refusal("gift_amount_exceeded", "gift amount exceeded", facts=found)


BUNDLE: Final = "bundle"
"""The name under which the check of bundles is left out (some qualifications)."""
STATIC: Final[tuple[Rule, ...]] = (enabled, started, not_expired, active_now, quantity_left)
"""What does not depend on the order: decides which exclusive redeemables count."""
RULES: Final[tuple[Rule, ...]] = (
    *STATIC,
    *(not_by_referrer, reward_named, amount_known, rule_sets_hold, bundle_there, lines_to_pay, credits_left),
)


def refusals(terms: VoucherTerms, facts: Facts) -> list[Refusal]:
    """Every reason this redemption must not happen, in RULES order; empty means go ahead. The first is the wire's."""
    return [refusal for rule in RULES for refusal in rule(terms, facts)]


def applicable_at_first_sight(terms: VoucherTerms, facts: Facts) -> bool:
    """Whether nothing stands against it but maybe the order and the rules."""
    return not any(True for rule in STATIC for _ in rule(terms, facts))


def judges_result(terms: VoucherTerms) -> bool:
    """Whether one of its rules is about what it does, so that they are asked again once that is known."""
    return any(
        (row := rule_names.row_of(node.name)) is not None and row.late
        for rule_set in terms.rule_sets
        for node in needs.walk(rule_set.tree)
    )


def violations(terms: VoucherTerms, rule_set: RuleSet, facts: Facts) -> list[Refusal]:
    """The failing rules of a set whose logic is false, in numeric order; empty when the set passes.

    What a rule needs and nobody gave makes it false; if then the set is false, that is the reason (`missing_…`).
    """
    asked = Asked(terms, facts)
    missing: dict[str, Refusal] = {}
    violated = []
    for node, about in _failed(rule_set.tree, asked):
        row = rule_names.RULE_NAMES[rule_names.ALIASES.get(node.name, node.name)]
        if (refusal := row.missing(about)) is not None:
            missing.setdefault(
                refusal.key, replace(refusal, facts={"rule_id": rule_set.public_id, "rule": node.number})
            )
        else:
            violated.append(_refusal(rule_set, node, row, about))
    return [*missing.values(), *violated]


def _refusal(rule_set: RuleSet, node: RuleNode, row: rule_names.RuleName, asked: Asked) -> Refusal:
    found: dict[str, Any] = {
        "rule_id": rule_set.public_id,
        "rule": node.number,
        "name": node.name,
        "conditions": {c.operator: [_plain(value) for value in c.values] for c in node.conditions},
    }
    if row.judge is None:
        found["found"] = rule_names.found(node, asked)
    if node.property:
        found["property"] = node.property
    return Refusal(
        row.key,
        row.sentence,
        _details(asked.terms, rule_set),
        custom_message=node.error_message or rule_set.error_message,
        facts=found,
    )


def _details(terms: VoucherTerms, rule_set: RuleSet) -> str:
    return f"{terms.label} cannot be redeemed because of violated validation rules: {rule_set.public_id}"


Failed = list[tuple[RuleNode, Asked]]
"""Nodes, and what each was asked about."""


def _failed(tree: RuleTree, asked: Asked) -> Failed:
    """The nodes that make the tree false, in numeric order; where a nested set fails, its own culprits."""
    mentioned = logic.numbers_of(tree.logic)
    culprits = {number: _culprits(tree.nodes[number], asked) for number in mentioned}
    if logic.holds(tree.logic, {number: not failed for number, failed in culprits.items()}):
        return []
    return [failed for number in mentioned for failed in culprits[number]]


def _culprits(node: RuleNode, asked: Asked) -> Failed:
    held, inside = rule_names.verdict(node, asked)
    if not held:
        return [(node, asked)]
    return _failed(node.nested, inside) if node.nested is not None else []


def _plain(value: object) -> object:
    """An operand as JSON: whole numbers stay numbers, products are their ids."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, ProductRef):
        return value.id
    return value if isinstance(value, str | int | float) else str(value)
