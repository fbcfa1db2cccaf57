"""What a customer with this cart could use: every redeemable by itself, none of them locked or counted.

Source: campaigns and promotions, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from config.project.models import Project
from tracking.services import identities
from tracking.services.identities import Identity
from vouchers.engine import rule_names, rules, stacking
from vouchers.engine.order_state import OrderState
from vouchers.engine.stacking import Candidate, Outcome, StackingRules
from vouchers.engine.terms import Facts
from vouchers.models import Campaign
from vouchers.payloads import RedeemRequest
from vouchers.qualifying import ALL, AUDIENCE, DISCOUNTED, PRODUCTS, STACKS, WALLET, QualificationRequest
from vouchers.services import candidates, carts, qualifiers, sessions
from vouchers.services.channels import Channel
from vouchers.services.qualifiers import Qualifier

Kind = Campaign.CampaignType
WITHOUT_CART: Final = frozenset(
    {"missing_amount", "missing_order", "missing_order_items", "missing_order_items_amount", "missing_reward"}
)
"""Reasons that only say that the cart, or the reward, is not there yet."""
TOLERATED: Final = frozenset({"missing_amount", "missing_reward"})
GIVEN_OUT: Final = (Kind.DISCOUNT_COUPONS, Kind.GIFT_VOUCHERS, Kind.REFERRAL_PROGRAM, Kind.LOYALTY_PROGRAM)
MOST_TIERS: Final = 150
ABOUT_CUSTOMERS: Final = frozenset(name for name in rule_names.RULE_NAMES if name.startswith("customer."))


@dataclass(frozen=True, slots=True)
class Qualified:
    """One redeemable that may be used. outcomes: of a stack one for each tier, else one."""

    qualifier: Qualifier
    outcomes: tuple[Outcome, ...]

    @property
    def deal(self) -> int:
        """What it takes off the order."""
        return sum(outcome.effect.applied for outcome in self.outcomes if outcome.effect is not None)


@dataclass(frozen=True, slots=True)
class Qualification:
    """A page of what qualifies. more_after: where the next one starts, where there is one."""

    request: QualificationRequest
    qualified: tuple[Qualified, ...]
    more_after: datetime | None
    order: OrderState | None
    identity: Identity
    stacking: StackingRules


def qualify(
    *, project: Project, request: QualificationRequest, at: datetime, channel: Channel | None = None
) -> Qualification:
    """Evaluate what may qualify, newest first, until the page is full.

    Keeps the tracking token and nothing else. Raises NotFound (order), AmbiguousTrackingId, InvalidPayload.
    """
    identity = _identify(project, request.context, at)
    pool, cut_off = _pool(project, request, identity, at)
    facts = _facts(project, request.context, pool, identity, at, channel)
    facts = replace(facts, ignored_rules=ignored(request.scenario, named=facts.customer_named))
    stacked = stacking.read_stacking_rules(project.stacking_rules)
    qualified, more_after = _page(request, pool, cut_off, lambda one: _evaluate(one, facts, stacked, request.scenario))
    return Qualification(request, tuple(qualified), more_after, facts.order, identity, stacked)


def promotions(
    *, project: Project, context: RedeemRequest, at: datetime, channel: Channel | None = None
) -> Qualification:
    """Every tier that a redemption would take now, limits and all; of the newest 150. For the older calls."""
    identity = _identify(project, context, at)
    pool = qualifiers.tiers(project, at=at, before=None, most=MOST_TIERS)
    facts = _facts(project, context, pool, identity, at, channel)
    stacked = stacking.read_stacking_rules(project.stacking_rules)
    found = [one for tier in pool if (one := _evaluate(tier, facts, stacked, ALL)) is not None]
    request = QualificationRequest(context=context)
    return Qualification(request, tuple(found), None, facts.order, identity, stacked)


def campaigns(
    *, project: Project, context: RedeemRequest, audience_only: bool, limit: int, at: datetime
) -> Qualification:
    """The campaigns that could give the customer a code, newest first. For the older call."""
    request = QualificationRequest(context=context, scenario=AUDIENCE if audience_only else ALL, limit=limit)
    identity = _identify(project, context, at)
    pool = qualifiers.campaigns(project, GIVEN_OUT[:3], at=at, before=None)
    facts = _facts(project, context, pool, identity, at, None)
    facts = replace(facts, ignored_rules=ignored(request.scenario, named=facts.customer_named))
    stacked = stacking.read_stacking_rules(project.stacking_rules)
    found = [one for each in pool if (one := _evaluate(each, facts, stacked, request.scenario)) is not None]
    return Qualification(request, tuple(found[:limit]), None, facts.order, identity, stacked)


def _identify(project: Project, context: RedeemRequest, at: datetime) -> Identity:
    return identities.resolve(
        project=project,
        tracking_id=context.tracking_id,
        source_id=context.source_id,
        customer_id=context.customer_id,
        shortcut=context.shortcut,
        cookie=context.cookie,
        at=at,
        anonymous=context.anonymous,
    )


def _facts(
    project: Project,
    context: RedeemRequest,
    pool: Sequence[Qualifier],
    identity: Identity,
    at: datetime,
    channel: Channel | None,
) -> Facts:
    order = carts.state_of(project, context, carts.find_order(project, context.order))
    sessions.weigh((one.voucher for one in pool if one.voucher), key=None, identity=identity, at=at)
    return candidates.facts_of(
        project=project,
        request=context,
        order=order,
        found=[found for one in pool for found in (one.members or (one,))],
        customer=identity.customer,
        named=candidates.is_named(identity, context),
        data=context.customer,
        at=at,
        channel=channel,
    )


def ignored(scenario: str, *, named: bool) -> frozenset[str]:
    """The rules that hold whatever is found. Limits of a customer wait for one: where nobody is named they refuse."""
    names = rule_names.IGNORED_BY_QUALIFICATIONS
    if scenario in (PRODUCTS[0], DISCOUNTED[0]):
        return names | ABOUT_CUSTOMERS | {rules.BUNDLE}
    if scenario == AUDIENCE:
        names |= rule_names.NOT_ABOUT_CUSTOMERS | {rules.BUNDLE}
    elif scenario in (*PRODUCTS, *DISCOUNTED):
        names |= {rules.BUNDLE}
    return names if named else names - rule_names.PER_CUSTOMER


def _pool(
    project: Project, request: QualificationRequest, identity: Identity, at: datetime
) -> tuple[list[Qualifier], datetime | None]:
    """What is wanted, newest first; and the instant before which there is more that was not looked at."""
    scenario, before, customer = request.scenario, request.starting_after, identity.customer
    groups: list[list[Qualifier]] = []
    if scenario == STACKS:
        groups.append(qualifiers.stacks(project, before=before))
    else:
        open_ones = scenario != WALLET
        groups.append(qualifiers.vouchers(project, customer, open_ones=open_ones, at=at, before=before))
    if scenario not in (STACKS, WALLET):
        groups.append(qualifiers.tiers(project, at=at, before=before))
    if scenario in (ALL, AUDIENCE):
        kinds = GIVEN_OUT if scenario == AUDIENCE else (Kind.LOYALTY_PROGRAM,)
        groups.append(qualifiers.campaigns(project, kinds, at=at, before=before))
    pool = {(one.object, one.redeemable.id): one for group in groups for one in group}
    full = [group[-1].created_at for group in groups if len(group) >= qualifiers.POOL]
    cut_off = max(full, default=None)
    ordered = sorted(pool.values(), key=lambda one: one.created_at, reverse=True)
    if cut_off is not None:  # what is older than the shortest list reaches is for the next page
        ordered = [one for one in ordered if one.created_at >= cut_off]
    return [one for one in ordered if request.filters.hold(one.facts)], cut_off


def _page(
    request: QualificationRequest,
    pool: Sequence[Qualifier],
    cut_off: datetime | None,
    evaluate: Callable[[Qualifier], Qualified | None],
) -> tuple[list[Qualified], datetime | None]:
    """As many as were asked for, and those of the last one's instant: the cursor cannot tell them apart."""
    page: list[Qualified] = []
    if request.sorting != "DEFAULT":
        page = [one for qualifier in pool if (one := evaluate(qualifier)) is not None]
        page.sort(key=lambda one: one.deal, reverse=request.sorting == "BEST_DEAL")
        more = len(page) > request.limit
        page = page[: request.limit]
        return page, page[-1].qualifier.created_at if more else None
    for qualifier in pool:
        if len(page) >= request.limit and qualifier.created_at != page[-1].qualifier.created_at:
            if evaluate(qualifier) is not None:
                return page, page[-1].qualifier.created_at
            continue
        if (one := evaluate(qualifier)) is not None:
            page.append(one)
    return page, cut_off


