"""The rule names: which operators and values each takes, what it reads, how its violation is called.

A new name is a new row. Source: validation rules, rule names and failure keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, Literal

from vouchers.engine import asked as asking
from vouchers.engine import product_rules
from vouchers.engine.asked import Asked, By, Period, What
from vouchers.engine.operators import ANYTHING, EQUALITY, MANY_VALUES, MEMBERSHIP, NUMBER, Moment, to_number, to_scalar
from vouchers.engine.rule_terms import Condition, RuleNode
from vouchers.engine.terms import Count, Refusal, VoucherTerms

Quantifier = Literal["one", "any", "each", "lines"]
"""How many of the values found must fit: the one; of several at least one, or each; nested, as the parent says."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What a rule about limits counts."""

    what: What = "redemptions"
    campaign: bool = False
    by: By = ""
    period: Period = ""

    def of(self, terms: VoucherTerms) -> Count:
        """The counter of one redeemable."""
        subject = terms.campaign_id if self.campaign and terms.campaign_id else terms.public_id
        return Count(subject, self.what, self.by, self.period)


@dataclass(frozen=True, slots=True)
class RuleName:
    """One row.

    value: reads one operand, raising ValueError. found: what the condition is about; None: nothing. missing: the
    refusal where what it needs was not given. judge: in place of operators, for rules that choose lines; returns those
    lines too. counter: what it counts. late: judges the result of a redeemable, hence after the calculation.
    """

    name: str
    found: Callable[[Asked], Any]
    operators: Mapping[str, Callable[[Any, Any, Moment], bool]] = field(default_factory=lambda: NUMBER)
    value: Callable[[Any], Any] = to_number
    missing: Callable[[Asked], Refusal | None] = asking.nothing_missing
    quantifier: Quantifier = "one"
    judge: product_rules.Judge | None = None
    counter: Counter | None = None
    late: bool = False
    with_property: bool = False
    many_values: frozenset[str] = MANY_VALUES
    message: str = ""

    @property
    def key(self) -> str:
        """How its violation is called."""
        return f"{self._family}_rules_violated"

    @property
    def sentence(self) -> str:
        """The wire's message of its violation."""
        return self.message or f"{self._family} does not match validation rules"

    @property
    def _family(self) -> str:
        prefix = self.name.split(".", maxsplit=1)[0]
        return _FAMILY.get(prefix, "redemption")


_FAMILY: Final = {"customer": "customer", "order": "order", "product": "order", "sku": "order"}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"not an id: {value!r}"[:80])
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(f"not true or false: {value!r}"[:80])


def _plus_this(counter: Counter) -> Callable[[Asked], Decimal]:
    """What was counted, with what this redemption adds."""
    adds: Mapping[str, Callable[[Asked], int]] = {
        "redemptions": lambda asked: 1,
        "orders_amount": lambda asked: (asked.facts.order.amount or 0) if asked.facts.order else 0,
        "discount_amount": lambda asked: (
            (asked.facts.after.total_applied_discount_amount or 0) if asked.facts.after else 0
        ),
        "gift_amount": lambda asked: asked.facts.spent_credits,
    }
    add = adds[counter.what]

    def found(asked: Asked) -> Decimal:
        so_far = asking.counted(asked, counter.what, campaign=counter.campaign, by=counter.by, period=counter.period)
        return Decimal(so_far + add(asked))

    return found


def _limit(name: str, counter: Counter, *, late: bool = False) -> RuleName:
    missing = asking.missing_customer if counter.by == "customer" else asking.nothing_missing
    return RuleName(name, _plus_this(counter), missing=missing, counter=counter, late=late)


def _limits() -> Iterable[RuleName]:
    periods: tuple[tuple[str, Period], ...] = (
        ("", ""),
        (".daily", "daily"),
        (".weekly", "weekly"),
        (".monthly", "monthly"),
    )
    for suffix, period in periods:
        yield _limit(f"campaign.redemptions.count{suffix}", Counter(campaign=True, period=period))
        yield _limit(
            f"campaign.redemptions.customers_count{suffix}", Counter(campaign=True, by="customer", period=period)
        )
        yield _limit(f"redemption.count.per_customer{suffix}", Counter(by="customer", period=period))
        yield _limit(f"redemption.count{suffix}", Counter(period=period))
    yield _limit("redemption.count.per_api_key", Counter(by="api_key"))
    yield _limit("redemption.count.per_user", Counter(by="user"))
    yield _limit("campaign.orders.amount", Counter("orders_amount", campaign=True))
    yield _limit("campaign.orders.amount_discounted", Counter("discount_amount", campaign=True), late=True)
    yield _limit("redemption.gift.amount", Counter("gift_amount", campaign=True), late=True)


