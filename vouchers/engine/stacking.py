"""Several redeemables on one order, one after the other.

Categories decide who goes with whom: exclusive ones with joint ones only, common ones with all but exclusive ones.
Source: validation and redemption, stacking decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from vouchers.engine import discounts, matched, rules
from vouchers.engine.discounts import Effect
from vouchers.engine.order_state import OrderState
from vouchers.engine.terms import CalculationMode, Count, Facts, Refusal, VoucherTerms

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
    """What the walk reads of a project's stacking rules. wire: all of them, as they are answered.

    Categories are public ids; category_limits override category_limit.
    """

    redeemables_limit: int = 30
    applicable_limit: int = 5
    category_limit: int = 1
    category_limits: Mapping[str, int] = field(default_factory=dict)
    exclusive_limit: int = 1
    exclusive_category_limit: int = 1
    exclusive: frozenset[str] = frozenset()
    joint: frozenset[str] = frozenset()
    application_mode: ApplicationMode = "ALL"
    calculation_mode: CalculationMode = "DISCOUNTED_AMOUNT"
    initial_amount: frozenset[str] = frozenset()
    discounted_amount: frozenset[str] = frozenset()
    by_hierarchy: bool = False
    joint_last: bool = True
    products_once: bool = False
    skip_without_effect: bool = False
    skip_categories: frozenset[str] = frozenset()
    redeem_anyway_categories: frozenset[str] = frozenset()
    wire: Mapping[str, Any] = field(default_factory=lambda: DEFAULTS)

    def mode_for(self, category: str | None) -> CalculationMode:
        """What percentages of a redeemable are taken of."""
        if category in self.initial_amount:
            return "INITIAL_AMOUNT"
        return "DISCOUNTED_AMOUNT" if category in self.discounted_amount else self.calculation_mode

    def skips_without_effect(self, category: str | None) -> bool:
        """Whether a redeemable that does nothing is left out."""
        if category in self.redeem_anyway_categories:
            return False
        return self.skip_without_effect or category in self.skip_categories


def read_stacking_rules(changed: Mapping[str, Any]) -> StackingRules:
    """Return the rules of a project; `changed` holds only what differs from the defaults."""
    if not changed:
        return _DEFAULT_RULES
    wire = {**DEFAULTS, **changed}
    return StackingRules(
        redeemables_limit=wire["redeemables_limit"],
        applicable_limit=wire["applicable_redeemables_limit"],
        category_limit=wire["applicable_redeemables_per_category_limit"],
        category_limits=wire["applicable_redeemables_category_limits"],
        exclusive_limit=wire["applicable_exclusive_redeemables_limit"],
        exclusive_category_limit=wire["applicable_exclusive_redeemables_per_category_limit"],
        exclusive=frozenset(wire["exclusive_categories"]),
        joint=frozenset(wire["joint_categories"]),
        application_mode=wire["redeemables_application_mode"],
        calculation_mode=wire.get("discount_calculation_mode", "DISCOUNTED_AMOUNT"),
        initial_amount=frozenset(wire.get("initial_amount_mode_categories", ())),
        discounted_amount=frozenset(wire.get("discounted_amount_mode_categories", ())),
        by_hierarchy=wire["redeemables_sorting_rule"] == "CATEGORY_HIERARCHY",
        joint_last=wire.get("grouped_redeemables_sorting_rule", "JOINT_ALWAYS_LAST") == "JOINT_ALWAYS_LAST",
        products_once=wire["redeemables_products_application_mode"] == "ONCE",
        skip_without_effect=wire["redeemables_no_effect_rule"] == "SKIP",
        skip_categories=frozenset(wire["no_effect_skip_categories"]),
        redeem_anyway_categories=frozenset(wire["no_effect_redeem_anyway_categories"]),
        wire=wire,
    )


_DEFAULT_RULES: Final = StackingRules()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One redeemable of a request. terms: None where nobody knows the id. credits: asked of a gift card."""

    id: str
    terms: VoucherTerms | None
    credits: int | None = None
    object: str = "voucher"

    @property
    def category(self) -> str | None:
        """The public id of the category that stacking rules see."""
        return self.terms.category.public_id if self.terms is not None and self.terms.category is not None else None


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a redeemable was not even tried."""

    key: str
    message: str


CATEGORY_LIMIT_EXCEEDED: Final = Skip(
    "applicable_redeemables_per_category_limit_exceeded", "Applicable redeemables limit per category exceeded"
)
EXCLUSIVE_LIMIT_EXCEEDED: Final = Skip(
    "applicable_exclusive_redeemables_limit_exceeded", "Applicable exclusive redeemables limit exceeded"
)
EXCLUSIVE_CATEGORY_LIMIT_EXCEEDED: Final = Skip(
    "applicable_exclusive_redeemables_per_category_limit_exceeded",
    "Applicable exclusive redeemables limit per category exceeded",
)
EXCLUDED: Final = Skip("exclusion_rules_not_met", "Redeemable cannot be applied due to exclusion rules")
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

    ALL mode: the first inapplicable one skips the rest and makes the request invalid; other skips do not.
    """
    walk = _Walk(facts, stacking)
    ordered = in_order(candidates, stacking)
    excluding = _one_excludes(ordered, facts, stacking)
    for candidate in ordered:
        walk.take(candidate, excluding=excluding)
    steps = [o.effect.order for o in walk.outcomes if o.effect is not None and o.effect.order is not None]
    final = None if facts.order is None else discounts.final_order(facts.order, steps)
    failed = walk.failed and stacking.application_mode == "ALL"
    return Stack(tuple(walk.outcomes), final, walk.applied > 0 and not failed)


