"""Orders without their discounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from vouchers.engine import undoing

MUG = {"object": "order_item", "product_id": "mug", "quantity": 2, "price": 1000, "amount": 2000}


@pytest.mark.parametrize(
    ("_case", "redeemed", "at", "old"),
    [
        ("the same moment", datetime(2026, 2, 3, 10, tzinfo=UTC), datetime(2026, 2, 3, 10, tzinfo=UTC), False),
        ("three months", datetime(2026, 2, 3, 10, tzinfo=UTC), datetime(2026, 5, 3, 10, tzinfo=UTC), False),
        ("a second more", datetime(2026, 2, 3, 10, tzinfo=UTC), datetime(2026, 5, 3, 10, 0, 1, tzinfo=UTC), True),
        ("a day more", datetime(2026, 2, 3, 10, tzinfo=UTC), datetime(2026, 5, 4, 0, tzinfo=UTC), True),
        ("over new year", datetime(2025, 11, 30, 10, tzinfo=UTC), datetime(2026, 2, 28, 23, tzinfo=UTC), False),
        ("into March", datetime(2025, 11, 30, 10, tzinfo=UTC), datetime(2026, 3, 1, 0, tzinfo=UTC), True),
    ],
)
def test_three_months_is_the_limit(_case: str, redeemed: datetime, at: datetime, old: bool) -> None:
    assert undoing.too_old(redeemed, at) is old


def columns(**values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("initial_amount", "discount_amount", "items_discount_amount", "total_discount_amount"))
    return {**nothing, **values}


def test_an_order_of_a_single_redemption_has_no_discount_left() -> None:
    line = {**MUG, "discount_amount": 500, "subtotal_amount": 1500}
    assert undoing.without_discounts(2500, None, [line]) == columns(
        amount=2500, total_amount=2500, items=[{**MUG, "subtotal_amount": 2000}]
    )


def test_free_units_are_given_back() -> None:
    added = {"object": "order_item", "product_id": "tee", "quantity": 2, "price": 800, "amount": 1600}
    free = {"discount_quantity": 2, "initial_quantity": 0, "initial_amount": 0, "discount_amount": 1600}
    more = {**MUG, "quantity": 3, "amount": 3000, "initial_quantity": 2, "initial_amount": 2000, "discount_quantity": 1}
    lines = [{**more, "discount_amount": 1000, "subtotal_amount": 2000}, {**added, **free, "subtotal_amount": 0}]
    assert undoing.without_discounts(4600, 2000, lines) == columns(
        amount=2000, total_amount=2000, items=[{**MUG, "subtotal_amount": 2000}]
    )


def test_an_initial_amount_that_was_only_sent_is_not_taken_for_free_units() -> None:
    assert undoing.without_discounts(4600, 2000, [])["amount"] == 4600


def test_only_the_discount_of_one_redemption_goes() -> None:
    lines = [{**MUG, "discount_amount": 700, "subtotal_amount": 1300}]
    applied = {"applied_discount_amount": 100, "items": [{**MUG, "applied_discount_amount": 500}]}
    done = undoing.without(amount=2000, initial_amount=None, discount_amount=300, lines=lines, applied=applied)
    assert done == columns(
        amount=2000,
        discount_amount=200,
        items_discount_amount=200,
        total_discount_amount=400,
        total_amount=1600,
        items=[{**MUG, "discount_amount": 200, "subtotal_amount": 1800}],
    )


def test_the_free_units_of_one_redemption_go_and_the_discount_of_another_stays() -> None:
    added = {"object": "order_item", "product_id": "tee", "quantity": 1, "price": 800, "amount": 800}
    free = {**added, "discount_quantity": 1, "initial_quantity": 0, "initial_amount": 0, "discount_amount": 800}
    applied = {"items": [MUG, {**free, "applied_discount_amount": 800}]}
    done = undoing.without(
        amount=2800, initial_amount=2000, discount_amount=200, lines=[MUG, {**free, "subtotal_amount": 0}],
        applied=applied,
    )  # fmt: skip
    assert done == columns(amount=2000, discount_amount=200, total_discount_amount=200, total_amount=1800, items=[MUG])
