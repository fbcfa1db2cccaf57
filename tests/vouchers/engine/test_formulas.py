"""The formula language: what it computes, when it has no value, and what it refuses to read."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vouchers.engine.build import facts, order, voucher
from tests.vouchers.engine.build_cart import applies, cart, line, products
from vouchers.engine import discounts, formula_text, formulas
from vouchers.engine.formula_scope import NoValue, Scope
from vouchers.engine.terms import CustomerFacts, Validity

CART = cart(
    line("mug", 2, 1050, metadata={"weight": 2}, product_metadata={"margin": 30}),
    line("tee", 3, 2000, product_metadata={"margin": 50}),
    line("cap", 1, 1050, discount_amount=50),
    data={"metadata": {"vip": True, "points": "12", "tags": ["new", "red"], "nested": {"a": 1}, "zero": 0}},
)
CUSTOMER = CustomerFacts("cust_1", None, {"tier": "gold", "since": "2025-12-31"}, date(1990, 3, 10))
TERMS = voucher(
    quantity=10,
    redeemed_quantity=4,
    publish_count=1,
    metadata={"base": 2.5},
    validity=Validity(start_date=datetime(2026, 1, 1, tzinfo=UTC)),
)


def scope(**fields: Any) -> Scope:
    situation = facts(order=CART, customer=CUSTOMER, metadata={"till": 7}, **fields)
    return Scope(TERMS, situation, CART, line=0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("7 - 2 - 1", 4),
        ("-3 + 5", 2),
        ("7 % 4", 3),
        ("1 / 3 * 3", 1),
        ("6 x 2 ÷ 4", 3),
        ("MIN(3;1;2)", 1),
        ("MAX(3; 1; 2)", 3),
        ("POW(2;10)", 1024),
        ("POW(2;-1)", Fraction(1, 2)),
        ("ROUND(2.345;2)", Fraction("2.35")),
        ("ROUND(2.5)", 3),
        ("FLOOR(129;-1)", 120),
        ("CEIL(121;-1)", 130),
        ("IF(1 > 2;5;6)", 6),
        ("IF(AND(1 < 2; 3 >= 3);5;6)", 5),
        ("IF(1 = 2 OR 2 != 3;5;6)", 5),
        ("IF(1 <= 0 AND 1 = 1;5;6)", 6),
        ('IF(CUSTOMER_METADATA("tier") is "gold";5;6)', 5),
        ('IF(CUSTOMER_METADATA("tier") isNot "gold";5;6)', 6),
        ('IF(CUSTOMER_METADATA("tier") contains "ol";5;6)', 5),
        ('IF(CUSTOMER_METADATA("tier") startsWith "g" ;5;6)', 5),
        ('IF(CUSTOMER_METADATA("tier") endsWith "x";5;6)', 6),
        ('IF(IN_ARRAY("red";ORDER_METADATA("tags"));5;6)', 5),
        ('IF(ORDER_METADATA("tags") IN_ARRAY "red";5;6)', 5),
        ('IF(NOT_IN_ARRAY("blue";ORDER_METADATA("tags"));5;6)', 5),
        ('IF(ORDER_METADATA("vip") = "true";5;6)', 5),
        ('ORDER_METADATA("points") + 1', 13),
        ('REDEMPTION_METADATA("till")', 7),
        ('REDEEMABLE_METADATA("base") * 2', 5),
        ('DEFAULT_TO(ORDER_METADATA("gone");CUSTOMER_METADATA("gone");4)', 4),
        ('SWITCH(CUSTOMER_METADATA("tier");SWITCH_CASE("silver";5) SWITCH_CASE("gold";10);1)', 10),
        ('SWITCH(CUSTOMER_METADATA("tier");SWITCH_CASE("silver";5);1)', 1),
        ("ORDER_AMOUNT", Fraction("91.5")),
        ("ORDER_ITEMS_QUANTITY", 3),
        ("ORDER_UNITS_QUANTITY", 6),
        ("ORDER_ITEM_PRICE", Fraction("10.5")),
        ("ORDER_ITEM_AMOUNT", 21),
        ("ORDER_ITEM_UNITS_QUANTITY", 2),
        ('ORDER_ITEM_METADATA("weight")', 2),
        ('ORDER_ITEM_PRODUCT_METADATA("margin")', 30),
        ("CHEAPEST_ORDER_ITEM_SUBTOTAL", 10),
        ("CHEAPEST_ORDER_ITEM_UNITS_QUANTITY", 1),
        ("MOST_EXPENSIVE_ORDER_ITEM_PRICE", 20),
        ('MOST_EXPENSIVE_ORDER_ITEM_PRODUCT_METADATA("margin")', 50),
        ("VOUCHER_REDEMPTION_QUANTITY - VOUCHER_REDEEMED_QUANTITY", 6),
        ("VOUCHER_PUBLISH_COUNT", 1),
        ("DAYS_SINCE(VOUCHER_START_DATE)", 68),
        ("YEARS_SINCE(CUSTOMER_BIRTHDATE)", 36),
        ('MONTHS_SINCE(CUSTOMER_METADATA("since"))', 2),
        ('DAYS_UNTIL(DATE("2026-03-12"))', 2),
        ('MONTHS_UNTIL(DATE("2026-05-09"))', 1),
        ("DAY_OF_MONTH(TODAY) + MONTH(NOW) + YEAR(TODAY)", 2039),
        ("IF(DAY_OF_MONTH(CUSTOMER_BIRTHDATE) = DAY_OF_MONTH(TODAY);1;0)", 1),
        ('IF(DATE_IS(TODAY;DATE("2026-03-10"));1;0)', 1),
        ('IF(NOW IS_AFTER DATE_TIME("2026-03-10T11:59:59Z");1;0)', 1),
        ('IF(IS_BEFORE(TODAY;DATE("2026-03-10"));1;0)', 0),
        ('IF(TODAY > DATE("2026-03-01");1;0)', 1),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert formulas.evaluate(formula_text.parse(text), scope()) == value


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0",
        "1 % 0",
        "POW(0;-1)",
        "POW(10;65)",
        "POW(10;30)",
        "POW(2;0.5)",
        "ROUND(1;19)",
        'ORDER_METADATA("gone")',
        'ORDER_METADATA("nested")',
        'CUSTOMER_METADATA("tier") + 1',
        "PROMOTION_TIER_START_DATE",
        "VOUCHER_EXPIRATION_DATE",
        '"text"',
        "1 > 2",
        "IF(5;1;2)",
        'DATE("2026-13-01")',
        'SWITCH(1;SWITCH_CASE("a";1))',
        'DEFAULT_TO(ORDER_METADATA("gone");1/0)',
        'DAYS_SINCE(DATE_TIME("0001-01-01T00:00:00+14:00"))',
    ],
)
def test_without_a_value_the_fallback_counts(text: str) -> None:
    assert formulas.money(text, scope()) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("1 +", "ends too early"),
        ("(1", "misses a ')'"),
        ("1)", "unexpected ')'"),
        ("1 2", "unexpected '2'"),
        ("import os", "unknown name 'import'"),
        ("__import__", "unexpected '__import__'"),
        ("a.b", "unexpected '.b'"),
        ("EVAL(1)", "unknown name 'EVAL'"),
        ("ORDER_METADATA(1)", "without one key"),
        ("ORDER_METADATA", "unknown name 'ORDER_METADATA'"),
        ("POW(1)", "with 1 arguments"),
        ("SWITCH(1;2)", "without SWITCH_CASE"),
        ("MIN()", "with 0 arguments"),
        ("(" * 60 + "1" + ")" * 60, "nested deeper"),
        ("-" * 60 + "1", "nested deeper"),
        ("1+" * 500 + "1", "more than 400 parts"),
        ("1" * 3000, "longer than 2000"),
        ('"\\"', "unexpected"),
    ],
)
def test_texts_that_are_no_formulas(text: str, problem: str) -> None:
    with pytest.raises(formula_text.FormulaError) as refused:
        formula_text.parse(text)
    assert problem in str(refused.value)


@given(st.text(alphabet='019.;()+-*/%<>="AIFMINORDER_ x', max_size=60))
def test_no_text_breaks_anything(text: str) -> None:
    try:
        tree = formula_text.parse(text)
    except formula_text.FormulaError:
        return
    with suppress(NoValue):
        formulas.evaluate(tree, scope())


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (formulas.money, "ORDER_AMOUNT / 8", 1144),
        (formulas.money, "0 - 5", 0),
        (formulas.percent, "150", 100),
        (formulas.percent, "0-1", 0),
        (formulas.units, "2.99", 2),
        (formulas.units, "0-3", 0),
    ],
)
def test_results_are_kept_in_bounds(read: Any, text: str, value: int) -> None:
    assert read(text, scope()) == value


@pytest.mark.parametrize(
    ("_case", "discount", "taken"),
    [
        ("an amount for each line", {"type": "AMOUNT", "amount_off": 1, "effect": "APPLY_TO_ITEMS",
                                     "amount_off_formula": "ORDER_ITEM_PRICE / 10"}, [100, 200]),
        ("a percentage for each line", {"type": "PERCENT", "percent_off": 5, "effect": "APPLY_TO_ITEMS",
                                        "percent_off_formula": 'ORDER_ITEM_PRODUCT_METADATA("off")'}, [300, 200]),
        ("a price for each line", {"type": "FIXED", "fixed_amount": 9999, "effect": "APPLY_TO_ITEMS",
                                   "fixed_amount_formula": "ORDER_ITEM_PRICE - 1"}, [200, 200]),
    ],
)  # fmt: skip
def test_formulas_about_the_line_have_a_value_for_each(_case: str, discount: dict[str, Any], taken: list[int]) -> None:
    state = cart(line("a", 2, 1000, product_metadata={"off": 15}), line("b", 2, 2000))
    found = discounts.apply(voucher(discount, rule_sets=(applies(everything=True),)), state, facts=facts())
    assert found.order is not None
    assert [one.discount_amount for one in found.order.lines] == taken
    assert found.discount["is_dynamic"] is True


def test_a_price_of_its_own_for_each_product() -> None:
    entries = [*products("a", price=900), *products("b", price_formula="ORDER_ITEM_PRICE / 2", price=1)]
    terms = voucher({"type": "FIXED", "effect": "APPLY_TO_ITEMS"}, rule_sets=(applies(entries),))
    found = discounts.apply(terms, cart(line("a", 2, 1000), line("b", 1, 500)), facts=facts())
    assert found.order is not None
    assert [one.discount_amount for one in found.order.lines] == [200, 250]


def test_the_contracts_proof_that_money_is_in_major_units() -> None:
    ten = voucher({"type": "PERCENT", "percent_off": 1, "percent_off_formula": "IF(ORDER_AMOUNT > 150;15;10)"})
    assert discounts.apply(ten, order(11499), facts=facts()).applied == 1150
    price = voucher({"type": "FIXED", "fixed_amount": 1, "fixed_amount_formula": "IF(ORDER_AMOUNT > 400;0;20)"})
    found = discounts.apply(price, order(46500), facts=facts())
    assert found.order is not None and found.order.total_amount == 0


def test_units_by_formula() -> None:
    free = {"type": "UNIT", "unit_off": 1, "unit_type": "a", "effect": "ADD_NEW_ITEMS",
            "unit_off_formula": "FLOOR(ORDER_UNITS_QUANTITY / 3)"}  # fmt: skip
    found = discounts.apply(voucher(free), cart(line("a", 7, 100)), facts=facts())
    assert found.order is not None
    assert (found.order.lines[0].quantity, found.discount["unit_off"]) == (9, 2)


@pytest.mark.parametrize("value", [5, 1.5, True, [], {}, [["1"]]])
def test_what_is_no_text_is_no_formula(value: Any) -> None:
    with pytest.raises(formula_text.FormulaError, match="should be string"):
        formula_text.parse(value)
