"""The contract's worked examples W7 to W42 on the pure engine; W1 to W6 and W35 are in `test_discounts`.

W33 and W34 belong to the optional REPLACE_ITEMS, which is not built.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.vouchers.engine.build import amount as amount_rule
from tests.vouchers.engine.build import facts, gift, order, rule_set, voucher
from tests.vouchers.engine.build_cart import applies, article, bundle, cart, collection, line, products
from vouchers.engine import discounts
from vouchers.engine.order_state import OrderState
from vouchers.engine.stacking import Candidate, Stack, evaluate, read_stacking_rules
from vouchers.engine.terms import VoucherTerms


def c() -> OrderState:
    """Cart C: 17500."""
    return cart(line("mug", 2, 1000), line("poster", 3, 1500), line("tee", 3, 2000), line("bottle", 2, 2500))


THREE = applies(products("mug", "poster", "tee"))


def on_three(discount: dict[str, Any], **limits: Any) -> VoucherTerms:
    if limits:
        rule = applies([*collection("shirts_and_co", **limits)])
        return voucher(discount, rule_sets=(rule,))
    return voucher(discount, rule_sets=(THREE,))


def in_one_collection(*names: str) -> OrderState:
    """Cart C with its lines of these names in one collection."""
    state = c()
    lines = [
        line(one.item.product_id or "", one.quantity, one.price, collections=frozenset({"shirts_and_co"}))
        if one.item.product_id in names
        else one
        for one in state.lines
    ]
    return cart(*lines)


AMOUNT = {"type": "AMOUNT", "amount_off": 1000}
PERCENT = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}
APPLICABLE = ("mug", "poster", "tee")


@pytest.mark.parametrize(
    ("_case", "terms", "taken", "total"),
    [
        ("W7", on_three(AMOUNT | {"effect": "APPLY_TO_ITEMS"}), [1000, 1000, 1000], 14500),
        ("W8", on_three(AMOUNT | {"effect": "APPLY_TO_ITEMS_BY_QUANTITY"}), [2000, 3000, 3000], 9500),
        ("W9", on_three(AMOUNT | {"effect": "APPLY_TO_ITEMS_PROPORTIONALLY"}), [160, 360, 480], 16500),
        ("W10", on_three(AMOUNT | {"effect": "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"}), [250, 375, 375], 16500),
        ("W11", on_three(PERCENT), [200, 450, 600], 16250),
        ("W12", on_three(PERCENT | {"amount_limit": 400, "aggregated_amount_limit": 900}), [200, 400, 300], 16600),
        ("W13", on_three(PERCENT | {"percent_off": 50}, quantity_limit=2, aggregated_quantity_limit=5),
         [1000, 1500, 1000], 14000),
        ("W14", on_three({"type": "FIXED", "fixed_amount": 1000, "effect": "APPLY_TO_ITEMS"}), [0, 1500, 3000], 13000),
        ("W15", on_three({"type": "AMOUNT", "amount_off": 300, "effect": "APPLY_TO_ITEMS_BY_QUANTITY"},
                         quantity_limit=2, aggregated_quantity_limit=3), [600, 300, 0], 16600),
        ("the default effect where lines are named", on_three({"type": "PERCENT", "percent_off": 10}),
         [200, 450, 600], 16250),
    ],
)  # fmt: skip
def test_cart_c(_case: str, terms: VoucherTerms, taken: list[int], total: int) -> None:
    after = discounts.apply(terms, in_one_collection(*APPLICABLE)).order
    assert after is not None
    assert ([one.discount_amount or 0 for one in after.lines], after.total_amount) == ([*taken, 0], total)
    assert [one.applied_discount_amount or 0 for one in after.lines] == [*taken, 0]
    assert after.items_discount_amount == after.items_applied_discount_amount == sum(taken)
    assert (after.discount_amount, after.applied_discount_amount) == (None, None)
    assert [one.subtotal_amount for one in after.lines] == [
        (one.amount or 0) - off for one, off in zip(after.lines, [*taken, 0], strict=True)
    ]


def test_w13_and_w15_count_units() -> None:
    after = discounts.apply(
        on_three(PERCENT | {"percent_off": 50}, quantity_limit=2, aggregated_quantity_limit=5),
        in_one_collection(*APPLICABLE),
    ).order
    assert after is not None
    assert [one.applied_discount_quantity for one in after.lines] == [2, 2, 1, None]


@pytest.mark.parametrize(
    ("_case", "state", "discount", "taken", "total"),
    [
        ("W16 total is counted from the sent amount", cart(line("a", 1, 3300), line("b", 2, None, 3400), amount=6000),
         {"type": "AMOUNT", "amount_off": 300, "effect": "APPLY_TO_ITEMS_PROPORTIONALLY"}, [148, 152], 5700),
        ("W17", cart(*(line(name, 1, 1000) for name in "abc")),
         AMOUNT | {"effect": "APPLY_TO_ITEMS_PROPORTIONALLY"}, [334, 333, 333], 2000),
        ("W18", cart(line("a", 1, 2000), line("b", 1, 700)), AMOUNT | {"effect": "APPLY_TO_ITEMS"}, [1000, 700], 1000),
        ("W41", cart(line("a", 3, 333)), PERCENT | {"percent_off": 50}, [500], 499),
        ("W42 per line", cart(line("a", 1, 105), line("b", 1, 105)), PERCENT, [11, 11], 188),
        ("W42 on the order", cart(line("a", 1, 105), line("b", 1, 105)), PERCENT | {"effect": "APPLY_TO_ORDER"},
         [0, 0], 189),
        ("the line says more than the order", cart(line("a", 1, 50070), amount=15100), PERCENT | {"percent_off": 50},
         [25035], 0),
    ],
)  # fmt: skip
def test_all_lines(_case: str, state: OrderState, discount: dict[str, Any], taken: list[int], total: int) -> None:
    after = discounts.apply(voucher(discount, rule_sets=(applies(everything=True),)), state).order
    assert after is not None
    assert ([one.discount_amount or 0 for one in after.lines], after.total_amount) == (taken, total)


SHOP = {name: article(name, price) for name, price in (("x", 800), ("y", 3100), ("prod_5h1pp1ng", None))}


def unit(effect: str, count: int, of: str) -> dict[str, Any]:
    return {"type": "UNIT", "effect": effect, "unit_off": count, "unit_type": of}


def shown(state: OrderState | None) -> list[tuple[Any, ...]]:
    """quantity, initial_quantity, discount_quantity, amount, initial_amount, discount_amount, subtotal_amount."""
    assert state is not None
    return [
        (one.quantity, one.initial_quantity, one.discount_quantity, one.amount, one.initial_amount,
         one.discount_amount, one.subtotal_amount)
        for one in state.lines
    ]  # fmt: skip


def amounts(state: OrderState | None) -> tuple[Any, ...]:
    assert state is not None
    return state.amount, state.initial_amount, state.items_discount_amount, state.total_amount


MANY = {
    "type": "UNIT",
    "effect": "ADD_MANY_ITEMS",
    "units": [
        {"unit_type": "x", "unit_off": 1, "effect": "ADD_MISSING_ITEMS"},
        {"unit_type": "y", "unit_off": 1, "effect": "ADD_NEW_ITEMS"},
    ],
}


@pytest.mark.parametrize(
    ("_case", "discount", "state", "lines", "order_amounts"),
    [
        ("W19", MANY, cart(line("x", 1, 2900), line("y", 1, 3100)),
         [(1, 1, 1, 2900, 2900, 2900, 0), (2, 1, 1, 6200, 3100, 3100, 3100)], (9100, 6000, 6000, 3100)),
        ("W20", unit("ADD_MISSING_ITEMS", 3, "x"), cart(line("x", 1, 2000)),
         [(3, 1, 3, 6000, 2000, 6000, 0)], (6000, 2000, 6000, 0)),
        ("W21", unit("ADD_MISSING_ITEMS", 3, "x"), cart(line("x", 5, 2000)),
         [(5, 5, 3, 10000, 10000, 6000, 4000)], (10000, 10000, 6000, 4000)),
        ("W22", unit("ADD_NEW_ITEMS", 2, "x"), cart(line("z", 1, 1200)),
         [(1, None, None, 1200, None, None, 1200), (2, 0, 2, 1600, 0, 1600, 0)], (2800, 1200, 1600, 1200)),
        ("W23", unit("ADD_MISSING_ITEMS", 1, "prod_5h1pp1ng"), cart(line("z", 1, 1200)),
         [(1, None, None, 1200, None, None, 1200), (1, 0, 1, None, None, None, None)], (1200, None, None, 1200)),
        ("the default effect tops up", {"type": "UNIT", "unit_off": 3, "unit_type": "x"}, cart(line("x", 5, 2000)),
         [(5, 5, 3, 10000, 10000, 6000, 4000)], (10000, 10000, 6000, 4000)),
        ("several lines of it: discounted in order until all are free", unit("ADD_MISSING_ITEMS", 3, "x"),
         cart(line("x", 2, 100), line("x", 2, 200)),
         [(2, 2, 2, 200, 200, 200, 0), (2, 2, 1, 400, 400, 200, 200)], (600, 600, 400, 200)),
        ("the same products again", unit("ADD_SAME_ITEMS", 1, "x"), cart(line("x", 2, 100), line("y", 1, 50)),
         [(3, 2, 1, 300, 200, 100, 200), (1, None, None, 50, None, None, 50)], (350, 250, 100, 250)),
    ],
)  # fmt: skip
def test_free_units(
    _case: str, discount: dict[str, Any], state: OrderState, lines: list[Any], order_amounts: tuple[Any, ...]
) -> None:
    after = discounts.apply(voucher(discount), state, facts=facts(catalogue=SHOP)).order
    assert (shown(after), amounts(after)) == (lines, order_amounts)


def test_w23_an_order_without_amounts_of_the_new_line_has_no_discount_fields() -> None:
    after = discounts.apply(voucher(unit("ADD_MISSING_ITEMS", 1, "prod_5h1pp1ng")), cart(line("z", 1, 1200)),
                            facts=facts(catalogue={})).order  # fmt: skip
    assert after is not None
    assert (after.total_discount_amount, after.lines[1].data) == (None, {"product_id": "prod_5h1pp1ng"})


def test_a_unit_is_never_discounted_below_what_is_left_of_its_line() -> None:
    line_off = voucher(PERCENT | {"percent_off": 30}, rule_sets=(applies(everything=True),))
    first = discounts.apply(line_off, cart(line("x", 1, 26500)))
    second = discounts.apply(voucher(unit("ADD_MISSING_ITEMS", 1, "x")), first.order)
    assert second.order is not None
    after = second.order.lines[0]
    assert (second.applied, after.discount_amount, after.subtotal_amount) == (18550, 26500, 0)


def stacked(state: OrderState, *terms: VoucherTerms, credits: int | None = None, **rules: Any) -> Stack:
    candidates = [
        Candidate(f"C{index}", one, credits if one.gift is not None else None) for index, one in enumerate(terms)
    ]
    return evaluate(candidates, facts(order=state, catalogue=SHOP), read_stacking_rules(rules))


def applied(stack: Stack) -> list[int]:
    return [outcome.effect.applied for outcome in stack.outcomes if outcome.effect is not None]


def totals(stack: Stack) -> list[int]:
    return [o.effect.order.total_amount for o in stack.outcomes if o.effect is not None and o.effect.order is not None]


ALL_LINES = applies(everything=True)


def off(kind: str, value: int, effect: str = "APPLY_TO_ORDER", **fields: Any) -> VoucherTerms:
    name = {"AMOUNT": "amount_off", "PERCENT": "percent_off", "FIXED": "fixed_amount"}[kind]
    return voucher({"type": kind, name: value, "effect": effect}, **fields)


def test_w24() -> None:
    found = stacked(order(200000), gift(500), off("PERCENT", 20), off("AMOUNT", 8000), credits=100)
    assert (applied(found), totals(found)) == ([100, 39980, 8000], [199900, 159920, 151920])
    assert found.order is not None and found.order.discount_amount == 48080


def test_w25() -> None:
    found = stacked(
        cart(line("a", 1, 2000), line("b", 1, 700)),
        off("AMOUNT", 1000, "APPLY_TO_ITEMS", rule_sets=(ALL_LINES,)),
        gift(5000),
        off("PERCENT", 40),
        off("AMOUNT", 30),
        credits=100,
    )
    assert totals(found) == [1000, 900, 540, 510]
    final = found.order
    assert final is not None
    assert (final.discount_amount, final.items_discount_amount, final.total_discount_amount) == (490, 1700, 2190)
    assert (final.applied_discount_amount, final.items_applied_discount_amount) == (490, 1700)


@pytest.mark.parametrize(
    ("mode", "each", "total"), [("DISCOUNTED_AMOUNT", [1000, 1800], 7200), ("INITIAL_AMOUNT", [1000, 2000], 7000)]
)
def test_w26_and_w36_modes(mode: str, each: list[int], total: int) -> None:
    on_order = stacked(order(10000), off("PERCENT", 10), off("PERCENT", 20), discount_calculation_mode=mode)
    assert (applied(on_order), totals(on_order)[-1]) == (each, total)
    items = [off("PERCENT", n, "APPLY_TO_ITEMS", rule_sets=(ALL_LINES,)) for n in (10, 20)]
    on_items = stacked(cart(line("a", 1, 10000)), *items, discount_calculation_mode=mode)
    assert (applied(on_items), totals(on_items)[-1]) == (each, total)


def test_w36_once_leaves_a_discounted_line_alone() -> None:
    items = [off("PERCENT", n, "APPLY_TO_ITEMS", rule_sets=(ALL_LINES,)) for n in (10, 20)]
    found = stacked(cart(line("a", 1, 10000)), *items, redeemables_products_application_mode="ONCE")
    assert (applied(found), totals(found)[-1]) == ([1000, 0], 9000)


def test_w27_and_w28() -> None:
    stored = stacked(order(10000, discount=9200), off("AMOUNT", 1000))
    assert (applied(stored), totals(stored)) == ([800], [0])
    card = stacked(order(4200), gift(5000))
    assert (applied(card), totals(card)) == ([4200], [0])


def test_w29() -> None:
    found = stacked(
        cart(line("a", 2, 4999), line("b", 1, 2501)),
        off("PERCENT", 15, "APPLY_TO_ITEMS", rule_sets=(applies(products("a")),)),
        off("PERCENT", 10),
        gift(6000),
    )
    assert (applied(found), totals(found)) == ([1500, 1100, 6000], [10999, 9899, 3899])
    assert found.order is not None
    assert (found.order.items_discount_amount, found.order.discount_amount) == (1500, 7100)


def test_w30_the_order_of_redeemables_decides_what_a_rule_sees() -> None:
    ten = off("PERCENT", 10)
    over = off("PERCENT", 20, rule_sets=(rule_set({"1": amount_rule("$more_than", 10000)}),))
    first = stacked(order(10500), ten, over, redeemables_application_mode="PARTIAL")
    assert [outcome.status for outcome in first.outcomes] == ["APPLICABLE", "INAPPLICABLE"]
    assert first.outcomes[1].refusals[0].key == "order_rules_violated"
    second = stacked(order(10500), over, ten, redeemables_application_mode="PARTIAL")
    assert totals(second) == [8400, 7560]


def many() -> OrderState:
    chosen = {"collections": frozenset({"pc_1"})}
    return cart(
        line("tee", 3, 2000, **chosen),
        line("poster", 5, 1500, **chosen),
        line("mug", 2, 1000, **chosen),
        line("socks", 4, 500, **chosen),
        line("bottle", 2, 2500),
    )


SECOND = {"effect": "APPLY_FROM_MOST_EXPENSIVE", "skip_initially": 1, "repeat": 2}


@pytest.mark.parametrize(
    ("_case", "effect", "target", "taken", "total"),
    [
        ("W31", "APPLY_TO_ITEMS", "ITEM", [0, 500, 0, 500, 0], 21500),
        ("W32", "APPLY_TO_ITEMS_BY_QUANTITY", "UNIT", [500, 1500, 500, 1000, 0], 19000),
    ],
)
def test_every_second(_case: str, effect: str, target: str, taken: list[int], total: int) -> None:
    rule = applies(collection("pc_1", target=target, **SECOND))
    found = discounts.apply(off("AMOUNT", 500, effect, rule_sets=(rule,)), many())
    assert found.order is not None
    assert ([one.discount_amount or 0 for one in found.order.lines], found.order.total_amount) == (taken, total)


def test_w32_says_which_units() -> None:
    rule = applies(collection("pc_1", target="UNIT", **SECOND))
    found = discounts.apply(off("AMOUNT", 500, "APPLY_TO_ITEMS_BY_QUANTITY", rule_sets=(rule,)), many())
    entry = found.products()[0]
    assert (entry["strict"], entry["order_item_indices"]) == (False, [0, 1, 2, 3])
    assert entry["order_item_units"] == [
        {"index": 0, "units": [2]},
        {"index": 1, "units": [1, 3, 5]},
        {"index": 2, "units": [2]},
        {"index": 3, "units": [2, 4]},
    ]


def test_w37_gift_card_for_some_lines() -> None:
    card = gift(5000, effect="APPLY_TO_ITEMS", rule_sets=(applies(products("a")),))
    found = stacked(cart(line("a", 1, 3000), line("b", 1, 2000)), card)
    effect = found.outcomes[0].effect
    assert effect is not None and effect.order is not None
    assert (effect.credits, effect.order.items_discount_amount, effect.order.total_amount) == (3000, 3000, 2000)
    assert [one.subtotal_amount for one in effect.order.lines] == [0, 2000]


def test_w38() -> None:
    found = stacked(cart(line("x", 2, 1000)), off("PERCENT", 10), voucher(unit("ADD_NEW_ITEMS", 1, "half")))
    assert found.order is not None and found.order.amount == 2000
    shop = facts(order=cart(line("x", 2, 1000)), catalogue={"half": article("half", 500)})
    candidates = [Candidate("A", off("PERCENT", 10)), Candidate("B", voucher(unit("ADD_NEW_ITEMS", 1, "half")))]
    final = evaluate(candidates, shop, read_stacking_rules({})).order
    assert final is not None
    assert (final.amount, final.initial_amount, final.discount_amount) == (2500, 2000, 200)
    assert (final.items_discount_amount, final.total_discount_amount, final.total_amount) == (500, 700, 1800)


def test_w39_a_bundle_found_twice_doubles_the_amount() -> None:
    state = cart(line("bread", 4, 1500), line("jam", 2, 1500))
    terms = off("AMOUNT", 500, rule_sets=(bundle(("bread", 2), ("jam", 1), limit=5),))
    found = discounts.apply(terms, state)
    assert (found.applied, found.order and found.order.total_amount) == (1000, 8000)
    assert found.bundle is not None
    assert found.bundle.to_wire() == {
        "quantity": 2,
        "limit": 5,
        "identified": [
            {"id": "bread", "object": "product", "item_index": 0, "item_quantity": 4},
            {"id": "jam", "object": "product", "item_index": 1, "item_quantity": 2},
        ],
        "missing": [],
    }


@pytest.mark.parametrize(
    ("_case", "amount", "formula", "off_by", "percent"),
    [
        ("W40", 26000, "IF(ORDER_AMOUNT > 250;20;10)", 5200, 20),
        ("W40", 25000, "IF(ORDER_AMOUNT > 250;20;10)", 2500, 10),
        ("W40 falls back", 25000, 'IF(ORDER_METADATA("vip") > 250;20;10)', 1250, 5),
    ],
)
def test_w40_formula(_case: str, amount: int, formula: str, off_by: int, percent: int) -> None:
    discount = {"type": "PERCENT", "percent_off": 5, "percent_off_formula": formula, "effect": "APPLY_TO_ORDER"}
    found = discounts.apply(voucher(discount), order(amount), facts=facts())
    assert (found.applied, found.order and found.order.total_amount) == (off_by, amount - off_by)
    assert (found.discount["percent_off"], found.discount["is_dynamic"]) == (percent, True)
