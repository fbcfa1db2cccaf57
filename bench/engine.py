"""The engine alone: an order of 500 lines and 30 redeemables, all of them applied."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

from bench.table import Line as Row
from vouchers.engine import definitions, discounts, stacking
from vouchers.engine.order_state import Item, Line, OrderState
from vouchers.engine.rule_terms import RuleSet
from vouchers.engine.stacking import Candidate
from vouchers.engine.terms import Facts, VoucherTerms

LINES: Final = 500
REDEEMABLES: Final = 30
MUST: Final = 15
"""Milliseconds."""


def measure(rounds: int) -> list[Row]:
    """Evaluate `rounds` times; the best and the median count, nothing is asserted."""
    candidates = [Candidate(f"C{index}", _terms(index)) for index in range(REDEEMABLES)]
    rules = stacking.read_stacking_rules({"applicable_redeemables_limit": REDEEMABLES})
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    took = []
    for _ in range(rounds):
        order = OrderState(amount=sum(_amount(index) for index in range(LINES)), lines=[_line(i) for i in range(LINES)])
        started = time.process_time()
        stack = stacking.evaluate(candidates, Facts(at=at, order=order), rules)
        took.append((time.process_time() - started) * 1000)
        if len(stack.of("APPLICABLE")) != REDEEMABLES:
            raise RuntimeError("not all redeemables were applied")
    took.sort()
    what = f"evaluate {LINES} lines × {REDEEMABLES} redeemables, CPU"
    return [Row("engine", what, f"{took[len(took) // 2]:.1f} ms (best {took[0]:.1f})", "–", "–", f"≤ {MUST} ms")]


def _amount(index: int) -> int:
    return (100 + index * 7 % 900) * (1 + index % 5)


def _line(index: int) -> Line:
    product = f"p{index % 250}"
    inside = frozenset({"pc_1"}) if index % 2 else frozenset[str]()
    item = Item(product_id=product, product_keys=frozenset({product}), collections=inside)
    return Line(1 + index % 5, 100 + index * 7 % 900, _amount(index), item=item)


def _terms(index: int) -> VoucherTerms:
    """Six kinds in turn: of the order, of all lines, of a collection with limits, of twenty products."""
    everything: dict[str, Any] = {"included_all": True}
    limited = {"object": "products_collection", "id": "pc_1", "quantity_limit": 1, "aggregated_quantity_limit": 60}
    twenty = [{"object": "product", "id": f"p{number}"} for number in range(20)]
    kinds: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
        ({"type": "PERCENT", "percent_off": 3, "effect": "APPLY_TO_ITEMS"}, everything),
        ({"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ORDER"}, None),
        ({"type": "PERCENT", "percent_off": 2, "effect": "APPLY_TO_ITEMS"}, {"included": [limited]}),
        ({"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ITEMS_PROPORTIONALLY"}, everything),
        ({"type": "PERCENT", "percent_off": 1, "effect": "APPLY_TO_ORDER"}, None),
        ({"type": "FIXED", "fixed_amount": 90, "effect": "APPLY_TO_ITEMS"}, {"included": twenty}),
    ]
    discount, applicable_to = kinds[index % len(kinds)]
    return VoucherTerms(
        code=f"C{index}",
        public_id=f"v_{index}",
        type="DISCOUNT_VOUCHER",
        discount=discounts.read_discount(discount),
        rule_sets=(_rules(applicable_to),),
    )


def _rules(applicable_to: dict[str, Any] | None) -> RuleSet:
    over = {"1": {"name": "order.amount", "conditions": {"$more_than": [1]}}}
    return definitions.read_rule_set(public_id="val_1", rules=over, error=None, applicable_to=applicable_to)
