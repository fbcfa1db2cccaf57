"""The contract's worked examples at order level, and what holds for every discount."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vouchers.engine.build import gift, order, voucher
from vouchers.engine import discounts
from vouchers.engine.order_state import OrderState

AMOUNT = {"type": "AMOUNT", "effect": "APPLY_TO_ORDER"}
PERCENT = {"type": "PERCENT", "effect": "APPLY_TO_ORDER"}
FIXED = {"type": "FIXED", "effect": "APPLY_TO_ORDER"}


@pytest.mark.parametrize(
    ("_case", "amount", "discount", "applied", "total"),
    [
        ("W1", 200000, AMOUNT | {"amount_off": 1000}, 1000, 199000),
        ("W2 capped by the order", 700, AMOUNT | {"amount_off": 1000}, 700, 0),
        ("W3 half up", 11499, PERCENT | {"percent_off": 10, "amount_limit": 3000}, 1150, 10349),
        ("W4 limited", 80000, PERCENT | {"percent_off": 12.5, "amount_limit": 7500}, 7500, 72500),
        ("W5", 9900, FIXED | {"fixed_amount": 7500}, 2400, 7500),
        ("W6 no effect", 7000, FIXED | {"fixed_amount": 7500}, 0, 7000),
        ("W35 base is the sent amount", 20050, PERCENT | {"percent_off": 15}, 3008, 17042),
        ("effect left out", 48000, {"type": "AMOUNT", "amount_off": 1500}, 1500, 46500),
        ("aggregated limit", 10000, AMOUNT | {"amount_off": 900, "aggregated_amount_limit": 400}, 400, 9600),
        ("both limits of a percentage", 10000, PERCENT | {"percent_off": 50, "amount_limit": 800,
                                                          "aggregated_amount_limit": 700}, 700, 9300),
        ("a percentage that no binary float holds", 100000, PERCENT | {"percent_off": 0.35}, 350, 99650),
        ("an empty order", 0, PERCENT | {"percent_off": 50}, 0, 0),
        ("a limit of nothing", 10000, PERCENT | {"percent_off": 50, "amount_limit": 0}, 0, 10000),
        ("fixed price of nothing", 900, FIXED | {"fixed_amount": 0}, 900, 0),
    ],
)  # fmt: skip
def test_one_discount(_case: str, amount: int, discount: dict[str, Any], applied: int, total: int) -> None:
    effect = discounts.apply(voucher(discount), order(amount))
    assert effect.order is not None
    assert (effect.applied, effect.order.total_amount) == (applied, total)
    assert effect.order.discount_amount == effect.order.applied_discount_amount == applied
    assert effect.effect == "APPLY_TO_ORDER"


@pytest.mark.parametrize(
    ("_case", "amount", "balance", "credits", "used"),
    [
        ("W28 as much as the order takes", 4200, 5000, None, 4200),
        ("as much as there is", 9000, 5000, None, 5000),
        ("as asked", 9000, 5000, 1200, 1200),
        ("asked for more than the order takes", 1000, 5000, 2000, 1000),
        ("nothing left", 1000, 0, None, 0),
    ],
)
def test_gift_card(_case: str, amount: int, balance: int, credits: int | None, used: int) -> None:
    effect = discounts.apply(gift(balance), order(amount), credits=credits)
    assert effect.order is not None
    assert (effect.credits, effect.applied, effect.order.discount_amount) == (used, used, used)
    assert effect.order.total_amount == amount - used


def test_w24_three_redeemables_one_after_another() -> None:
    first = discounts.apply(gift(100), order(200000))
    second = discounts.apply(voucher(PERCENT | {"percent_off": 20}), first.order)
    third = discounts.apply(voucher(AMOUNT | {"amount_off": 8000}), second.order)
    states = [state for state in (first.order, second.order, third.order) if state is not None]
    assert [state.applied_discount_amount for state in states] == [100, 39980, 8000]
    assert [state.total_amount for state in states] == [199900, 159920, 151920]
    final = discounts.final_order(order(200000), states)
    assert (final.discount_amount, final.applied_discount_amount, final.total_amount) == (48080, 48080, 151920)


@pytest.mark.parametrize(
    ("mode", "applied", "total"), [("DISCOUNTED_AMOUNT", [1000, 1800], 7200), ("INITIAL_AMOUNT", [1000, 2000], 7000)]
)
def test_w26_two_percentages(mode: Any, applied: list[int], total: int) -> None:
    first = discounts.apply(voucher(PERCENT | {"percent_off": 10}), order(10000), mode=mode)
    second = discounts.apply(voucher(PERCENT | {"percent_off": 20}), first.order, mode=mode)
    assert second.order is not None
    assert ([first.applied, second.applied], second.order.total_amount) == (applied, total)


def test_w27_an_earlier_discount_of_a_stored_order_counts() -> None:
    effect = discounts.apply(voucher(AMOUNT | {"amount_off": 1000}), order(10000, discount=9200))
    assert effect.order is not None
    assert (effect.applied, effect.order.discount_amount, effect.order.total_amount) == (800, 10000, 0)


def test_fields_of_kinds_not_used_stay_unknown() -> None:
    effect = discounts.apply(voucher(), order(10000, (2, 6000), (1, 4000)))
    assert effect.order is not None
    assert (effect.order.items_discount_amount, effect.order.items_applied_discount_amount) == (None, None)
    assert [line.discount_amount for line in effect.order.lines] == [None, None]
    untouched = order(10000)
    assert (untouched.discount_amount, untouched.total_discount_amount, untouched.total_amount) == (None, None, 10000)
    assert discounts.final_order(untouched, []) == untouched


def test_without_an_order_nothing_is_deducted() -> None:
    assert discounts.apply(voucher(), None) == discounts.Effect("PERCENT", "APPLY_TO_ORDER", None)


def test_every_calculation_is_one_of_the_contract() -> None:
    assert set(discounts.EFFECTS) <= discounts.NAMED_BY_THE_CONTRACT


amounts = st.integers(0, 10**9)
any_terms = st.one_of(
    amounts.map(lambda off: voucher(AMOUNT | {"amount_off": off})),
    st.tuples(st.decimals(0, 100, places=2), st.none() | amounts).map(
        lambda pair: voucher(PERCENT | {"percent_off": str(pair[0]), "amount_limit": pair[1]})
    ),
    amounts.map(lambda price: voucher(FIXED | {"fixed_amount": price})),
    amounts.map(gift),
)


@given(amounts, st.lists(any_terms, min_size=1, max_size=8))
def test_any_stack_keeps_the_order_in_bounds_and_its_sums_exact(amount: int, stack: list[Any]) -> None:
    state: OrderState | None = order(amount)
    states = []
    for terms in stack:
        state = discounts.apply(terms, state).order
        assert state is not None
        states.append(state)
    final = discounts.final_order(order(amount), states)
    parts = [step.applied_discount_amount or 0 for step in states]
    assert all(part >= 0 for part in parts)
    assert 0 <= final.total_amount <= amount
    assert final.discount_amount == final.total_applied_discount_amount == sum(parts) == amount - final.total_amount
