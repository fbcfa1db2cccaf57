"""The frozen inputs and answers of everything in `engine/`: what is offered, on what order, in which situation.

Amounts are minor units. Nothing here reads the clock, the database or the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

JsonObject = Mapping[str, Any]
EMPTY: Final[JsonObject] = {}

LABELS: Final = {"DISCOUNT_VOUCHER": "Discount Coupon", "GIFT_VOUCHER": "Gift Card", "LOYALTY_CARD": "Loyalty Card"}
"""What the wire's sentences call a kind of voucher."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a redeemable must not be redeemed.

    details: None stands for the code, which most refusals show. custom_message: the marketer's own words.
    facts: what was demanded beside what was found, for the page that explains it.
    """

    key: str
    message: str
    details: str | None = None
    code: int = 400
    resource_id: str | None = None
    resource_type: str | None = None
    custom_message: str | None = None
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiscountTerms:
    """A stored discount, read. effect: None where none is stored; it is resolved when it is calculated."""

    type: str
    effect: str | None = None
    amount_off: int = 0
    percent_off: Decimal = Decimal(0)
    fixed_amount: int = 0
    amount_limit: int | None = None
    aggregated_amount_limit: int | None = None
    stored: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GiftTerms:
    """A gift card. balance: what can be spent now, credits locked by other sessions already taken off."""

    balance: int
    effect: str | None = None


@dataclass(frozen=True, slots=True)
class Validity:
    """When something may be redeemed; JSON parts as on the wire, checked when they were stored."""

    start_date: datetime | None = None
    expiration_date: datetime | None = None
    timeframe: JsonObject | None = None
    day_of_week: tuple[int, ...] | None = None
    hours: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator and its operands."""

    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RuleNode:
    """One numbered rule: all its conditions hold, and so does the set nested in it."""

    number: int
    name: str
    property: str | None
    conditions: tuple[Condition, ...]
    nested: RuleTree | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Every child holds; without children it is true."""

    children: tuple[Logic, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one child holds."""

    children: tuple[Logic, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """The rule of this number holds."""

    number: int


Logic = All | AnyOf | Ref


@dataclass(frozen=True, slots=True)
class RuleTree:
    """Numbered rules and the logic between them."""

    nodes: Mapping[int, RuleNode]
    logic: Logic


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A stored validation rule (`val_…`), read."""

    public_id: str
    tree: RuleTree
    error_message: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class VoucherTerms:
    """Everything about a voucher (later: a promotion tier) that decides whether and how it is redeemed.

    quantity: None is unlimited. held_quantity: uses held by sessions of others.
    """

    code: str
    public_id: str
    type: str
    active: bool = True
    campaign_active: bool = True
    validity: Validity = field(default_factory=Validity)
    quantity: int | None = None
    redeemed_quantity: int = 0
    held_quantity: int = 0
    discount: DiscountTerms | None = None
    gift: GiftTerms | None = None
    rule_sets: tuple[RuleSet, ...] = ()

    @property
    def label(self) -> str:
        """The word of the wire's sentences: Discount Coupon, Gift Card."""
        return LABELS[self.type]


@dataclass(frozen=True, slots=True)
class Line:
    """One order line. None: not known (price, amount) or never touched by a discount.

    data: what was sent or found in the catalogue and is shown again: ids, product, sku, metadata, …
    """

    quantity: int = 1
    price: int | None = None
    amount: int | None = None
    discount_amount: int | None = None
    applied_discount_amount: int | None = None
    data: JsonObject = field(default_factory=dict)

    @property
    def subtotal_amount(self) -> int | None:
        """What is left to pay for the line."""
        return None if self.amount is None else self.amount - (self.discount_amount or 0)

    def with_discount(self, applied: int) -> Self:
        """The line with `applied` more taken off."""
        return replace(
            self,
            discount_amount=(self.discount_amount or 0) + applied,
            applied_discount_amount=(self.applied_discount_amount or 0) + applied,
        )


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order at one moment of a calculation. None: no such discount so far, hence no such field on the wire.

    `applied_*` belong to one redeemable, or in the final state to the whole request; the others are cumulative.
    """

    amount: int | None = None
    initial_amount: int | None = None
    discount_amount: int | None = None
    applied_discount_amount: int | None = None
    items_applied_discount_amount: int | None = None
    lines: tuple[Line, ...] = ()
    data: JsonObject = field(default_factory=dict)

    @property
    def items_discount_amount(self) -> int | None:
        """The lines' discounts together; None where no line has one."""
        amounts = [line.discount_amount for line in self.lines if line.discount_amount is not None]
        return sum(amounts) if amounts else None

    @property
    def total_discount_amount(self) -> int | None:
        """All discounts together, not clamped to the amount; None where there is none."""
        return _added(self.discount_amount, self.items_discount_amount)

    @property
    def total_applied_discount_amount(self) -> int | None:
        """What this redeemable, or in the final state this request, took off."""
        return _added(self.applied_discount_amount, self.items_applied_discount_amount)

    @property
    def total_amount(self) -> int:
        """What is left to pay, never below 0."""
        return max(0, (self.amount or 0) - (self.total_discount_amount or 0))

    def fresh(self) -> Self:
        """The same order before the next redeemable: nothing applied yet."""
        if self.applied_discount_amount is None and self.items_applied_discount_amount is None:
            return self
        return replace(
            self,
            applied_discount_amount=None,
            items_applied_discount_amount=None,
            lines=tuple(replace(line, applied_discount_amount=None) for line in self.lines),
        )

    def with_order_discount(self, applied: int) -> Self:
        """The order with `applied` more taken off its total."""
        return replace(
            self,
            discount_amount=(self.discount_amount or 0) + applied,
            applied_discount_amount=(self.applied_discount_amount or 0) + applied,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """The situation of one attempt.

    at: aware. zone: the project's. order: None when no order was sent; changes from one redeemable to the next.
    customer_named: whether anything names a customer, stored or not. segments: of those that the rules name, the public
    ids of the ones the customer is in. credits: gift credits asked for; None is "as much as possible".
    """

    at: datetime
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    order: OrderState | None = None
    customer_named: bool = False
    segments: frozenset[str] = frozenset()
    credits: int | None = None
    metadata: JsonObject = field(default_factory=dict)


CalculationMode = Literal["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"]


def _added(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)
