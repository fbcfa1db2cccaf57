"""Which lines are touched, with what limits, and how the answer names them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.vouchers.engine.build import facts, voucher
from tests.vouchers.engine.build_cart import applies, bundle, cart, collection, line, products
from vouchers.engine import discounts, product_definitions
from vouchers.engine.order_state import OrderState
from vouchers.engine.product_definitions import ProductsError
from vouchers.engine.rule_terms import RuleSet
from vouchers.engine.terms import UnitCount

TEN = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}
SHIRTS = frozenset({"pc_1"})


def shop() -> OrderState:
    return cart(
        line("mug", 2, 1000),
        line("tee", 3, 2000, collections=SHIRTS),
        line("polo", 1, 2000, collections=SHIRTS, sku_id="sku_polo", sku_keys=frozenset({"sku_polo", "polo-l"})),
    )


def taken(rule: RuleSet, discount: dict[str, Any] | None = None, **fields: Any) -> list[int]:
    found = discounts.apply(voucher(discount or TEN, rule_sets=(rule,), **fields), shop(), facts=facts())
    assert found.order is not None
    return [one.discount_amount or 0 for one in found.order.lines]


SKU = {"object": "sku", "id": "sku_polo"}


@pytest.mark.parametrize(
    ("_case", "rule", "expected"),
    [
        ("nothing named", applies(), [0, 0, 0]),
        ("all", applies(everything=True), [200, 600, 200]),
        ("all but one", applies(excluded=products("tee"), everything=True), [200, 0, 200]),
        ("only what is left out is named", applies(excluded=products("tee")), [200, 0, 200]),
        ("the predefined collection", applies(collection("pc_a11pr0dUc75")), [200, 600, 200]),
        ("excluded wins over included", applies(products("mug", "tee"), excluded=products("mug")), [0, 600, 0]),
        ("a product brings its SKUs", applies(products("polo")), [0, 0, 200]),
        ("a SKU by its source id", applies([{"object": "sku", "source_id": "polo-l"}]), [0, 0, 200]),
        ("the SKU's entry wins over the product's over the collection's",
         applies([*collection("pc_1", quantity_limit=1), *products("polo", amount_limit=50),
                  {**SKU, "amount_limit": 7}]),
         [0, 200, 7]),
        ("the cheapest", applies(collection("pc_a11pr0dUc75", effect="APPLY_TO_CHEAPEST")), [200, 0, 0]),
        ("the dearest, ties as requested", applies(collection("pc_a11pr0dUc75", effect="APPLY_TO_MOST_EXPENSIVE")),
         [0, 600, 0]),
        ("from the cheapest, one line left out",
         applies(collection("pc_a11pr0dUc75", effect="APPLY_FROM_CHEAPEST", skip_initially=1)), [0, 600, 200]),
        ("from the dearest, five units together",
         applies(collection("pc_a11pr0dUc75", effect="APPLY_FROM_MOST_EXPENSIVE", aggregated_quantity_limit=5)),
         [100, 600, 200]),
        ("limits of money of the entry", applies(collection("pc_1", amount_limit=150, aggregated_amount_limit=250)),
         [0, 150, 100]),
        ("included all, one with a limit of its own", applies(products("tee", quantity_limit=1), everything=True),
         [200, 200, 200]),
        ("every third unit", applies(collection("pc_a11pr0dUc75", target="UNIT", repeat=3)), [100, 200, 0]),
        ("a limit of no units", applies(products("mug", quantity_limit=0)), [0, 0, 0]),
    ],
)  # fmt: skip
def test_which_lines(_case: str, rule: RuleSet, expected: list[int]) -> None:
    assert taken(rule) == expected


def test_the_first_rule_that_names_lines_counts() -> None:
    two = (applies(products("mug"), public_id="val_1"), applies(everything=True, public_id="val_2"))
    found = discounts.apply(voucher(TEN, rule_sets=(RuleSet("val_0", two[0].tree), *two)), shop())
    assert found.applied == 200


def test_an_order_without_lines_shows_that_nothing_was_applied() -> None:
    found = discounts.apply(voucher(TEN, rule_sets=(applies(everything=True),)), OrderState(amount=1000))
    state = found.order
    assert state is not None
    assert (state.applied_discount_amount, state.total_applied_discount_amount, state.discount_amount) == (0, 0, None)
    assert (state.items_applied_discount_amount, state.total_amount) == (None, 1000)


def test_a_line_with_nothing_left_shows_zero() -> None:
    rule = applies(everything=True)
    free = voucher({"type": "AMOUNT", "amount_off": 5000, "effect": "APPLY_TO_ITEMS"}, rule_sets=(rule,))
    first = discounts.apply(free, cart(line("a", 1, 100)))
    state = discounts.apply(free, first.order).order
    assert state is not None
    assert (state.items_applied_discount_amount, state.lines[0].applied_discount_amount) == (0, 0)
    assert (state.total_applied_discount_amount, state.items_discount_amount) == (0, 100)


def test_limits_across_redemptions_leave_what_was_not_given_yet() -> None:
    rule = applies(products("tee", product_campaign_quantity_limit=5, product_customer_campaign_quantity_limit=2))
    terms = voucher(TEN, rule_sets=(rule,), campaign_id="camp_1")

    def units(**counts: int) -> int | None:
        known = {UnitCount("camp_1", "tee", "customer" if who == "mine" else ""): n for who, n in counts.items()}
        found = discounts.apply(terms, shop(), facts=facts(unit_counts=known))
        assert found.order is not None
        return found.order.lines[1].applied_discount_quantity

    assert [units(), units(all=4), units(all=5), units(mine=1), units(mine=2)] == [2, 1, None, 1, None]


def test_bundled_lines_are_discounted_once_for_each_bundle() -> None:
    rules = (bundle(("mug", 1), ("tee", 1), limit=2), applies(products("mug", "tee")))
    found = discounts.apply(voucher({**TEN, "percent_off": 25}, rule_sets=rules), shop())
    assert found.order is not None
    assert [one.discount_amount for one in found.order.lines] == [1000, 2000, None]
    assert found.bundle is not None and found.bundle.quantity == 2


def test_the_answer_names_entries_then_products_of_the_cart() -> None:
    rule = applies([*collection("pc_1", amount_limit=9)], excluded=products("mug"))
    found = discounts.apply(voucher(TEN, rule_sets=(rule,)), shop())
    assert found.products() == [
        {"object": "products_collection", "id": "pc_1", "strict": False, "effect": "APPLY_TO_EVERY", "repeat": 1,
         "skip_initially": 0, "target": "ITEM", "amount_limit": 9, "order_item_indices": [1, 2]},
        {"object": "product", "id": "tee", "source_id": None, "strict": True, "effect": "APPLY_TO_EVERY",
         "order_item_indices": [1], "repeat": 1, "skip_initially": 0, "target": "ITEM"},
        {"object": "sku", "id": "sku_polo", "source_id": None, "product_id": "polo", "strict": True,
         "effect": "APPLY_TO_EVERY", "order_item_indices": [2], "repeat": 1, "skip_initially": 0, "target": "ITEM"},
    ]  # fmt: skip
    assert [(row["id"], row["order_item_indices"]) for row in found.products(excluded=True)] == [("mug", [0])]


@pytest.mark.parametrize("everything", [True, False])
def test_a_rule_about_every_line_answers_with_the_products_of_the_cart(everything: bool) -> None:
    rule = applies(excluded=products("mug"), everything=everything)
    found = discounts.apply(voucher(TEN, rule_sets=(rule,)), shop())
    assert [(row["object"], row["id"], row["strict"], row["order_item_indices"]) for row in found.products()] == [
        ("product", "tee", True, [1]),
        ("sku", "sku_polo", True, [2]),
    ]


def test_an_entry_goes_by_all_its_names_where_the_cart_knows_them() -> None:
    known = {"product": {"id": "polo", "source_id": "p-7"}, "sku": {"id": "sku_polo", "source_id": "s-7"}}
    polo = replace(
        line("polo", 1, 500, sku_id="sku_polo", sku_keys=frozenset({"sku_polo", "s-7"})),
        data={"product_id": "polo", "sku_id": "sku_polo", **known},
    )
    entries = [*products("polo"), {"object": "sku", "id": "sku_polo"}, *products("absent")]
    found = discounts.apply(voucher(TEN, rule_sets=(applies(entries),)), cart(polo))
    names = ("id", "source_id", "product_id", "product_source_id")
    assert [{name: row[name] for name in names if name in row} for row in found.products()] == [
        {"id": "polo", "source_id": "p-7"},
        {"id": "sku_polo", "source_id": "s-7", "product_id": "polo", "product_source_id": "p-7"},
        {"id": "absent"},
    ]


def test_more_than_a_thousand_units_are_not_listed() -> None:
    rule = applies(products("a", target="UNIT"))
    found = discounts.apply(voucher(TEN, rule_sets=(rule,)), cart(line("a", 1001, 1)))
    assert found.products()[0]["order_item_units"] == [{"index": 0, "units_limit_exceeded": True}]


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"included": {}}, "Property .applicable_to.included should be an array"),
        ({"included": [5]}, "Property .applicable_to.included[0] should be an object"),
        ({"included": [{"object": "product"}]}, "required property 'id'"),
        ({"excluded": [{"object": "shelf", "id": "x"}]}, "Property .applicable_to.excluded[0].object"),
        ({"included": [{"object": "product", "id": "x", "effect": "APPLY"}]}, "[0].effect"),
        ({"included": [{"object": "product", "id": "x", "target": "BOX"}]}, "[0].target"),
        ({"included": [{"object": "product", "id": "x", "repeat": 0}]}, "[0].repeat should be an integer from 1"),
        ({"included": [{"object": "product", "id": "x", "quantity_limit": 1.5}]}, "[0].quantity_limit"),
        ({"included": [{"object": "product", "id": "x", "price": 2**60}]}, "[0].price"),
        ({"included": [{"object": "product", "id": "x", "price_formula": "1+"}]}, "[0].price_formula ends too early"),
        ({"included_all": "yes"}, "included_all should be boolean"),
        ([], "Property .applicable_to should be an object"),
    ],
)
def test_what_cannot_be_meant(sent: Any, problem: str) -> None:
    with pytest.raises(ProductsError) as refused:
        product_definitions.read_applicable_to(sent)
    assert problem in str(refused.value)


def test_stored_entries_have_the_defaults() -> None:
    assert product_definitions.completed({"included": [{"object": "product", "id": "p", "effect": None}]}) == {
        "included": [{"strict": False, "effect": "APPLY_TO_EVERY", "repeat": 1, "skip_initially": 0, "target": "ITEM",
                      "object": "product", "id": "p"}],
        "included_all": False,
    }  # fmt: skip
    assert product_definitions.completed(None) is None


PART = {"name": "order.items.any", "conditions": {"$is": [{"id": "bread", "object": "product"}]}}


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ([1], "should be an object"),
        ({"limit": 0, "1": PART}, "limit should be an integer from 1 to 100"),
        ({"limit": 2}, "at least one rule"),
        ({"x": PART}, "unexpected key 'x'"),
        ({"1": {**PART, "name": "order.items.none"}}, "name should be 'order.items.any'"),
        ({"1": {**PART, "conditions": {"$in": [1]}}}, "should have '$is' and nothing else"),
        ({"1": {**PART, "conditions": {"$is": [1, 2]}}}, "exactly one value"),
        ({"1": {**PART, "rules": {"1": {"name": "order.items.price", "conditions": {"$is": [1]}}}}},
         "'order.items.aggregated_quantity'"),
        ({"1": {**PART, "rules": {"1": {"name": "order.items.aggregated_quantity", "conditions": {"$is": [0]}}}}},
         "from 1"),
    ],
)  # fmt: skip
def test_bundles_that_cannot_be_meant(sent: Any, problem: str) -> None:
    with pytest.raises(ProductsError) as refused:
        product_definitions.read_bundle(sent)
    assert problem in str(refused.value)


def test_a_unit_is_used_for_one_part_only_skus_first() -> None:
    sent = {
        "1": {"name": "order.items.any", "conditions": {"$is": [{"id": "pc_1", "object": "products_collection"}]}},
        "2": {"name": "order.items.any", "conditions": {"$is": [{"id": "sku_polo", "object": "sku"}]}},
    }
    read = product_definitions.read_bundle(sent)
    rule = RuleSet("val_1", applies().tree, bundle=read)
    found = discounts.apply(voucher({"type": "AMOUNT", "amount_off": 1}, rule_sets=(rule,)), shop())
    assert found.bundle is not None
    assert [(one["id"], one["item_index"]) for one in found.bundle.identified] == [("sku_polo", 2), ("pc_1", 1)]
