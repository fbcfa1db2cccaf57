"""Is what somebody wants to offer a discount or a gift card that can be calculated?

The same check stands behind the API, the form and imports. Source: vouchers, discount and gift objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from config.kernel.amounts import GREATEST
from vouchers.engine import validity
from vouchers.engine.discounts import APPLY_TO_ORDER, EFFECTS, GIFT_EFFECTS, NAMED_BY_THE_CONTRACT
from vouchers.engine.operators import to_number

VALUE: Final = {"AMOUNT": "amount_off", "PERCENT": "percent_off", "FIXED": "fixed_amount"}
"""The property that each type of discount must have."""
LIMITS: Final = ("amount_limit", "aggregated_amount_limit")
PERCENT_DIGITS: Final = 6
_SEPARATE: Final = ("validity_timeframe", "validity_day_of_week")


class OfferError(ValueError):
    """The offer cannot be meant, or not be calculated yet; the message names the property."""


def check_discount(discount: Mapping[str, Any]) -> dict[str, Any]:
    """Return the discount as it is stored: only what was sent, whole numbers as such. Raises OfferError.

    Unknown properties are ignored; `is_dynamic` belongs to answers.
    """
    kind = discount.get("type")
    kinds = sorted({known for known, _ in NAMED_BY_THE_CONTRACT})
    if kind not in kinds:
        raise OfferError(f"Property .discount.type should be equal to one of the allowed values {', '.join(kinds)}")
    _check_effect(str(kind), discount.get("effect"))
    stored: dict[str, Any] = {"type": kind}
    value = VALUE[str(kind)]
    for name in (value, *LIMITS):
        if f"{name}_formula" in discount and discount[f"{name}_formula"] is not None:
            raise OfferError(f"Property .discount.{name}_formula is not supported: formulas cannot be calculated yet")
    if discount.get(value) is None:
        raise OfferError(f"Property .discount should have required property '{value}'")
    stored[value] = _percent(discount[value]) if kind == "PERCENT" else _amount(discount[value], value)
    for name in LIMITS:
        if discount.get(name) is not None:
            stored[name] = _amount(discount[name], name)
    if discount.get("effect") is not None:
        stored["effect"] = discount["effect"]
    return stored


def check_gift_effect(effect: str | None) -> None:
    """Raise OfferError for an effect that a gift card does not have, or not yet."""
    if (effect or APPLY_TO_ORDER) not in GIFT_EFFECTS:
        raise OfferError(f"Property .gift.effect: '{effect}' is not supported; supported: {', '.join(GIFT_EFFECTS)}")


def check_validity(terms: Mapping[str, Any]) -> None:
    """Raise OfferError where dates, timeframe, weekdays or hours do not fit.

    terms: all five as they will be stored; dates are instants.
    """
    start, end = terms.get("start_date"), terms.get("expiration_date")
    if start is not None and end is not None and end < start:
        raise OfferError("Property .expiration_date cannot be before .start_date")
    readers = {
        "validity_timeframe": validity.parse_timeframe,
        "validity_day_of_week": validity.parse_days,
        "validity_hours": validity.parse_hours,
    }
    for name, read in readers.items():
        if terms.get(name) is None:
            continue
        try:
            read(terms[name])
        except ValueError as error:
            raise OfferError(f"Property .{name} {error}") from error
    if terms.get("validity_timeframe") is not None and start is None:
        raise OfferError("Property .validity_timeframe needs a .start_date")
    if terms.get("validity_hours") is not None:
        for name in _SEPARATE:
            if terms.get(name) is not None:
                raise OfferError(f"Property .validity_hours cannot be combined with .{name}")


def _check_effect(kind: str, effect: Any) -> None:
    if effect is not None and (kind, effect) not in NAMED_BY_THE_CONTRACT:
        allowed = ", ".join(sorted(known for of, known in NAMED_BY_THE_CONTRACT if of == kind))
        raise OfferError(f"Property .discount.effect should be equal to one of the allowed values {allowed}")
    supported = sorted(known for of, known in EFFECTS if of == kind)
    if not supported:
        raise OfferError(f"Property .discount.type: '{kind}' is not supported; supported: {', '.join(VALUE)}")
    if effect is not None and effect not in supported:
        raise OfferError(f"Property .discount.effect: '{effect}' is not supported; supported: {', '.join(supported)}")


def _number(value: Any, name: str) -> Decimal:
    try:
        return to_number(value)
    except ValueError:
        raise OfferError(f"Property .discount.{name} should be number") from None


def _amount(value: Any, name: str) -> int:
    number = _number(value, name)
    if number != number.to_integral_value():
        raise OfferError(f"Property .discount.{name} should be integer")
    if not 0 <= number <= GREATEST:
        raise OfferError(f"Property .discount.{name} should be from 0 to {GREATEST}")
    return int(number)


def _percent(value: Any) -> int | float:
    """A percentage as JSON: whole ones as integers, so that they come back as they were sent."""
    number = _number(value, "percent_off")
    if not 0 <= number <= 100:
        raise OfferError("Property .discount.percent_off should be from 0 to 100")
    if number != round(number, PERCENT_DIGITS):
        raise OfferError(f"Property .discount.percent_off should have at most {PERCENT_DIGITS} decimals")
    return int(number) if number == number.to_integral_value() else float(number)
