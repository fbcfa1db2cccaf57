"""Short makers of terms, orders and rules for the engine's tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from vouchers.engine import definitions, discounts
from vouchers.engine.order_state import Line, OrderState
from vouchers.engine.rule_terms import RuleSet
from vouchers.engine.terms import Facts, GiftTerms, Validity, VoucherTerms

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def order(amount: int | None, *lines: tuple[int, int | None], discount: int | None = None) -> OrderState:
    """lines: (quantity, amount)."""
    return OrderState(
        amount=amount, discount_amount=discount, lines=tuple(Line(quantity=q, amount=a) for q, a in lines)
    )


def voucher(discount: dict[str, Any] | None = None, *, validity: Validity | None = None, **fields: Any) -> VoucherTerms:
    stored = {"type": "PERCENT", "percent_off": 10} if discount is None else discount
    terms = VoucherTerms("CODE", "v_1", "DISCOUNT_VOUCHER", discount=discounts.read_discount(stored))
    return replace(terms, validity=validity or Validity(), **fields)


def gift(balance: int, effect: str | None = None, **fields: Any) -> VoucherTerms:
    return VoucherTerms("GIFT", "v_2", "GIFT_VOUCHER", gift=GiftTerms(balance, effect), **fields)


def rule_set(rules: dict[str, Any], error: str | None = None, public_id: str = "val_1") -> RuleSet:
    return definitions.read_rule_set(
        public_id=public_id, rules=rules, error=None if error is None else {"message": error}
    )


def segment(*ids: str, op: str = "$is", **more: Any) -> dict[str, Any]:
    return {"name": "customer.segment", "conditions": {op: list(ids)}, **more}


def amount(op: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"name": "order.amount", "conditions": {op: list(values)}, **more}


def facts(**fields: Any) -> Facts:
    return Facts(**{"at": NOON, "order": order(10000), **fields})
