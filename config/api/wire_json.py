"""JSON on the wire, through orjson, within the limits that keep every stored value readable.

orjson parses deeper than it renders and turns long integers into floats, so depth and integers are checked when a body
comes in: what is accepted can always be read back.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from config.kernel import instants
from config.kernel.errors import InvalidPayload

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**63 - 1


class MalformedJson(ValueError):
    """The text is not JSON."""


def load(text: bytes) -> Any:
    """Return the parsed body. Raises MalformedJson, or InvalidPayload for what JSON allows and we cannot keep."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(str(error)) from None
    check(value)
    return value


def dump(value: Any) -> bytes:
    """Compact JSON; datetimes as on the wire, Decimals as numbers."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS)


def check(value: Any) -> None:
    """Refuse nesting below MAX_DEPTH, U+0000 and integers beyond 64 bits. Iterative: depth costs no stack."""
    stack: list[tuple[Any, int, str]] = [(value, 1, "")]
    while stack:
        item, depth, path = stack.pop()
        if isinstance(item, str):
            if "\x00" in item:
                raise InvalidPayload(f"Property {path or '.'} must not contain the character U+0000")
        elif isinstance(item, dict):
            if depth > MAX_DEPTH:
                raise InvalidPayload(f"Payload is nested deeper than {MAX_DEPTH} levels")
            for key, child in item.items():
                if "\x00" in key:
                    raise InvalidPayload(f"Property {path or '.'} must not contain the character U+0000")
                if not isinstance(child, (bool, type(None))):
                    stack.append((child, depth + 1, f"{path}.{key[:80]}"))
        elif isinstance(item, list):
            if depth > MAX_DEPTH:
                raise InvalidPayload(f"Payload is nested deeper than {MAX_DEPTH} levels")
            stack.extend((child, depth + 1, f"{path}[{index}]") for index, child in enumerate(item))
        elif (isinstance(item, int) and abs(item) > MAX_INTEGER) or (
            isinstance(item, float) and abs(item) > MAX_INTEGER and item.is_integer()
        ):
            raise InvalidPayload(f"Property {path or '.'} is outside the range of numbers")


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return instants.to_wire(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form on the wire")
