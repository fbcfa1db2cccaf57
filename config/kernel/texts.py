"""Pure: the form in which texts are stored and compared."""

from __future__ import annotations

import unicodedata
from typing import Any


def normal(text: str) -> str:
    """The text in Unicode's composed form (NFC). Source: segments.md section 8."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def normal_value(value: Any) -> Any:
    """A JSON value with every text in it, keys too, in composed form; the value itself where nothing changes."""
    match value:
        case str():
            return normal(value)
        case dict():
            return {normal(key): normal_value(part) for key, part in value.items()}
        case list():
            return [normal_value(part) for part in value]
        case _:
            return value
