"""What a rule is asked about: a redeemable in a situation, and for nested rules the lines that their parent found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

from vouchers.engine.order_state import OrderState
from vouchers.engine.rule_terms import ProductRef
from vouchers.engine.terms import Count, Facts, Refusal, VoucherTerms

Period = Literal["", "daily", "weekly", "monthly"]
By = Literal["", "customer", "api_key", "user"]
What = Literal["redemptions", "orders_amount", "discount_amount", "gift_amount"]


@dataclass(frozen=True, slots=True)
class Asked:
    """lines: indices of the lines that a nested rule is about; None at the top: all. each: whether all of them must.

    prop: the rule's `property`.
    """

    terms: VoucherTerms
    facts: Facts
    prop: str | None = None
    lines: Sequence[int] | None = None
    each: bool = False

    def about(self, prop: str | None) -> Asked:
        """The same question with another property."""
        return self if prop == self.prop else replace(self, prop=prop)

    def inside(self, lines: Sequence[int] | None, *, each: bool) -> Asked:
        """The question of rules nested in one that found these lines."""
        return self if lines is None else replace(self, lines=lines, each=each)

    @property
    def order(self) -> OrderState:
        """The order; asked for only after `missing` let it pass."""
        return self.facts.order or _NO_ORDER

    @property
    def indices(self) -> Sequence[int]:
        """The lines that count here."""
        return self.order.basket.everything if self.lines is None else self.lines

    def metadata(self, of: Mapping[str, Any]) -> Any:
        """The value of the rule's property; None where there is none."""
        return of.get(self.prop) if self.prop is not None else None


_NO_ORDER: Final = OrderState()


def nothing_missing(asked: Asked) -> Refusal | None:
    """Of a rule that needs nobody and nothing."""
    return None


def missing_customer(asked: Asked) -> Refusal | None:
    """The refusal of a rule about the customer where nothing names one."""
    if asked.facts.customer_named:
        return None
    return Refusal("missing_customer", "Missing customer", "Customer is required to validate rules")


def missing_order(asked: Asked) -> Refusal | None:
    """The refusal of a rule about the order where there is none."""
    if asked.facts.order is not None:
        return None
    return Refusal("missing_order", "Missing order", "Order is required to validate rules")


def missing_amount(asked: Asked) -> Refusal | None:
    """The refusal of a rule about the order's amount where there is no order, or none with an amount."""
    if asked.facts.order is not None and asked.facts.order.amount is None:
        return Refusal("missing_amount", "Missing amount", "Order amount is required to validate rules")
    return missing_order(asked)


def missing_items(asked: Asked) -> Refusal | None:
    """The refusal of a rule about lines where there are none."""
    if asked.facts.order is not None and not asked.facts.order.basket.lines:
        return Refusal("missing_order_items", "Missing order items", "Order items are required to validate rules")
    return missing_order(asked)


def remaining(asked: Asked) -> Decimal:
    """The order's value before this redeemable, at its turn: it changes from one to the next."""
    order = asked.order
    return Decimal((order.amount or 0) - (order.total_discount_amount or 0))


def total_after(asked: Asked) -> Decimal | None:
    """The order's value after this redeemable; not known before it was calculated."""
    after = asked.facts.after
    return None if after is None else Decimal(after.total_amount)


def initial_amount(asked: Asked) -> Decimal:
    """The cart as it came in, the same for all redeemables."""
    order = asked.order
    return Decimal((order.amount or 0) if order.initial_amount is None else order.initial_amount)


def units_in_cart(asked: Asked) -> Decimal:
    """All units of all lines."""
    return Decimal(sum(asked.order.basket.quantities))


def prices(asked: Asked) -> list[Any]:
    """What one unit of each line costs."""
    known = asked.order.basket.prices
    return [_decimal(known[index]) for index in asked.indices]


def quantities(asked: Asked) -> list[Any]:
    """The units of each line."""
    return [Decimal(asked.order.basket.quantities[index]) for index in asked.indices]


def line_metadata(asked: Asked) -> list[Any]:
    """The property of each line's own metadata."""
    return [asked.metadata(asked.order.basket.lines[index].item.metadata) for index in asked.indices]


def product_metadata(asked: Asked) -> list[Any]:
    """The property of the metadata of each line's product."""
    return [asked.metadata(asked.order.basket.lines[index].item.product_metadata) for index in asked.indices]


def sum_of_subtotals(asked: Asked) -> Decimal:
    """What the lines cost after earlier discounts."""
    subtotals = asked.order.subtotals
    return Decimal(sum(subtotals[index] or 0 for index in asked.indices))


def sum_of_quantities(asked: Asked) -> Decimal:
    """The units of the lines."""
    return Decimal(sum(asked.order.basket.quantities[index] for index in asked.indices))


def lines_of(asked: Asked, refs: Sequence[ProductRef]) -> list[int]:
    """The lines, of those that count, that one of the products, SKUs or collections names."""
    basket = asked.order.basket
    named = {index for ref in refs for index in basket.named(ref.object, ref.id, ref.source_id)}
    return [index for index in asked.indices if index in named]


def counted(asked: Asked, what: What, *, campaign: bool = False, by: By = "", period: Period = "") -> int:
    """What was redeemed so far. campaign: by all of the campaign, for what has none by itself."""
    subject = asked.terms.campaign_id if campaign and asked.terms.campaign_id else asked.terms.public_id
    return asked.facts.counts.get(Count(subject, what, by, period), 0)


def _decimal(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)