def in_order(candidates: Sequence[Candidate], stacking: StackingRules) -> list[Candidate]:
    """As requested, or by their categories' hierarchy (none: last); joint ones after exclusive ones."""
    ordered = list(candidates)
    if stacking.by_hierarchy:
        ordered.sort(key=_hierarchy)
    if stacking.joint_last and stacking.joint and any(one.category in stacking.exclusive for one in ordered):
        ordered.sort(key=lambda candidate: candidate.category in stacking.joint)
    return ordered


def _hierarchy(candidate: Candidate) -> tuple[bool, int]:
    category = candidate.terms.category if candidate.terms is not None else None
    return (True, 0) if category is None else (False, category.hierarchy)


def _one_excludes(candidates: Sequence[Candidate], facts: Facts, stacking: StackingRules) -> bool:
    """Whether an exclusive redeemable that could apply is among them: then common ones are out, wherever they stand."""
    return any(
        candidate.category in stacking.exclusive
        and candidate.terms is not None
        and rules.applicable_at_first_sight(candidate.terms, facts)
        for candidate in candidates
    )


class _Walk:
    """Where the evaluation stands: the order so far, who applied, and what this request itself adds to counters."""

    def __init__(self, facts: Facts, stacking: StackingRules) -> None:
        self.facts = facts
        self.stacking = stacking
        self.outcomes: list[Outcome] = []
        self.applied = 0
        self.failed = False
        self._by_category: dict[str, int] = {}
        self._exclusive = 0
        self._discounted: set[int] = set()
        self._order = facts.order
        self._counts = facts.counts

    def take(self, candidate: Candidate, *, excluding: bool) -> None:
        """Decide about the next candidate."""
        skip = self._skip(candidate, excluding=excluding)
        if skip is not None:
            self.outcomes.append(Outcome(candidate, "SKIPPED", skip=skip))
            return
        outcome = self._try(candidate)
        self.outcomes.append(outcome)
        if outcome.status == "INAPPLICABLE":
            self.failed = True
        if outcome.effect is not None and candidate.terms is not None:
            self._keep(candidate, candidate.terms, outcome.effect)

    def _skip(self, candidate: Candidate, *, excluding: bool) -> Skip | None:
        """Why it is not even tried; an unknown one is tried, to say so."""
        stacking, category = self.stacking, candidate.category
        if self.failed and stacking.application_mode == "ALL":
            return PRECEDING_FAILED
        exclusive = category in stacking.exclusive
        if excluding and candidate.terms is not None and not exclusive and category not in stacking.joint:
            return EXCLUDED
        if self.applied >= stacking.applicable_limit:
            return LIMIT_EXCEEDED
        if category is None:
            return None
        there = self._by_category.get(category, 0)
        if there >= stacking.category_limits.get(category, stacking.category_limit):
            return CATEGORY_LIMIT_EXCEEDED
        if exclusive and self._exclusive >= stacking.exclusive_limit:
            return EXCLUSIVE_LIMIT_EXCEEDED
        return EXCLUSIVE_CATEGORY_LIMIT_EXCEEDED if exclusive and there >= stacking.exclusive_category_limit else None

    def _try(self, candidate: Candidate) -> Outcome:
        stacking = self.stacking
        if candidate.terms is None:
            return Outcome(candidate, "INAPPLICABLE", refusals=(rules.not_found(candidate.id, candidate.object),))
        facts = self._facts(candidate)
        terms = matched.on_cart(candidate.terms, facts)
        if refusals := rules.refusals(terms, facts):
            return Outcome(candidate, "INAPPLICABLE", refusals=tuple(refusals))
        effect = discounts.apply(
            terms,
            facts.order,
            credits=facts.credits,
            mode=stacking.mode_for(candidate.category),
            facts=facts,
            taken=self._discounted if stacking.products_once else (),
        )
        if rules.judges_result(terms) and effect.order is not None:
            after = replace(facts, after=effect.order, spent_credits=effect.credits or 0)
            if late := list(rules.rule_sets_hold(terms, after)):
                return Outcome(candidate, "INAPPLICABLE", refusals=tuple(late))
        if facts.order is not None and effect.changes_nothing and stacking.skips_without_effect(candidate.category):
            return Outcome(candidate, "SKIPPED", skip=NO_EFFECT)
        return Outcome(candidate, "APPLICABLE", effect=effect)

    def _keep(self, candidate: Candidate, terms: VoucherTerms, effect: Effect) -> None:
        """Go on from what the redeemable left: the order, the limits, the counters."""
        self.applied += 1
        if candidate.category is not None:
            self._by_category[candidate.category] = self._by_category.get(candidate.category, 0) + 1
            self._exclusive += candidate.category in self.stacking.exclusive
        if effect.order is not None and effect.order.applied is not None and self.stacking.products_once:
            self._discounted |= {index for index, amount in enumerate(effect.order.applied) if amount}
        if self._counts:
            self._counts = _counted(self._counts, terms, effect)
        self._order = effect.order

    def _facts(self, candidate: Candidate) -> Facts:
        """The situation of this candidate. Most requests have one, whose situation is the request's."""
        facts = self.facts
        if facts.order is self._order and facts.counts is self._counts and facts.credits == candidate.credits:
            return facts
        return replace(facts, order=self._order, counts=self._counts, credits=candidate.credits)


def _counted(counts: Mapping[Count, int], terms: VoucherTerms, effect: Effect) -> Mapping[Count, int]:
    """The counters with this redeemable in them, for the next one of the same campaign; the order counts only once."""
    adds = {"redemptions": 1, "discount_amount": effect.applied, "gift_amount": effect.credits or 0}
    subjects = (terms.public_id, terms.campaign_id)
    return {
        count: known + (adds.get(count.what, 0) if count.subject in subjects else 0) for count, known in counts.items()
    }
