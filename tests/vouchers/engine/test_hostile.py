"""Definitions of any JSON: each reader refuses with its own error or reads something that can be evaluated."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers.engine.build import facts, voucher
from tests.vouchers.engine.build_cart import cart, line
from vouchers.engine import definitions, discounts, needs, offers, product_definitions, rule_names, rules
from vouchers.engine.definitions import DefinitionError
from vouchers.engine.offers import OfferError
from vouchers.engine.product_definitions import ProductsError
from vouchers.engine.rule_terms import RuleSet

words = st.sampled_from(
    ["", "x", "prod_1", "pc_1", "2026-03-01", "2026-03-10T12:00:00Z", "1;2;3", "09:00;10:00;1", "\0", "9" * 50, "true"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
refs = st.fixed_dictionaries(
    {"object": st.sampled_from(["product", "sku", "products_collection", "shelf"]), "id": words | anything}
)
names = st.sampled_from(sorted(rule_names.RULE_NAMES)) | words
operators = st.sampled_from([*{o for row in rule_names.RULE_NAMES.values() for o in row.operators}, "$what"])
conditions = st.dictionaries(operators, st.lists(refs | scalars, max_size=2) | anything, max_size=2)
node = st.fixed_dictionaries(
    {"name": names, "conditions": conditions},
    optional={"property": words, "error": anything, "rules": anything},
)
trees = st.dictionaries(st.sampled_from(["1", "2", "logic", "x"]), node | st.sampled_from(["1 or 2", "(1"]), max_size=3)
entries = st.fixed_dictionaries(
    {"object": st.sampled_from(["product", "sku", "products_collection"]), "id": words},
    optional=dict.fromkeys(
        ("effect", "target", "repeat", "skip_initially", "quantity_limit", "amount_limit", "price"), scalars
    )
    | dict.fromkeys(("price_formula", "quantity_limit_formula", "product_campaign_quantity_limit_formula"), anything),
)


@settings(max_examples=150, deadline=None)
@given(trees | anything, anything)
def test_rules(tree: Any, metadata: Any) -> None:
    with suppress(DefinitionError):
        read = definitions.read_tree(tree)
        terms = voucher(rule_sets=(RuleSet("val_1", read),))
        order = cart(line("prod_1", 2, 100), data={"metadata": {"x": metadata}})
        needs.of([terms])
        rules.refusals(terms, facts(order=order, customer_named=True, metadata={"x": metadata}))


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({}, optional={"included": st.lists(entries | anything, max_size=3) | anything,
                                           "excluded": st.lists(entries, max_size=2), "included_all": scalars})
       | anything)  # fmt: skip
def test_applicable_to(sent: Any) -> None:
    with suppress(ProductsError):
        read = product_definitions.read_applicable_to(sent)
        rule_set = RuleSet("val_1", definitions.read_tree({}), applicable_to=read)
        found = discounts.apply(voucher(rule_sets=(rule_set,)), cart(line("prod_1", 2, 100)))
        assert found.products() is not None


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["limit", "logic", "1", "2"]), node | scalars, max_size=3) | anything)
def test_bundles(sent: Any) -> None:
    with suppress(ProductsError):
        product_definitions.read_bundle(sent)


discount_fields = ("amount_off", "percent_off", "fixed_amount", "unit_off", "unit_type", "units", "amount_limit")


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries(
    {"type": st.sampled_from(["AMOUNT", "PERCENT", "FIXED", "UNIT"])},
    optional={
        "effect": st.sampled_from([effect for _, effect in sorted(discounts.NAMED_BY_THE_CONTRACT)]) | anything,
        **dict.fromkeys(discount_fields, anything),
        **dict.fromkeys((f"{name}_formula" for name in discount_fields[:4]), anything),
    },
))  # fmt: skip
def test_discounts(sent: dict[str, Any]) -> None:
    with suppress(OfferError):
        stored = offers.check_discount(sent)
        found = discounts.apply(voucher(stored), cart(line("prod_1", 2, 100)), facts=facts())
        assert found.order is not None and found.order.total_amount >= 0
