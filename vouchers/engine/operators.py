"""The operators of validation rules: one function each, over what was found and the values of the condition.

Several operators in one `conditions` must all hold. Source: validation rules, conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

ALIASES: Final = {
    "$greater_than": "$more_than",
    "$greater_than_or_equal": "$more_than_or_equal",
    "$more_than_equal": "$more_than_or_equal",
    "$less_than_equal": "$less_than_or_equal",
}
"""Spellings of the contract's examples; stored as sent, read as these."""

ONE_VALUE: Final = frozenset(
    {"$is", "$is_not", "$less_than", "$less_than_or_equal", "$more_than", "$more_than_or_equal"}
)
"""Operators that compare with exactly one value. `$is` of a segment takes more: any of them."""

NUMBER: Final[Mapping[str, Callable[[Decimal, Sequence[Decimal]], bool]]] = {
    "$is": lambda found, values: found == values[0],
    "$is_not": lambda found, values: found != values[0],
    "$in": lambda found, values: found in values,
    "$not_in": lambda found, values: found not in values,
    "$less_than": lambda found, values: found < values[0],
    "$less_than_or_equal": lambda found, values: found <= values[0],
    "$more_than": lambda found, values: found > values[0],
    "$more_than_or_equal": lambda found, values: found >= values[0],
}

MEMBERSHIP: Final[Mapping[str, Callable[[Collection[str], Sequence[str]], bool]]] = {
    "$is": lambda found, values: any(value in found for value in values),
    "$in": lambda found, values: any(value in found for value in values),
    "$is_not": lambda found, values: not any(value in found for value in values),
    "$not_in": lambda found, values: not any(value in found for value in values),
}


def to_number(value: Any) -> Decimal:
    """Return an exact number of a JSON number or a text of one. Raises ValueError for anything else, also booleans."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(f"not a number: {value!r}")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ValueError(f"not a number: {value!r}") from error
    if not number.is_finite() or abs(number) > 10**18:
        raise ValueError(f"not a number: {value!r}")
    return number