def _metadata(name: str, found: Callable[[Asked], Any], **fields: Any) -> RuleName:
    row = RuleName(name, found, operators=ANYTHING, value=to_scalar, with_property=True)
    return replace(row, **fields)


def _equal(name: str, found: Callable[[Asked], Any], **fields: Any) -> RuleName:
    return RuleName(name, found, operators=EQUALITY, value=_text, **fields)


def _lines(name: str, judge: product_rules.Judge, missing: Callable[[Asked], Refusal | None]) -> RuleName:
    return RuleName(
        name,
        lambda asked: None,
        operators=product_rules.OPERATORS,
        value=product_rules.to_ref,
        missing=missing,
        judge=judge,
        many_values=frozenset(product_rules.OPERATORS),
    )


def _flag(name: str, found: Callable[[Asked], Any], missing: Callable[[Asked], Refusal | None]) -> RuleName:
    return RuleName(name, found, operators={"$is": EQUALITY["$is"]}, value=_boolean, missing=missing)


_SEGMENT: Final = RuleName(
    "customer.segment",
    lambda asked: sorted(asked.facts.segments),
    operators=MEMBERSHIP,
    value=_text,
    missing=asking.missing_customer,
    many_values=frozenset(MEMBERSHIP),
    message="customer does not match segment rules",
)
_ITEMS: Final = asking.missing_items
_CUSTOMERS: Final = (
    _SEGMENT,
    replace(
        _SEGMENT,
        name="customer.loyalty_tier",
        found=lambda asked: [],
        message="customer does not match validation rules",
    ),
    _metadata("customer.metadata", lambda asked: asked.metadata(asked.facts.customer.metadata),
              missing=asking.missing_customer),
)  # fmt: skip
_ORDERS: Final = (
    RuleName("order.amount", asking.remaining, missing=asking.missing_amount),
    RuleName("order.total_amount", asking.total_after, missing=asking.missing_amount, late=True),
    RuleName("order.initial_amount", asking.initial_amount, missing=asking.missing_amount),
    RuleName("order.items.count", asking.units_in_cart, missing=asking.missing_order),
    RuleName("order.items.price_any", asking.prices, missing=_ITEMS, quantifier="any"),
    RuleName("order.items.price_each", asking.prices, missing=_ITEMS, quantifier="each"),
    _metadata("order.items.metadata_any", asking.line_metadata, missing=_ITEMS, quantifier="any"),
    _metadata("order.items.metadata_each", asking.line_metadata, missing=_ITEMS, quantifier="each"),
    _metadata("order.metadata", lambda asked: asked.metadata(asked.order.data.get("metadata") or {}),
              missing=asking.missing_order),
    _lines("order.items.any", product_rules.any_line, _ITEMS),
    _lines("order.items.every", product_rules.every_line, _ITEMS),
    _lines("order.items.none", product_rules.no_line, asking.missing_order),
    _lines("order.items.cheapest", product_rules.cheapest, _ITEMS),
    _lines("order.items.most_expensive", product_rules.most_expensive, _ITEMS),
    RuleName("order.items.aggregated_amount", asking.sum_of_subtotals, missing=_ITEMS),
    RuleName("order.items.aggregated_quantity", asking.sum_of_quantities, missing=_ITEMS),
    RuleName("order.items.price", asking.prices, missing=_ITEMS, quantifier="lines"),
    RuleName("order.items.quantity", asking.quantities, missing=_ITEMS, quantifier="lines"),
    _metadata("order.items.metadata", asking.line_metadata, missing=_ITEMS, quantifier="lines"),
)  # fmt: skip
_PRODUCTS: Final = (
    _lines("product.id", product_rules.in_cart("product"), _ITEMS),
    _lines("sku.id", product_rules.in_cart("sku"), _ITEMS),
    *(RuleName(f"{kind}.price", asking.prices, missing=_ITEMS, quantifier="lines") for kind in ("product", "sku")),
    *(
        RuleName(f"{kind}.quantity", asking.quantities, missing=_ITEMS, quantifier="lines")
        for kind in ("product", "sku")
    ),
    _metadata("product.metadata", asking.product_metadata, missing=_ITEMS, quantifier="any",
              judge=product_rules.with_metadata),
    RuleName("product.metadata.aggregated_quantity", asking.sum_of_quantities, missing=_ITEMS),
    RuleName("product.metadata.aggregated_amount", asking.sum_of_subtotals, missing=_ITEMS),
    _flag("product.metadata.match_all", product_rules.all_match, _ITEMS),
    *(replace(_flag(f"{kind}.discount_applicable", lambda asked: True, asking.nothing_missing),
              judge=product_rules.always) for kind in ("product", "sku", "product.metadata")),
)  # fmt: skip
_REDEMPTIONS: Final = (
    *_limits(),
    _equal("redemption.api_key", lambda asked: asked.facts.api_key),
    _equal("redemption.user.login", lambda asked: asked.facts.user),
    _metadata("redemption.metadata", lambda asked: asked.metadata(asked.facts.metadata)),
    RuleName("redemption.reward.pay_with_points.points_used", lambda asked: None),
    _flag("publication.redeemable_by_linked_customer", product_rules.held_by_customer, asking.missing_customer),
    _metadata("custom_event.metadata", lambda asked: None),
)

