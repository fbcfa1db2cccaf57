"""Is what somebody wants to offer a discount or a gift card that can be meant?

The same check stands behind the API, the form and imports. Source: vouchers, discount and gift objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from config.kernel.amounts import GREATEST
from vouchers.engine import formula_text, validity
from vouchers.engine.discounts import APPLY_TO_ITEMS, APPLY_TO_ORDER, GIFT_EFFECTS, NAMED_BY_THE_CONTRACT, VALUE
from vouchers.engine.free_units import MANY, MISSING, MOST_UNITS, NEW
from vouchers.engine.operators import to_number

MOST_UNIT_ENTRIES: Final = 100
LONGEST_ID: Final = 200
LIMITS: Final = ("amount_limit", "aggregated_amount_limit")
PERCENT_DIGITS: Final = 6
_SEPARATE: Final = ("validity_timeframe", "validity_day_of_week")


class OfferError(ValueError):
    """The offer cannot be meant; the message names the property."""


def check_discount(discount: Mapping[str, Any]) -> dict[str, Any]:
    """Return the discount as it is stored: only what was sent, whole numbers as such. Raises OfferError.

    Unknown properties are ignored; `is_dynamic` belongs to answers.
    """
    kind = discount.get("type")
    kinds = sorted({known for known, _ in NAMED_BY_THE_CONTRACT})
    if kind not in kinds:
        raise OfferError(f"Property .discount.type should be equal to one of the allowed values {', '.join(kinds)}")
    effect = discount.get("effect")
    _check_effect(str(kind), effect)
    stored: dict[str, Any] = {"type": kind}
    if kind == "UNIT":
        stored |= _units(discount)
    else:
        stored |= _value(str(kind), discount)
    for name in LIMITS:
        if discount.get(name) is not None:
            stored[name] = _amount(discount[name], name)
    if effect is not None:
        stored["effect"] = effect
    return stored


def _value(kind: str, discount: Mapping[str, Any]) -> dict[str, Any]:
    """The type's own property and its formula; FIXED items may have their prices in `applicable_to`."""
    name = VALUE[kind]
    stored = _formula(discount, name)
    if discount.get(name) is None:
        if not stored and not (kind == "FIXED" and discount.get("effect") == APPLY_TO_ITEMS):
            raise OfferError(f"Property .discount should have required property '{name}'")
        return stored
    return {name: _percent(discount[name]) if kind == "PERCENT" else _amount(discount[name], name)} | stored


def _units(discount: Mapping[str, Any]) -> dict[str, Any]:
    """Free units of one product, or of several with ADD_MANY_ITEMS."""
    if discount.get("effect") != MANY:
        return _unit(discount, ".discount")
    units = discount.get("units")
    if not isinstance(units, list) or not units:
        raise OfferError("Property .discount.units should be an array with at least one entry")
    if len(units) > MOST_UNIT_ENTRIES:
        raise OfferError(f"Property .discount.units should NOT have more than {MOST_UNIT_ENTRIES} items")
    stored = []
    for index, entry in enumerate(units):
        path = f".discount.units[{index}]"
        if not isinstance(entry, Mapping):
            raise OfferError(f"Property {path} should be an object")
        if entry.get("effect") not in (NEW, MISSING):
            raise OfferError(f"Property {path}.effect should be equal to one of the allowed values {NEW}, {MISSING}")
        stored.append({**_unit(entry, path), "effect": entry["effect"]})
    return {"units": stored}


def _unit(entry: Mapping[str, Any], path: str) -> dict[str, Any]:
    unit_type = entry.get("unit_type")
    if not isinstance(unit_type, str) or not unit_type or len(unit_type) > LONGEST_ID or not unit_type.isprintable():
        raise OfferError(f"Property {path} should have required property 'unit_type', the id of a product or SKU")
    stored = _formula(entry, "unit_off", path)
    if entry.get("unit_off") is not None:
        stored = {"unit_off": _amount(entry["unit_off"], "unit_off")} | stored
        if not 1 <= stored["unit_off"] <= MOST_UNITS:
            raise OfferError(f"Property {path}.unit_off should be from 1 to {MOST_UNITS}")
    return stored | {"unit_type": unit_type}


def _formula(entry: Mapping[str, Any], name: str, path: str = ".discount") -> dict[str, Any]:
    text = entry.get(f"{name}_formula")
    if text is None:
        return {}
    try:
        formula_text.parse(text)
    except formula_text.FormulaError as error:
        raise OfferError(f"Property {path}.{name}_formula {error}") from error
    return {f"{name}_formula": text}


def check_gift_effect(effect: str | None) -> None:
    """Raise OfferError for an effect that a gift card does not have."""
    if (effect or APPLY_TO_ORDER) not in GIFT_EFFECTS:
        raise OfferError(
            f"Property .gift.effect should be equal to one of the allowed values {', '.join(GIFT_EFFECTS)}"
        )


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
    if effect is not None and (not isinstance(effect, str) or (kind, effect) not in NAMED_BY_THE_CONTRACT):
        allowed = ", ".join(sorted(known for of, known in NAMED_BY_THE_CONTRACT if of == kind))
        raise OfferError(f"Property .discount.effect should be equal to one of the allowed values {allowed}")


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
