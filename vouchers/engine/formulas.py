"""Formulas evaluated in a situation. Money is in major units inside: 11499 minor units are 114.99.

What is missing, a division by zero, a number beyond all bounds: the formula has no value and the fallback counts.
Source: vouchers, dynamic formula language.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final, assert_never

from config.kernel.amounts import rounded
from vouchers.engine import formula_text
from vouchers.engine.formula_dates import DATES, moment_of
from vouchers.engine.formula_scope import NoValue, Scope, Value
from vouchers.engine.formula_text import Call, Cases, Literal, Node, Operand
from vouchers.engine.order_state import Line, OrderState

GREATEST: Final = 10**18
MOST_DIGITS: Final = 18
HIGHEST_POWER: Final = 64


def money(text: str, scope: Scope) -> int | None:
    """Minor units, at least 0; None where the formula has no value."""
    value = _number_of(text, scope)
    return None if value is None else max(0, rounded(value * 100))


def percent(text: str, scope: Scope) -> Fraction | None:
    """A percentage from 0 to 100; None where the formula has no value."""
    value = _number_of(text, scope)
    return None if value is None else min(max(value, Fraction(0)), Fraction(100))


def units(text: str, scope: Scope) -> int | None:
    """Whole units, rounded down, at least 0; None where the formula has no value."""
    value = _number_of(text, scope)
    return None if value is None else max(0, math.floor(value))


def _number_of(text: str, scope: Scope) -> Fraction | None:
    try:
        return _number(evaluate(formula_text.parse(text), scope))
    except (NoValue, formula_text.FormulaError, OverflowError):  # dates at the edge of the calendar
        return None


def evaluate(node: Node, scope: Scope) -> Value:
    """Return the value. Raises NoValue."""
    match node:
        case Literal(value):
            return value
        case Operand(name, key):
            return _operand(name, key, scope)
        case Call(name, arguments):
            lazy = _LAZY.get(name)
            if lazy is not None:
                return lazy(arguments, scope)
            return _STRICT[name](scope, *(evaluate(argument, scope) for argument in arguments))
        case Cases():
            raise NoValue
        case _:
            assert_never(node)


def _operand(name: str, key: str | None, scope: Scope) -> Value:
    for prefix, dearest in (("CHEAPEST_", False), ("MOST_EXPENSIVE_", True)):
        if name.startswith(prefix):
            return _of_line(name.removeprefix(prefix), key, scope, _extreme(scope.order, dearest=dearest))
    if name.startswith("ORDER_ITEM_"):
        return _of_line(name, key, scope, scope.line)
    if key is not None:
        return _known(_METADATA[name](scope).get(key))
    return _known(_OPERANDS[name](scope))


def _of_line(name: str, key: str | None, scope: Scope, index: int | None) -> Value:
    if index is None or scope.order is None:
        raise NoValue
    line = scope.order.basket.lines[index]
    what = name.removeprefix("ORDER_ITEM_")
    if key is not None:
        return _known((line.item.metadata if what == "METADATA" else line.item.product_metadata).get(key))
    found = {
        "PRICE": _major(line.unit_price),
        "AMOUNT": _major(line.amount),
        "SUBTOTAL": _major(scope.order.subtotals[index]),
        "UNITS_QUANTITY": Fraction(line.quantity),
    }
    return _known(found[what])


def _extreme(order: OrderState | None, *, dearest: bool) -> int | None:
    """The cheapest or dearest line: by price, then the lowest subtotal, then the first."""
    if order is None:
        return None
    prices, subtotals = order.basket.prices, order.subtotals
    known = [index for index, price in enumerate(prices) if price is not None]
    sign = -1 if dearest else 1
    return min(known, key=lambda index: (sign * (prices[index] or 0), subtotals[index] or 0, index), default=None)


def _known(value: Any) -> Value:
    """A fact as a value. Raises NoValue where it is none."""
    if value is None or isinstance(value, Mapping):
        raise NoValue
    if isinstance(value, bool | str | Fraction | date | list):
        return value
    return _bounded(Fraction(str(value)))


def _major(amount: int | None) -> Fraction | None:
    return None if amount is None else Fraction(amount, 100)


def _whole(value: int | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def _lines(scope: Scope) -> tuple[Line, ...]:
    return () if scope.order is None else scope.order.basket.lines


def _tier_or_voucher(scope: Scope, name: str, *, tier: bool) -> datetime | None:
    moment: datetime | None = getattr(scope.terms.validity, name)
    return moment if scope.terms.is_tier is tier else None


_METADATA: Final[Mapping[str, Callable[[Scope], Mapping[str, Any]]]] = {
    "ORDER_METADATA": lambda scope: {} if scope.order is None else scope.order.data.get("metadata") or {},
    "CUSTOMER_METADATA": lambda scope: scope.facts.customer.metadata,
    "REDEMPTION_METADATA": lambda scope: scope.facts.metadata,
    "PUBLICATION_METADATA": lambda scope: scope.facts.publications.get(scope.terms.public_id) or {},
    "REDEEMABLE_METADATA": lambda scope: scope.terms.metadata,
}
_OPERANDS: Final[Mapping[str, Callable[[Scope], Any]]] = {
    "ORDER_AMOUNT": lambda scope: None if scope.order is None else _major(scope.order.amount),
    "ORDER_ITEMS_QUANTITY": lambda scope: Fraction(len(_lines(scope))),
    "ORDER_UNITS_QUANTITY": lambda scope: Fraction(sum(line.quantity for line in _lines(scope))),
    "VOUCHER_REDEMPTION_QUANTITY": lambda scope: _whole(scope.terms.quantity),
    "VOUCHER_REDEEMED_QUANTITY": lambda scope: Fraction(scope.terms.redeemed_quantity),
    "VOUCHER_PUBLISH_COUNT": lambda scope: Fraction(scope.terms.publish_count),
    "VOUCHER_START_DATE": lambda scope: _tier_or_voucher(scope, "start_date", tier=False),
    "VOUCHER_EXPIRATION_DATE": lambda scope: _tier_or_voucher(scope, "expiration_date", tier=False),
    "PROMOTION_TIER_START_DATE": lambda scope: _tier_or_voucher(scope, "start_date", tier=True),
    "PROMOTION_TIER_EXPIRATION_DATE": lambda scope: _tier_or_voucher(scope, "expiration_date", tier=True),
    "CUSTOMER_BIRTHDATE": lambda scope: scope.facts.customer.birthdate,
    "TODAY": lambda scope: scope.facts.at.astimezone(scope.facts.zone).date(),
    "NOW": lambda scope: scope.facts.at,
    "TRUE": lambda scope: True,
    "FALSE": lambda scope: False,
}


def _bounded(number: Fraction) -> Fraction:
    """Keep numbers small: what is beyond, or has too fine a fraction, has no value in money."""
    if abs(number) > GREATEST:
        raise NoValue
    return number if number.denominator <= GREATEST else number.limit_denominator(GREATEST)


def _number(value: Value) -> Fraction:
    if isinstance(value, bool):
        raise NoValue
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str) and len(value) <= 40 and "/" not in value:
        try:
            return _bounded(Fraction(value.strip()))
        except (ValueError, ZeroDivisionError):
            raise NoValue from None
    raise NoValue


def _divided(left: Fraction, right: Fraction) -> Fraction:
    if not right:
        raise NoValue
    return left / right


def _remainder(left: Fraction, right: Fraction) -> Fraction:
    if not right:
        raise NoValue
    return left % right


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > HIGHEST_POWER or (not base and exponent < 0):
        raise NoValue
    if abs(base.numerator).bit_length() * abs(exponent) > 4096 or base.denominator.bit_length() * abs(exponent) > 4096:
        raise NoValue
    return base ** int(exponent)


def _arithmetic(operation: Callable[[Fraction, Fraction], Fraction]) -> Callable[..., Value]:
    return lambda scope, left, right: _bounded(operation(_number(left), _number(right)))


def _digits(round_one: Callable[[Fraction], int]) -> Callable[..., Value]:
    def rounded_to(scope: Scope, value: Value, digits: Value = Fraction(0)) -> Value:
        places = _number(digits)
        if places.denominator != 1 or abs(places) > MOST_DIGITS:
            raise NoValue
        scale = Fraction(10) ** int(places)
        return _bounded(Fraction(round_one(_number(value) * scale)) / scale)

    return rounded_to


def _same(left: Value, right: Value) -> bool:
    if isinstance(left, date) and isinstance(right, date):
        return moment_of(left) == moment_of(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    if isinstance(left, Fraction) or isinstance(right, Fraction):
        try:
            return _number(left) == _number(right)
        except NoValue:
            return False
    return left == right


def _compared(test: Callable[[Any, Any], bool]) -> Callable[..., Value]:
    def compare(scope: Scope, left: Value, right: Value) -> Value:
        if isinstance(left, date) and isinstance(right, date):
            return test(moment_of(left), moment_of(right))
        return test(_number(left), _number(right))

    return compare


def _text(test: Callable[[str, str], bool]) -> Callable[..., Value]:
    return lambda scope, left, right: isinstance(left, str) and isinstance(right, str) and test(left, right)


def _contains(scope: Scope, left: Value, right: Value) -> Value:
    if isinstance(left, list):
        return _in(scope, right, left)
    return isinstance(left, str) and isinstance(right, str) and right in left


def _in(scope: Scope, value: Value, *rest: Value) -> bool:
    """Whether the value is among the others, an array counting as its elements; also as IN_ARRAY(array; value)."""
    if isinstance(value, list) and len(rest) == 1:
        return any(_same(_known(one), rest[0]) for one in value if one is not None and not isinstance(one, Mapping))
    among = [one for other in rest for one in (other if isinstance(other, list) else [other])]
    return any(_same(value, _known(one)) for one in among if one is not None and not isinstance(one, Mapping))


_STRICT: Final[Mapping[str, Callable[..., Value]]] = {
    "+": _arithmetic(lambda a, b: a + b),
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(_divided),
    "%": _arithmetic(_remainder),
    "POW": _arithmetic(_power),
    "MIN": lambda scope, *values: min(_number(value) for value in values),
    "MAX": lambda scope, *values: max(_number(value) for value in values),
    "ROUND": _digits(rounded),
    "FLOOR": _digits(math.floor),
    "CEIL": _digits(math.ceil),
    ">": _compared(lambda a, b: a > b),
    "<": _compared(lambda a, b: a < b),
    ">=": _compared(lambda a, b: a >= b),
    "<=": _compared(lambda a, b: a <= b),
    "=": lambda scope, left, right: _same(left, right),
    "!=": lambda scope, left, right: not _same(left, right),
    "IS": lambda scope, left, right: _same(left, right),
    "ISNOT": lambda scope, left, right: not _same(left, right),
    "CONTAINS": _contains,
    "STARTSWITH": _text(str.startswith),
    "ENDSWITH": _text(str.endswith),
    "IN_ARRAY": _in,
    "NOT_IN_ARRAY": lambda scope, value, *rest: not _in(scope, value, *rest),
    **DATES,
}


def _truth(node: Node, scope: Scope) -> bool:
    value = evaluate(node, scope)
    if not isinstance(value, bool):
        raise NoValue
    return value


def _if(arguments: tuple[Node, ...], scope: Scope) -> Value:
    return evaluate(arguments[1] if _truth(arguments[0], scope) else arguments[2], scope)


def _default_to(arguments: tuple[Node, ...], scope: Scope) -> Value:
    for argument in arguments:
        try:
            return evaluate(argument, scope)
        except NoValue:
            continue
    raise NoValue


def _switch(arguments: tuple[Node, ...], scope: Scope) -> Value:
    value, cases = evaluate(arguments[0], scope), arguments[1]
    if isinstance(cases, Cases):
        for case in cases.cases:
            if _same(value, evaluate(case.arguments[0], scope)):
                return evaluate(case.arguments[1], scope)
    if len(arguments) < 3:
        raise NoValue
    return evaluate(arguments[2], scope)


def _no_value(arguments: tuple[Node, ...], scope: Scope) -> Value:
    raise NoValue


_LAZY: Final[Mapping[str, Callable[[tuple[Node, ...], Scope], Value]]] = {
    "IF": _if,
    "AND": lambda arguments, scope: all(_truth(argument, scope) for argument in arguments),
    "OR": lambda arguments, scope: any(_truth(argument, scope) for argument in arguments),
    "DEFAULT_TO": _default_to,
    "SWITCH": _switch,
    "SWITCH_CASE": _no_value,
}
