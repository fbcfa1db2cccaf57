"""Pure: what metadata may hold. What was accepted here can always be read back, listed, exported and sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from config.kernel.errors import InvalidPayload

DEPTH: Final = 4
KEYS: Final = 1000


def parse_metadata(value: object, path: str) -> dict[str, Any]:
    """Return the object of a `metadata` property. Raises InvalidPayload naming the property or the key."""
    if not isinstance(value, dict):
        raise InvalidPayload(f"Property {path} should be object")
    check_value(value, path, depth=DEPTH)
    return value


def check_value(value: object, path: str, *, depth: int) -> None:
    """Raise InvalidPayload if any text holds U+0000 or a lone surrogate, or if the value nests deeper than `depth`."""
    match value:
        case str():
            if not is_storable(value):
                raise InvalidPayload(f"Property {path} contains a character that cannot be stored")
        case dict():
            _check_object(value, path, depth)
        case list():
            if depth < 1:
                raise InvalidPayload(f"Property {path} is nested too deeply")
            for index, item in enumerate(value):
                check_value(item, f"{path}[{index}]", depth=depth - 1)
        case _:
            pass


def _check_object(value: Mapping[Any, object], path: str, depth: int) -> None:
    if depth < 1:
        raise InvalidPayload(f"Property {path} is nested too deeply")
    if len(value) > KEYS:
        raise InvalidPayload(f"Property {path} has more than {KEYS} keys")
    for key, item in value.items():
        if not isinstance(key, str) or not is_storable(key):
            raise InvalidPayload(f"Property {path} has a key that cannot be stored")
        check_value(item, f"{path}.{key}", depth=depth - 1)


def is_storable(text: str) -> bool:
    """PostgreSQL stores every text but U+0000 and halves of surrogate pairs."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)
