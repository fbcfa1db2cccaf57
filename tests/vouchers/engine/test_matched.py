"""`product.metadata.discount_applicable`: the lines whose metadata matched are those that are discounted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vouchers.engine.build import facts, voucher
from tests.vouchers.engine.build_cart import cart, line
from vouchers.engine import definitions, stacking
from vouchers.engine.stacking import Candidate

CART = cart(
    line("mug", 2, 1000, product_metadata={"brand": "A"}),
    line("tee", 1, 2000, product_metadata={"brand": "B"}, sku_id="tee-m", sku_keys=frozenset({"tee-m"})),
    line("cap", 1, 500),
)
"""4,500 in all."""


def brand(*names: str, flag: Any = True, **more: Any) -> dict[str, Any]:
    """Products of these brands, and whether the discount is for them."""
    nested = {"1": {"name": "product.metadata.discount_applicable", "conditions": {"$is": [flag]}}}
    return {"name": "product.metadata", "property": "brand", "conditions": {"$in": list(names)}, "rules": nested}


@pytest.mark.parametrize(
    ("_case", "rules", "applicable_to", "discounted", "listed"),
    [
        ("one brand", {"1": brand("A")}, None, [200, None, None], [("product", "mug")]),
        ("a SKU", {"1": brand("B")}, None, [None, 200, None], [("sku", "tee-m")]),
        ("both", {"1": brand("A", "B")}, None, [200, 200, None], [("product", "mug"), ("sku", "tee-m")]),
        ("two rules", {"1": brand("A"), "2": brand("B")}, None, [200, 200, None],
         [("product", "mug"), ("sku", "tee-m")]),
        ("none in the cart", {"1": brand("C"), "2": {"name": "order.amount", "conditions": {"$more_than": [1]}},
                              "logic": "1 or 2"}, None, [None, None, None], []),
        ("beside a list", {"1": brand("A")}, {"included": [{"object": "product", "id": "cap"}]}, [200, None, 50],
         [("product", "cap"), ("product", "mug")]),
        ("excluded wins", {"1": brand("A", "B")}, {"excluded": [{"object": "product", "id": "mug"}]},
         [None, 200, None], [("product", "mug"), ("sku", "tee-m")]),
    ],
)  # fmt: skip
def test_what_matched_is_discounted(
    _case: str, rules: Any, applicable_to: Any, discounted: list[int | None], listed: list[tuple[str, str]]
) -> None:
    rule_set = definitions.read_rule_set(public_id="val_1", rules=rules, error=None, applicable_to=applicable_to)
    terms = voucher(rule_sets=(rule_set,))

    stack = stacking.evaluate([Candidate("CODE", terms)], facts(order=CART), stacking.read_stacking_rules({}))
    (outcome,) = stack.outcomes
    assert outcome.status == "APPLICABLE"
    assert outcome.effect is not None and stack.order is not None
    assert outcome.effect.effect == "APPLY_TO_ITEMS"
    assert [one.discount_amount for one in stack.order.lines] == discounted
    shown = outcome.effect.products(excluded=False)
    assert [(row["object"], row["id"]) for row in shown] == listed


def test_said_false_it_says_nothing() -> None:
    rule_set = definitions.read_rule_set(public_id="val_1", rules={"1": brand("A", flag=False)}, error=None)
    terms = voucher(rule_sets=(rule_set,))
    stack = stacking.evaluate([Candidate("CODE", terms)], facts(order=CART), stacking.read_stacking_rules({}))
    assert stack.outcomes[0].effect is not None
    assert (stack.outcomes[0].effect.effect, stack.outcomes[0].effect.applied) == ("APPLY_TO_ORDER", 450)
