"""What a field's value can be, and how a value of the wire becomes one. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from config.filters.ast import Value
from config.kernel import instants
from config.kernel.texts import normal

NUMBER_TEXT: Final = r"-?[0-9]{1,30}(\.[0-9]{1,30})?"
"""A text that counts as a number: plain decimal notation. The same pattern serves PostgreSQL."""
_NUMBER: Final = re.compile(NUMBER_TEXT)
_DIGITS: Final = re.compile(r"[0-9]{1,7}")
_MONTH_DAY: Final = re.compile(r"(?:[0-9]{4}-)?([0-9]{2})-([0-9]{2})(?:T.*)?")
LEAP_YEAR: Final = 2000
LARGEST: Final = Decimal(10) ** 30


class Kind(StrEnum):
    """The type of a field; the names stand in the builder's catalogue. ANY: each stored value has a type of its own."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    ANY = "any"
    SEGMENT = "segment"


class Argument(StrEnum):
    """What an operator takes."""

    VALUES = "values"
    """One or more values of the field's own type."""
    TEXTS = "texts"
    """One or more texts."""
    ORDER = "order"
    """One number; on a date a number of days."""
    NUMBER = "number"
    """One number."""
    INSTANT = "instant"
    """One ISO date or date-time."""
    DAYS = "days"
    """One non-negative whole number: days, years or elements."""
    DAY_OF_MONTH = "day_of_month"
    MONTH = "month"
    YEAR = "year"
    MONTH_DAY = "month_day"
    FLAG = "flag"
    """true; false negates."""

    @property
    def is_single(self) -> bool:
        """Whether it is exactly one value."""
        return self not in (Argument.VALUES, Argument.TEXTS)


DATES: Final = frozenset({Kind.DATE, Kind.DATETIME})
_BOUNDS: Final = {
    Argument.DAYS: (0, 3_000_000),
    Argument.DAY_OF_MONTH: (1, 31),
    Argument.MONTH: (1, 12),
    Argument.YEAR: (1, 9999),
}


class WrongValue(ValueError):
    """The text is the wire's complaint after the property's name: `should be number`."""


def convert(raw: object, argument: Argument, kind: Kind, *, as_stored: bool = False) -> Value:
    """Return one value of the wire in the type its condition compares with.

    as_stored: keys and ids are compared code point by code point, everything else in NFC.
    Raises WrongValue.
    """
    if isinstance(raw, str):
        _check_storable(raw)
    elif not isinstance(raw, bool | int | float | Decimal):
        raise WrongValue("should be string,number,boolean")
    if argument is Argument.FLAG:
        return _flag(raw)
    if argument in _BOUNDS:
        return _whole(raw, *_BOUNDS[argument])
    if argument is Argument.MONTH_DAY:
        return _month_day(raw)
    if argument is Argument.INSTANT:
        return _moment_or_text(raw, kind)
    if argument is Argument.ORDER and kind in DATES:
        return _whole(raw, *_BOUNDS[Argument.DAYS])
    if argument in (Argument.NUMBER, Argument.ORDER):
        return _number_or_text(raw, kind)
    if argument is Argument.TEXTS:
        return text_of(raw) if as_stored else normal(text_of(raw))
    return _of_kind(raw, kind, as_stored)


def _of_kind(raw: str | bool | float | Decimal, kind: Kind, as_stored: bool) -> Value:
    match kind:
        case Kind.TEXT | Kind.SEGMENT:
            return text_of(raw) if as_stored else normal(text_of(raw))
        case Kind.NUMBER:
            return number(raw)
        case Kind.BOOLEAN:
            return _boolean(raw)
        case Kind.DATE | Kind.DATETIME:
            if _is_whole(raw):
                return _whole(raw, *_BOUNDS[Argument.DAYS])
            return _moment(raw)
        case Kind.ANY:
            if isinstance(raw, bool):
                return raw
            return normal(raw) if isinstance(raw, str) else number(raw)


def number(raw: object) -> Decimal:
    """Return the exact decimal of a JSON number or of a plain decimal text. Raises WrongValue."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise WrongValue("should be number")
    if isinstance(raw, str) and _NUMBER.fullmatch(raw) is None:
        raise WrongValue("should be number")
    if isinstance(raw, int) and raw.bit_length() > 100:
        raise WrongValue("should be number")
    value = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not value.is_finite() or abs(value) >= LARGEST or (value and abs(value) < 1 / LARGEST):
        raise WrongValue("should be number")
    return abs(value) if value == 0 else value


def text_of(raw: str | bool | float | Decimal) -> str:
    """The text that a number or boolean is compared by: 48 and 48.0 are "48", true is "true"."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return plain(number(raw))


def plain(value: Decimal) -> str:
    """Plain notation without trailing zeros: 1500, 0.5."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def looks_numeric(text: str) -> bool:
    """Whether a text counts as a number."""
    return _NUMBER.fullmatch(text) is not None


def _check_storable(text: str) -> None:
    if "\0" in text:
        raise WrongValue("should not contain the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise WrongValue("should be well-formed Unicode") from None


def _flag(raw: str | bool | float | Decimal) -> bool:
    if raw == "":
        return True
    return _boolean(raw)


def _boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if raw in ("true", "false"):
        return raw == "true"
    raise WrongValue("should be boolean")


def _is_whole(raw: object) -> bool:
    if isinstance(raw, str):
        return _DIGITS.fullmatch(raw) is not None
    return not isinstance(raw, bool) and isinstance(raw, int | float | Decimal)


def _whole(raw: object, least: int, most: int) -> int:
    if not _is_whole(raw):
        raise WrongValue("should be integer")
    value = number(raw)
    if value != value.to_integral_value():
        raise WrongValue("should be integer")
    if value < least:
        raise WrongValue(f"cannot be lower than {least}")
    if value > most:
        raise WrongValue(f"cannot be higher than {most}")
    return int(value)


def _moment(raw: object) -> date | datetime:
    if isinstance(raw, str):
        try:
            return instants.parse_date(raw) if len(raw) == len("2026-01-31") else instants.parse_instant(raw)
        except ValueError:
            pass
    raise WrongValue("cannot be recognized as a ISO-8601 compliant date")


def _moment_or_text(raw: object, kind: Kind) -> Value:
    """On a field without a declared type what is no date is kept, and matches nothing."""
    try:
        return _moment(raw)
    except WrongValue:
        if kind is Kind.ANY and isinstance(raw, str):
            return raw
        raise


def _number_or_text(raw: object, kind: Kind) -> Value:
    try:
        return number(raw)
    except WrongValue:
        if kind is Kind.ANY and isinstance(raw, str):
            return raw
        raise


def _month_day(raw: object) -> int:
    match = _MONTH_DAY.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise WrongValue("should be a day as MM-DD or YYYY-MM-DD")
    month, day = int(match[1]), int(match[2])
    try:
        date(LEAP_YEAR, month, day)
    except ValueError:
        raise WrongValue("should be a day as MM-DD or YYYY-MM-DD") from None
    return month * 100 + day