def _evaluate(one: Qualifier, facts: Facts, stacked: StackingRules, scenario: str) -> Qualified | None:
    """The redeemable with what it would do; None where it may not be used."""
    candidate_list = [member.candidate() for member in one.members] or [_candidate(one)]
    alone = replace(stacked, applicable_limit=max(stacked.applicable_limit, len(candidate_list)))
    stack = stacking.evaluate(candidate_list, facts, alone if one.members else stacked)
    outcomes = stack.outcomes
    tolerated = WITHOUT_CART if scenario == AUDIENCE else TOLERATED
    if not all(_passes(outcome, tolerated, facts) for outcome in outcomes):
        return None
    found = Qualified(one, tuple(outcomes))
    if scenario in DISCOUNTED and not _discounts_lines(outcomes):
        return None
    if scenario in PRODUCTS and not (_discounts_lines(outcomes) or _names_products(one)):
        return None
    return found


def _candidate(one: Qualifier) -> Candidate:
    return Candidate(one.redeemable.id, one.terms, None, one.object)


def _passes(outcome: Outcome, tolerated: frozenset[str], facts: Facts) -> bool:
    if outcome.status == "APPLICABLE":
        return True
    return bool(outcome.refusals) and all(refusal.key in tolerated for refusal in outcome.refusals)


def _discounts_lines(outcomes: Sequence[Outcome]) -> bool:
    """Whether a line of the cart gets cheaper."""
    orders = [outcome.effect.order for outcome in outcomes if outcome.effect is not None]
    return any(order is not None and order.items_applied_discount_amount for order in orders)


def _names_products(one: Qualifier) -> bool:
    """Whether one of its rules, which hold, asks for products."""
    names: Mapping[str, object] = {
        node.name: node
        for found in (one.members or (one,))
        for rule_set in found.rule_sets
        for node in rule_set.tree.nodes.values()
    }
    return any(name.startswith(("product.", "order.items", "order.products")) for name in names)