RULE_NAMES: Final[Mapping[str, RuleName]] = {
    row.name: row for row in (*_CUSTOMERS, *_ORDERS, *_PRODUCTS, *_REDEMPTIONS)
}
ALIASES: Final = {"customer_segment": "customer.segment", "customer_metadata": "customer.metadata"}

PER_CUSTOMER: Final = frozenset(row.name for row in RULE_NAMES.values() if row.counter and row.counter.by == "customer")
IGNORED_BY_QUALIFICATIONS: Final = PER_CUSTOMER | {
    *("order.amount", "campaign.orders.amount_discounted", "campaign.redemptions.count"),
    *(f"campaign.redemptions.count.{period}" for period in ("daily", "weekly", "monthly")),
}
NOT_ABOUT_CUSTOMERS: Final = frozenset(name for name in RULE_NAMES if not name.startswith("customer."))
"""What a look at the audience alone leaves out."""


def row_of(name: str) -> RuleName | None:
    """The row of a name or of its older spelling; None for one that is not known."""
    return RULE_NAMES.get(ALIASES.get(name, name))


def verdict(node: RuleNode, asked: Asked) -> tuple[bool, Asked]:
    """Whether the node's own conditions hold, and what its nested rules are asked about.

    What it needs and nobody gave makes it false; what is not known yet, or is not asked for, true.
    """
    row = RULE_NAMES[ALIASES.get(node.name, node.name)]
    if row.name in asked.facts.ignored_rules or (
        row.late and asked.facts.after is None and asked.facts.order is not None
    ):
        return True, asked
    if row.missing(asked) is not None:
        return False, asked
    about = asked.about(node.property)
    moment = Moment(asked.facts.at, asked.facts.zone)
    if row.judge is not None:
        held, lines, each = row.judge(about, node, moment)
        return held, asked.inside(lines, each=each)
    return _holds(row, row.found(about), node.conditions, moment, each=about.each), asked


def found(node: RuleNode, asked: Asked) -> Any:
    """What the conditions were held against, for the page that explains a refusal."""
    row = RULE_NAMES[ALIASES.get(node.name, node.name)]
    if row.judge is not None or row.missing(asked) is not None:
        return None
    value = row.found(asked.about(node.property))
    return [_plain(one) for one in value[:20]] if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> Any:
    """A value as JSON."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    return value


def _holds(row: RuleName, value: Any, conditions: Sequence[Condition], moment: Moment, *, each: bool) -> bool:
    if row.quantifier == "one":
        return product_rules.fits(value, conditions, row.operators, moment)
    fitting = [product_rules.fits(one, conditions, row.operators, moment) for one in value]
    if row.quantifier == "each" or (row.quantifier == "lines" and each):
        return bool(fitting) and all(fitting)
    return any(fitting)
