"""What holds for any cart and any redeemables: sums are exact, nothing is negative, the same input gives the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers.engine.build import facts, gift, voucher
from tests.vouchers.engine.build_cart import applies, article, bundle, cart, collection, line, products
from vouchers.engine import stacking
from vouchers.engine.order_state import OrderState
from vouchers.engine.rule_terms import RuleSet
from vouchers.engine.stacking import Candidate, Stack, read_stacking_rules
from vouchers.engine.terms import CategoryTerms, VoucherTerms

NAMES = ("a", "b", "c", "d")
small = st.integers(0, 5000)
limits = st.none() | st.integers(0, 3000)
lines = st.builds(
    lambda name, quantity, price, amount, inside: line(
        name, quantity, price, amount, collections=frozenset({"pc_1"}) if inside else frozenset()
    ),
    st.sampled_from(NAMES),
    st.integers(1, 9),
    st.none() | small,
    st.none() | small,
    st.booleans(),
)
carts = st.builds(
    lambda found, amount: cart(*found, amount=amount), st.lists(lines, max_size=6), st.none() | st.integers(0, 60000)
)


@st.composite
def rules(draw: st.DrawFn) -> Any:
    fields: dict[str, Any] = {
        "effect": draw(
            st.sampled_from(["APPLY_TO_EVERY", "APPLY_TO_CHEAPEST", "APPLY_FROM_CHEAPEST", "APPLY_FROM_MOST_EXPENSIVE"])
        ),
        "target": draw(st.sampled_from(["ITEM", "UNIT"])),
        "skip_initially": draw(st.integers(0, 2)),
        "repeat": draw(st.integers(1, 3)),
        "quantity_limit": draw(st.none() | st.integers(0, 4)),
        "aggregated_quantity_limit": draw(st.none() | st.integers(0, 6)),
        "amount_limit": draw(limits),
        "aggregated_amount_limit": draw(limits),
        "price": draw(limits),
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    named = draw(st.sampled_from(["all", "some", "collection"]))
    if named == "all":
        return applies(everything=True, excluded=products(*draw(st.sets(st.sampled_from(NAMES)))))
    if named == "some":
        return applies(products(*draw(st.sets(st.sampled_from(NAMES))), **fields))
    return applies(collection("pc_1", **fields), excluded=products(*draw(st.sets(st.sampled_from(NAMES)))))


def _by_items(kind: str) -> list[str]:
    more = ["APPLY_TO_ITEMS_BY_QUANTITY", "APPLY_TO_ITEMS_PROPORTIONALLY", "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY"]
    return ["APPLY_TO_ORDER", "APPLY_TO_ITEMS", *(more if kind == "AMOUNT" else [])]


@st.composite
def terms(draw: st.DrawFn) -> VoucherTerms:
    kind = draw(st.sampled_from(["AMOUNT", "PERCENT", "FIXED", "UNIT", "GIFT"]))
    rule_sets: tuple[RuleSet, ...] = (draw(rules()),) if draw(st.booleans()) else ()
    if draw(st.integers(0, 4)) == 0:
        rule_sets += (bundle((draw(st.sampled_from(NAMES)), draw(st.integers(1, 3))), limit=draw(st.integers(1, 3))),)
    category = draw(st.none() | st.sampled_from(["x", "y"]).map(CategoryTerms))
    if kind == "GIFT":
        return gift(
            draw(small), draw(st.sampled_from([None, "APPLY_TO_ITEMS"])), rule_sets=rule_sets, category=category
        )
    discount: dict[str, Any] = {"type": kind}
    if kind == "UNIT":
        effect = draw(st.sampled_from(["ADD_NEW_ITEMS", "ADD_MISSING_ITEMS", "ADD_SAME_ITEMS"]))
        discount |= {"effect": effect, "unit_type": draw(st.sampled_from([*NAMES, "new"]))}
        discount["unit_off"] = draw(st.integers(1, 4))
    else:
        discount["effect"] = draw(st.sampled_from(_by_items(kind)))
        value = {"AMOUNT": "amount_off", "PERCENT": "percent_off", "FIXED": "fixed_amount"}[kind]
        discount[value] = draw(st.decimals(0, 100, places=1).map(float)) if kind == "PERCENT" else draw(small)
        discount |= {"amount_limit": draw(limits), "aggregated_amount_limit": draw(limits)}
    return voucher(discount, rule_sets=rule_sets, category=category)


settings_of_project = st.fixed_dictionaries(
    {
        "redeemables_application_mode": st.sampled_from(["ALL", "PARTIAL"]),
        "discount_calculation_mode": st.sampled_from(["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"]),
        "redeemables_products_application_mode": st.sampled_from(["STACK", "ONCE"]),
        "redeemables_no_effect_rule": st.sampled_from(["SKIP", "REDEEM_ANYWAY"]),
        "exclusive_categories": st.sampled_from([[], ["x"]]),
        "joint_categories": st.sampled_from([[], ["y"]]),
        "applicable_redeemables_per_category_limit": st.integers(1, 3),
    }
)
CATALOGUE = {"new": article("new", 700), "a": article("a", 300), "b": article("b")}


def run(state: OrderState, stack: list[VoucherTerms], rules: dict[str, Any]) -> Stack:
    candidates = [Candidate(f"C{index}", one) for index, one in enumerate(stack)]
    return stacking.evaluate(candidates, facts(order=state, catalogue=CATALOGUE), read_stacking_rules(rules))


def check(state: OrderState) -> None:
    """One moment of an order is in itself right."""
    shown = state.lines
    known = [one.discount_amount for one in shown if one.discount_amount is not None]
    assert state.items_discount_amount == (sum(known) if known else None)
    assert state.total_discount_amount is None or state.total_discount_amount == (state.discount_amount or 0) + sum(
        known
    )
    assert state.total_amount == max(0, (state.amount or 0) - (state.total_discount_amount or 0))
    for one in shown:
        assert one.discount_amount is None or one.amount is None or 0 <= one.discount_amount <= one.amount
        assert one.applied_discount_amount is None or one.applied_discount_amount >= 0
        assert one.subtotal_amount is None or one.subtotal_amount >= 0
        assert one.quantity >= 1 and (one.applied_discount_quantity or 0) <= one.quantity


@settings(max_examples=120, deadline=None)
@given(carts, st.lists(terms(), max_size=6), settings_of_project)
def test_every_moment_adds_up(state: OrderState, stack: list[VoucherTerms], rules: dict[str, Any]) -> None:
    found = run(state, stack, rules)
    assert len(found.outcomes) == len(stack)
    before = state
    for outcome in found.outcomes:
        if outcome.effect is None or outcome.effect.order is None:
            continue
        after = outcome.effect.order
        check(after)
        assert outcome.effect.applied == (after.total_applied_discount_amount or 0)
        assert (after.total_discount_amount or 0) - (before.total_discount_amount or 0) == outcome.effect.applied
        assert after.total_amount <= max(0, (after.amount or 0) - (before.total_discount_amount or 0))
        applied = [one.applied_discount_amount or 0 for one in after.lines]
        assert sum(applied) == (after.items_applied_discount_amount or 0)
        before = after
    assert found.order is not None
    check(found.order)
    steps = [o.effect.applied for o in found.outcomes if o.effect is not None]
    assert (found.order.total_applied_discount_amount or 0) == sum(steps)


@settings(max_examples=40, deadline=None)
@given(carts, st.lists(terms(), max_size=5), settings_of_project)
def test_the_same_request_gives_the_same_and_changes_no_input(
    state: OrderState, stack: list[VoucherTerms], rules: dict[str, Any]
) -> None:
    lines_before, amount = state.lines, state.amount
    first, second = run(state, stack, rules), run(state, stack, rules)
    assert first == second
    assert (state.lines, state.amount, state.total_discount_amount) == (
        lines_before,
        amount,
        state.total_discount_amount,
    )


@settings(max_examples=40, deadline=None)
@given(carts, terms(), st.integers(1, 4))
def test_equal_redeemables_may_come_in_any_order(state: OrderState, one: VoucherTerms, count: int) -> None:
    candidates = [Candidate(f"C{index}", one) for index in range(count)]
    rules = read_stacking_rules({"applicable_redeemables_per_category_limit": 5})
    situation = facts(order=state, catalogue=CATALOGUE)
    forward, back = (stacking.evaluate(c, situation, rules) for c in (candidates, candidates[::-1]))
    assert (forward.order, forward.valid) == (back.order, back.valid)


ALL = applies(everything=True)
PER_LINE = [
    {"type": "AMOUNT", "amount_off": 70, "effect": "APPLY_TO_ITEMS"},
    {"type": "AMOUNT", "amount_off": 70, "effect": "APPLY_TO_ITEMS_BY_QUANTITY"},
    {"type": "PERCENT", "percent_off": 17, "effect": "APPLY_TO_ITEMS"},
    {"type": "FIXED", "fixed_amount": 40, "effect": "APPLY_TO_ITEMS"},
]


@settings(max_examples=40, deadline=None)
@given(st.lists(lines, min_size=1, max_size=6), st.sampled_from(PER_LINE), st.randoms())
def test_the_order_of_lines_changes_no_total(found: list[Any], discount: dict[str, Any], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    totals = [run(cart(*some), [voucher(discount, rule_sets=(ALL,))], {}).order for some in (found, shuffled)]
    assert totals[0] is not None and totals[1] is not None
    assert totals[0].total_amount == totals[1].total_amount
    assert totals[0].items_discount_amount == totals[1].items_discount_amount


@settings(max_examples=40, deadline=None)
@given(st.lists(lines, min_size=1, max_size=6), st.integers(0, 9000))
def test_a_proportional_discount_is_shared_out_completely(found: list[Any], off: int) -> None:
    discount = {"type": "AMOUNT", "amount_off": off, "effect": "APPLY_TO_ITEMS_PROPORTIONALLY"}
    state = cart(*found)
    stack = run(state, [voucher(discount, rule_sets=(ALL,))], {})
    effect = stack.outcomes[0].effect
    assert effect is not None
    assert effect.applied == min(off, sum(one.amount or 0 for one in state.lines))
