"""Several redeemables on one order, one after the other.

Source: validation and redemption, stacking decisions. Categories (exclusive, joint, limits of their own) join here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from vouchers.engine import discounts, rules
from vouchers.engine.discounts import Effect
from vouchers.engine.order_state import OrderState
from vouchers.engine.terms import CalculationMode, Facts, Refusal, VoucherTerms

Status = Literal["APPLICABLE", "INAPPLICABLE", "SKIPPED"]
ApplicationMode = Literal["ALL", "PARTIAL"]

DEFAULTS: Final[Mapping[str, Any]] = {
    "redeemables_limit": 30,
    "applicable_redeemables_limit": 5,
    "applicable_redeemables_per_category_limit": 1,
    "applicable_redeemables_category_limits": {},
    "applicable_exclusive_redeemables_limit": 1,
    "applicable_exclusive_redeemables_per_category_limit": 1,
    "exclusive_categories": [],
    "joint_categories": [],
    "redeemables_application_mode": "ALL",
    "redeemables_sorting_rule": "REQUESTED_ORDER",
    "redeemables_products_application_mode": "STACK",
    "redeemables_no_effect_rule": "REDEEM_ANYWAY",
    "no_effect_skip_categories": [],
    "no_effect_redeem_anyway_categories": [],
    "redeemables_rollback_order_mode": "WITH_ORDER",
}
"""The wire's stacking rules of a project that changed none."""


@dataclass(frozen=True, slots=True)
class StackingRules:
    """What the walk reads of a project's stacking rules. wire: all of them, as they are answered."""

    redeemables_limit: int = 30
    applicable_limit: int = 5
    application_mode: ApplicationMode = "ALL"
    calculation_mode: CalculationMode = "DISCOUNTED_AMOUNT"
    skip_without_effect: bool = False
    wire: Mapping[str, Any] = field(default_factory=lambda: DEFAULTS)


def read_stacking_rules(changed: Mapping[str, Any]) -> StackingRules:
    """Return the rules of a project; `changed` holds only what differs from the defaults."""
    wire = {**DEFAULTS, **changed} if changed else DEFAULTS
    return StackingRules(
        redeemables_limit=wire["redeemables_limit"],
        applicable_limit=wire["applicable_redeemables_limit"],
        application_mode=wire["redeemables_application_mode"],
        calculation_mode=wire.get("discount_calculation_mode", "DISCOUNTED_AMOUNT"),
        skip_without_effect=wire["redeemables_no_effect_rule"] == "SKIP",
        wire=wire,
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One redeemable of a request. terms: None where nobody knows the id. credits: asked of a gift card."""

    id: str
    terms: VoucherTerms | None
    credits: int | None = None
    object: str = "voucher"


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a redeemable was not even tried."""

    key: str
    message: str


LIMIT_EXCEEDED: Final = Skip("applicable_redeemables_limit_exceeded", "Applicable redeemables limit exceeded")
PRECEDING_FAILED: Final = Skip(
    "preceding_validation_failed", "Redeemable cannot be applied due to preceding validation failure"
)
NO_EFFECT: Final = Skip("no_effect", "Redeemable cannot be applied due to no effect")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one candidate. effect: of APPLICABLE; refusals: of INAPPLICABLE, the first is the wire's."""

    candidate: Candidate
    status: Status
    effect: Effect | None = None
    refusals: tuple[Refusal, ...] = ()
    skip: Skip | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """The outcomes in processing order, and the order after all applied ones (None: none was sent)."""

    outcomes: tuple[Outcome, ...]
    order: OrderState | None
    valid: bool

    def of(self, status: Status) -> list[Outcome]:
        """The outcomes with this status, in order."""
        return [outcome for outcome in self.outcomes if outcome.status == status]


def evaluate(candidates: Sequence[Candidate], facts: Facts, stacking: StackingRules) -> Stack:
    """Try the candidates in turn, each on the order as the earlier ones left it.

    ALL mode: the first inapplicable one skips the rest and makes the request invalid; a skip by a limit does not.
    """
    outcomes: list[Outcome] = []
    order, failed, applied = facts.order, False, 0
    for candidate in candidates:
        if failed and stacking.application_mode == "ALL":
            outcomes.append(Outcome(candidate, "SKIPPED", skip=PRECEDING_FAILED))
            continue
        if applied >= stacking.applicable_limit:
            outcomes.append(Outcome(candidate, "SKIPPED", skip=LIMIT_EXCEEDED))
            continue
        outcome = _try(candidate, replace(facts, order=order, credits=candidate.credits), stacking)
        outcomes.append(outcome)
        failed = failed or outcome.status == "INAPPLICABLE"
        if outcome.effect is not None:
            applied += 1
            order = outcome.effect.order
    final = _final(facts.order, outcomes)
    return Stack(tuple(outcomes), final, applied > 0 and not (failed and stacking.application_mode == "ALL"))


def _try(candidate: Candidate, facts: Facts, stacking: StackingRules) -> Outcome:
    terms = candidate.terms
    if terms is None:
        return Outcome(candidate, "INAPPLICABLE", refusals=(rules.not_found(candidate.id, candidate.object),))
    if refusals := rules.refusals(terms, facts):
        return Outcome(candidate, "INAPPLICABLE", refusals=tuple(refusals))
    effect = discounts.apply(terms, facts.order, credits=facts.credits, mode=stacking.calculation_mode)
    if stacking.skip_without_effect and not effect.applied:
        return Outcome(candidate, "SKIPPED", skip=NO_EFFECT)
    return Outcome(candidate, "APPLICABLE", effect=effect)


def _final(start: OrderState | None, outcomes: Sequence[Outcome]) -> OrderState | None:
    if start is None:
        return None
    steps = [o.effect.order for o in outcomes if o.effect is not None and o.effect.order is not None]
    return discounts.final_order(start, steps)
