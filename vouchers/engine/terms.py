"""The frozen inputs and answers of everything in `engine/`: what is offered, and in which situation.

Orders are in `order_state`, validation rules in `rule_terms`. Amounts are minor units. Nothing here reads the clock,
the database or the request: services fill it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from vouchers.engine.order_state import NO_ITEM, Item, OrderState
from vouchers.engine.rule_terms import ApplicableTo, RuleSet

JsonObject = Mapping[str, Any]
EMPTY: Final[JsonObject] = {}

PROMOTION_TIER: Final = "PROMOTION_TIER"
"""The `type` of the terms of a promotion tier; of vouchers it is the wire's."""
LABELS: Final = {
    "DISCOUNT_VOUCHER": "Discount Coupon",
    "GIFT_VOUCHER": "Gift Card",
    "LOYALTY_CARD": "Loyalty Card",
    PROMOTION_TIER: "Promotion Tier",
}
"""What the wire's sentences call a kind of redeemable."""
REFERRAL_LABEL: Final = "Referral Code"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a redeemable must not be redeemed.

    details: None stands for the code, which most refusals show. custom_message: the marketer's own words.
    facts: what was demanded beside what was found, for the page that explains it. bundle: what of one is missing.
    """

    key: str
    message: str
    details: str | None = None
    code: int = 400
    resource_id: str | None = None
    resource_type: str | None = None
    custom_message: str | None = None
    facts: JsonObject = field(default_factory=dict)
    bundle: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class UnitTerms:
    """Free units of one product or SKU. effect: ADD_NEW_ITEMS, ADD_MISSING_ITEMS or ADD_SAME_ITEMS."""

    unit_type: str
    effect: str
    unit_off: int = 1
    formula: str | None = None
    stored: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiscountTerms:
    """A stored discount, read. effect: None where none is stored; it is resolved when it is calculated.

    formula: of the type's value; what is stored beside it is the fallback. units: of type UNIT.
    """

    type: str
    effect: str | None = None
    amount_off: int = 0
    percent_off: Decimal = Decimal(0)
    fixed_amount: int | None = None
    amount_limit: int | None = None
    aggregated_amount_limit: int | None = None
    formula: str | None = None
    units: tuple[UnitTerms, ...] = ()
    stored: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GiftTerms:
    """A gift card. balance: what can be spent now, locked_credits (held by other sessions) already taken off."""

    balance: int
    effect: str | None = None
    locked_credits: int = 0


@dataclass(frozen=True, slots=True)
class Validity:
    """When something may be redeemed; JSON parts as on the wire, checked when they were stored."""

    start_date: datetime | None = None
    expiration_date: datetime | None = None
    timeframe: JsonObject | None = None
    day_of_week: tuple[int, ...] | None = None
    hours: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class CategoryTerms:
    """What stacking rules sort and limit by: the redeemable's own category, else its campaign's."""

    public_id: str
    name: str = ""
    hierarchy: int = 0


@dataclass(frozen=True, slots=True)
class VoucherTerms:
    """Everything about a voucher or a promotion tier that decides whether and how it is redeemed.

    code: of a tier its id. type: the voucher's, PROMOTION_TIER for a tier. quantity: None is unlimited. held_quantity:
    uses held by sessions of others. holder_id, referrer_id: public ids of customers. hierarchy: of tiers.
    """

    code: str
    public_id: str
    type: str
    name: str = ""
    active: bool = True
    campaign_id: str | None = None
    campaign_type: str | None = None
    campaign_active: bool = True
    validity: Validity = field(default_factory=Validity)
    quantity: int | None = None
    redeemed_quantity: int = 0
    held_quantity: int = 0
    publish_count: int = 0
    discount: DiscountTerms | None = None
    gift: GiftTerms | None = None
    rule_sets: tuple[RuleSet, ...] = ()
    category: CategoryTerms | None = None
    hierarchy: int | None = None
    holder_id: str | None = None
    referrer_id: str | None = None
    is_referral_code: bool = False
    metadata: JsonObject = field(default_factory=dict)

    @property
    def is_tier(self) -> bool:
        """Whether this is a promotion tier."""
        return self.type == PROMOTION_TIER

    @property
    def label(self) -> str:
        """The word of the wire's sentences: Discount Coupon, Gift Card, Promotion Tier."""
        return REFERRAL_LABEL if self.is_referral_code else LABELS[self.type]

    @property
    def applicable_to(self) -> ApplicableTo | None:
        """Which lines it is for, from the first of its rules that says so; None: from none."""
        for rule_set in self.rule_sets:
            if rule_set.applicable_to is not None and rule_set.applicable_to.says_anything:
                return rule_set.applicable_to
        return None


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """Who redeems, as far as known. metadata: the stored with what the request sent on top."""

    public_id: str | None = None
    source_id: str | None = None
    metadata: JsonObject = field(default_factory=dict)
    birthdate: date | None = None


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """A product or SKU that free units are made of. data: what the wire shows of its line."""

    price: int | None = None
    item: Item = NO_ITEM
    data: JsonObject = field(default_factory=dict)


class Count(NamedTuple):
    """One counter that a rule reads; rolled back and failed redemptions never count.

    subject: public id of the voucher, tier or campaign. what: redemptions, orders_amount, discount_amount or
    gift_amount. by: nobody in particular, customer, api_key or user. period: ever, daily, weekly, monthly.
    """

    subject: str
    what: Literal["redemptions", "orders_amount", "discount_amount", "gift_amount"] = "redemptions"
    by: Literal["", "customer", "api_key", "user"] = ""
    period: Literal["", "daily", "weekly", "monthly"] = ""


class UnitCount(NamedTuple):
    """Units discounted so far: of a line's product key (`product_…`) or of a collection's members, see `limit`.

    subject: public id of the campaign or tier. key: public id of the product, SKU or collection. by: "" or customer.
    """

    subject: str
    key: str
    by: Literal["", "customer"] = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The situation of one attempt; services fill it, asking for counts and collections only where rules name them.

    at: aware. zone: the project's. order: None when no order was sent; changes from one redeemable to the next.
    customer_named: whether anything names a customer, stored or not. segments: of those that the rules name, the public
    ids of the ones the customer is in. credits: gift credits asked for; None is "as much as possible". metadata: of the
    redemption. counts, unit_counts: as `needs.of` asked for them, 0 where absent. catalogue: by the id that free units
    name. api_key, user: who calls. ignored_rules: names that hold whatever is found (qualifications).
    after, spent_credits: of the redeemable at its turn, once it is calculated: some rules judge its result.

    """

    at: datetime
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    order: OrderState | None = None
    customer_named: bool = False
    customer: CustomerFacts = field(default_factory=CustomerFacts)
    segments: frozenset[str] = frozenset()
    credits: int | None = None
    metadata: JsonObject = field(default_factory=dict)
    publications: Mapping[str, JsonObject] = field(default_factory=dict)
    counts: Mapping[Count, int] = field(default_factory=dict)
    unit_counts: Mapping[UnitCount, int] = field(default_factory=dict)
    catalogue: Mapping[str, CatalogueItem] = field(default_factory=dict)
    api_key: str | None = None
    user: str | None = None
    after: OrderState | None = None
    spent_credits: int = 0
    ignored_rules: frozenset[str] = frozenset()


CalculationMode = Literal["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"]
