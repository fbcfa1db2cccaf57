"""The rule names: which operators and values each takes, what it reads, how its violation is called.

A name of the contract that has no row here yet is refused where a rule is created. A new name is a new row.
Source: validation rules, rule names and failure keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from vouchers.engine import operators
from vouchers.engine.rule_terms import RuleNode
from vouchers.engine.terms import Facts, Refusal


@dataclass(frozen=True, slots=True)
class RuleName:
    """One row. value: reads one operand, raising ValueError; found: what the condition is about, for the facts."""

    name: str
    key: str
    message: str
    operators: Mapping[str, Callable[[Any, Any], bool]]
    value: Callable[[Any], Any]
    found: Callable[[Facts], Any]
    missing: Callable[[Facts], Refusal | None]
    many_values: frozenset[str] = frozenset({"$in", "$not_in"})
    shown: Callable[[Any], Any] = lambda found: found


def missing_customer(facts: Facts) -> Refusal | None:
    """The refusal of a rule about the customer where nothing names one."""
    if facts.customer_named:
        return None
    return Refusal("missing_customer", "Missing customer", "Customer is required to validate rules")


def missing_amount(facts: Facts) -> Refusal | None:
    """The refusal of a rule about the order's amount where there is no order, or none with an amount."""
    if facts.order is None:
        return Refusal("missing_order", "Missing order", "Order is required to validate rules")
    if facts.order.amount is None:
        return Refusal("missing_amount", "Missing amount", "Order amount is required to validate rules")
    return None


def _segment_id(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"not a segment id: {value!r}")
    return value


def _remaining(facts: Facts) -> Decimal:
    """The order's value before this voucher, at its turn: it changes from one redeemable to the next."""
    order = facts.order
    return Decimal(0) if order is None else Decimal((order.amount or 0) - (order.total_discount_amount or 0))


_CUSTOMER_SEGMENT: Final = RuleName(
    name="customer.segment",
    key="customer_rules_violated",
    message="customer does not match segment rules",
    operators=operators.MEMBERSHIP,
    value=_segment_id,
    found=lambda facts: facts.segments,
    missing=missing_customer,
    many_values=frozenset(operators.MEMBERSHIP),
    shown=sorted,
)
_ORDER_AMOUNT: Final = RuleName(
    name="order.amount",
    key="order_rules_violated",
    message="order does not match validation rules",
    operators=operators.NUMBER,
    value=operators.to_number,
    found=_remaining,
    missing=missing_amount,
    shown=int,
)

RULE_NAMES: Final[Mapping[str, RuleName]] = {row.name: row for row in (_CUSTOMER_SEGMENT, _ORDER_AMOUNT)}
ALIASES: Final = {"customer_segment": "customer.segment"}


def row_of(name: str) -> RuleName | None:
    """The row of a name or of its older spelling; None for one that is not known."""
    return RULE_NAMES.get(ALIASES.get(name, name))


def holds(node: RuleNode, facts: Facts) -> bool:
    """Whether the node's own conditions hold; what they need and is missing makes them false."""
    row = RULE_NAMES[ALIASES.get(node.name, node.name)]
    if row.missing(facts) is not None:
        return False
    found = row.found(facts)
    return all(row.operators[condition.operator](found, condition.values) for condition in node.conditions)
