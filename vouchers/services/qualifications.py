"""What a customer with this cart could use: every redeemable by itself, none of them locked or counted.

Source: campaigns and promotions, section 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from vouchers.qualifying import (
    ALL,
    AUDIENCE,
    DISCOUNTED,
    PRODUCTS,
    STACKS,
    WALLET,
    Cursor,
    Filters,
    QualificationRequest,
)
from vouchers.services import candidates, carts, qualifiers, sessions
from vouchers.services.channels import Channel
from vouchers.services.qualifier_stream import Source, cursor_of, stream, wanted
from vouchers.services.qualifiers import Qualifier

Kind = Campaign.CampaignType
WITHOUT_CART: Final = frozenset(
    {"missing_amount", "missing_order", "missing_order_items", "missing_order_items_amount", "missing_reward"}
)
"""Reasons that only say that the cart, or the reward, is not there yet."""
TOLERATED: Final = frozenset({"missing_amount", "missing_reward"})
GIVEN_OUT: Final = (Kind.DISCOUNT_COUPONS, Kind.GIFT_VOUCHERS, Kind.REFERRAL_PROGRAM, Kind.LOYALTY_PROGRAM)
MOST_TIERS: Final = 150
LOOKED_AT: Final = 1_000
"""Candidates that one call evaluates at most: a page may be short, even empty, and still say where the next starts."""
PART: Final = 100
"""Candidates whose facts are fetched together: a page is mostly full before the second part."""
_PATHS: Final = {
    "category_id": "of_category",
    "campaign_id": "campaign__public_id",
    "campaign_type": "campaign__campaign_type",
    "resource_id": "public_id",
}
"""`options.filters` on the rows of tiers and stacks; of vouchers and campaigns below."""
_OF_VOUCHERS: Final = {**_PATHS, "voucher_type": "type", "code": "code"}
_OF_CAMPAIGNS: Final = {
    "category_id": "category__public_id",
    "campaign_id": "public_id",
    "campaign_type": "campaign_type",
    "resource_id": "public_id",
    "voucher_type": "voucher__type",
}
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
    more_after: Cursor | None
    order: OrderState | None
    identity: Identity
    stacking: StackingRules


def qualify(
    *, project: Project, request: QualificationRequest, at: datetime, channel: Channel | None = None
) -> Qualification:
    """Evaluate what may qualify, newest first, until the page is full or LOOKED_AT were evaluated.

    Keeps the tracking token and nothing else. Raises NotFound (order), AmbiguousTrackingId, InvalidPayload.
    """
    asking = _asking(project, request, at, channel)
    qualified, more_after = _ranked(asking) if request.sorting != "DEFAULT" else _page(asking)
    return asking.answer(qualified, more_after)


def promotions(
    *,
    project: Project,
    context: RedeemRequest,
    at: datetime,
    channel: Channel | None = None,
    audience_only: bool = False,
) -> Qualification:
    """Every tier that a redemption would take now, limits and all; of the newest 150. For the older calls.

    audience_only: neither limits nor rules are asked but those about customers.
    """
    request = QualificationRequest(context=context, scenario=AUDIENCE if audience_only else ALL)
    asking = _asking(project, request, at, channel, strict=not audience_only)
    newest = [*qualifiers.usable_tiers(project, at).order_by("-created_at", "-pk")[:MOST_TIERS]]
    for row in newest:
        row.project = row.campaign.project = project
    pool = qualifiers.of_tiers([(0, row) for row in newest])
    return asking.answer([one for _, one in asking.evaluated(pool) if one is not None], None)


def campaigns(
    *, project: Project, context: RedeemRequest, audience_only: bool, limit: int, at: datetime
) -> Qualification:
    """The campaigns that could give the customer a code, newest first. For the older call."""
    request = QualificationRequest(context=context, scenario=AUDIENCE if audience_only else ALL, limit=limit)
    asking = _asking(project, request, at, None)
    source = _campaigns(project, GIVEN_OUT[:3], at, request.filters)
    return asking.answer(*_page(asking, [source]))


@dataclass(slots=True)
class _Asking:
    """One qualification at work. strict: limits are asked too, as by a redemption."""

    project: Project
    request: QualificationRequest
    identity: Identity
    order: OrderState | None
    at: datetime
    channel: Channel | None
    stacking: StackingRules
    strict: bool = False

    def evaluated(self, pool: Sequence[Qualifier]) -> Iterator[tuple[Qualifier, Qualified | None]]:
        """Each candidate, and what it would do where it may be used; what rules read is fetched once for all."""
        if not pool:
            return
        facts = self._facts(pool)
        for one in pool:
            yield one, _evaluate(one, facts, self.stacking, self.request.scenario)

    def answer(self, qualified: Sequence[Qualified], more_after: Cursor | None) -> Qualification:
        """The page."""
        return Qualification(self.request, tuple(qualified), more_after, self.order, self.identity, self.stacking)

    def _facts(self, pool: Sequence[Qualifier]) -> Facts:
        context, identity = self.request.context, self.identity
        sessions.weigh((one.voucher for one in pool if one.voucher), key=None, identity=identity, at=self.at)
        facts = candidates.facts_of(
            project=self.project,
            request=context,
            order=self.order,
            found=[found for one in pool for found in (one.members or (one,))],
            customer=identity.customer,
            named=candidates.is_named(identity, context),
            data=context.customer,
            at=self.at,
            channel=self.channel,
        )
        if self.strict:
            return facts
        return replace(facts, ignored_rules=ignored(self.request.scenario, named=facts.customer_named))


def _asking(
    project: Project,
    request: QualificationRequest,
    at: datetime,
    channel: Channel | None,
    *,
    strict: bool = False,
) -> _Asking:
    identity = _identify(project, request.context, at)
    order = carts.state_of(project, request.context, carts.find_order(project, request.context.order))
    stacked = stacking.read_stacking_rules(project.stacking_rules)
    return _Asking(project, request, identity, order, at, channel, stacked, strict)


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


def _sources(asking: _Asking) -> list[Source]:
    """The lists that the scenario reads, narrowed to what the filters want."""
    project, at, customer = asking.project, asking.at, asking.identity.customer
    scenario, filters = asking.request.scenario, asking.request.filters
    if scenario == STACKS:
        told = wanted(filters, _PATHS, {"resource_type": "promotion_stack"})
        return [Source(project, 4, qualifiers.usable_stacks(project).filter(told), qualifiers.of_stacks)]
    codes = qualifiers.usable_vouchers(project, at)
    about = {"resource_type": "voucher", "holder_role": None}
    lists = [] if customer is None else [(0, codes.filter(holder=customer), {**about, "holder_role": "OWNER"})]
    if scenario != WALLET:
        free = codes.filter(holder=None)
        lists.append((1, free.filter(campaign=None), about))
        lists.append((2, free.filter(campaign__in=qualifiers.generic(project)), about))
    found = [
        Source(project, number, rows.filter(wanted(filters, _OF_VOUCHERS, constants)), qualifiers.of_vouchers)
        for number, rows, constants in lists
    ]
    if scenario != WALLET:
        told = wanted(filters, _PATHS, {"resource_type": "promotion_tier"})
        found.append(Source(project, 3, qualifiers.usable_tiers(project, at).filter(told), qualifiers.of_tiers))
    if scenario in (ALL, AUDIENCE):
        kinds = GIVEN_OUT if scenario == AUDIENCE else (Kind.LOYALTY_PROGRAM,)
        found.append(_campaigns(project, kinds, at, filters))
    return found


def _campaigns(project: Project, kinds: Sequence[str], at: datetime, filters: Filters) -> Source:
    rows = qualifiers.usable_campaigns(project, kinds, at)
    told = wanted(filters, _OF_CAMPAIGNS, {"resource_type": "campaign"})
    return Source(project, 5, rows.filter(told), qualifiers.of_campaigns)


def _page(asking: _Asking, sources: Sequence[Source] | None = None) -> tuple[list[Qualified], Cursor | None]:
    """As many as were asked for, newest first; more where one more qualifies, or where nobody has looked."""
    page: list[Qualified] = []
    last: Qualifier | None = None
    looked_at, torn = 0, False
    for candidate, qualified in _looked_at(asking, _sources(asking) if sources is None else sources):
        looked_at += 1
        if last is not None and (len(page) >= asking.request.limit or looked_at > LOOKED_AT):
            torn = torn or candidate.instant == last.instant
            if qualified is not None or looked_at > 2 * LOOKED_AT or len(page) < asking.request.limit:
                return page, cursor_of(last, torn=torn)
            continue
        last = candidate
        if qualified is not None:
            page.append(qualified)
    return page, None


def _looked_at(asking: _Asking, sources: Sequence[Source]) -> Iterator[tuple[Qualifier, Qualified | None]]:
    for pool in stream(sources, asking.request.starting_after):
        for number in range(0, len(pool), PART):
            yield from asking.evaluated(pool[number : number + PART])


def _ranked(asking: _Asking) -> tuple[list[Qualified], Cursor | None]:
    """A page of the best deals, or the least, among the newest LOOKED_AT candidates."""
    found: list[Qualified] = []
    left = LOOKED_AT
    for pool in stream(_sources(asking), None):
        found += [one for _, one in asking.evaluated(pool[:left]) if one is not None]
        left -= len(pool)
        if left <= 0:
            break
    found.sort(key=lambda one: one.deal, reverse=asking.request.sorting == "BEST_DEAL")
    after = asking.request.starting_after
    if after is not None:
        places = [number for number, one in enumerate(found) if _is_at(one.qualifier, after)]
        older = [one for one in found if one.qualifier.instant < after.instant]
        found = found[places[-1] + 1 :] if places else older
    page = found[: asking.request.limit]
    if len(page) == len(found):
        return page, None
    last = page[-1].qualifier
    shared = sum(one.qualifier.instant == last.instant for one in found) > 1
    return page, cursor_of(last, torn=shared or (after is not None and after.place is not None))


def _is_at(one: Qualifier, cursor: Cursor) -> bool:
    """Whether a cursor points at the candidate."""
    if one.instant != cursor.instant or cursor.place is None:
        return one.instant == cursor.instant
    return cursor_of(one, torn=True) == cursor


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
    if scenario in PRODUCTS and not (_discounts_lines(outcomes) or _names_products(one) or _bundles(outcomes)):
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


def _bundles(outcomes: Sequence[Outcome]) -> bool:
    """Whether something in the cart belongs to a bundle, also where the rest of it is missing."""
    found = [outcome.effect.bundle for outcome in outcomes if outcome.effect is not None]
    return any(bundle is not None and bundle.identified for bundle in found)


def _names_products(one: Qualifier) -> bool:
    """Whether one of its rules, which hold, asks for products."""
    names: Mapping[str, object] = {
        node.name: node
        for found in (one.members or (one,))
        for rule_set in found.rule_sets
        for node in rule_set.tree.nodes.values()
    }
    return any(name.startswith(("product.", "order.items", "order.products")) for name in names)
