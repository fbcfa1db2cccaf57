"""A person who is to be erased, and the door through which the apps above erase theirs.

Each app registers an eraser from its AppConfig.ready(). An eraser deletes what is about the person alone, and takes
the person out of what must stay, such as amounts. It runs inside one transaction with all others, higher apps first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from customers.models import Customer

CONTAINED: Final = 5
"""Shorter texts count only where they are the whole value: `7` is in every other number."""

_ABOUT_PEOPLE: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("customer", "customer_id", "referrer", "referrer_id", "holder", "holder_id", "tracking_id")),
    "metadata": {},
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who is erased. texts: names, addresses, ids and tokens by which they could be known again."""

    customer: Customer
    texts: frozenset[str]
    tokens: frozenset[str] = frozenset()
    _whole: frozenset[str] = field(init=False)
    _part: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        folded = {text.casefold() for text in self.texts}
        parts = sorted((text for text in folded if len(text) >= CONTAINED), key=len, reverse=True)
        object.__setattr__(self, "_whole", frozenset(folded))
        object.__setattr__(self, "_part", re.compile("|".join(map(re.escape, parts))) if parts else None)

    def is_in(self, text: str) -> bool:
        """Whether the text is one of theirs, or contains one of those that are long enough to tell."""
        folded = text.casefold()
        return folded.strip() in self._whole or (self._part is not None and self._part.search(folded) is not None)

    def out_of(self, value: Any) -> Any:
        """The JSON value with every text that names the person emptied, and keys that do left out."""
        match value:
            case str():
                return "" if self.is_in(value) else value
            case dict():
                return {key: self.out_of(child) for key, child in value.items() if not self.is_in(key)}
            case list():
                return [self.out_of(child) for child in value]
        return value

    def is_in_json(self, text: str) -> bool:
        """Whether a text of the JSON value is one of theirs."""
        value = json.loads(text)
        return bool(self.out_of(value) != value)

    def out_of_record(self, value: Any) -> Any:
        """As `out_of`, for what the person caused: whoever is named in it and all metadata go as well."""
        match value:
            case dict():
                kept = {key: _ABOUT_PEOPLE.get(key, child) for key, child in value.items() if not self.is_in(key)}
                return {key: self.out_of_record(child) for key, child in kept.items()}
            case list():
                return [self.out_of_record(child) for child in value]
        return self.out_of(value)


Eraser: TypeAlias = Callable[[Person], Mapping[str, int]]
"""Erases, and says how many rows went under the names of the certificate's `data_json`."""

Finder: TypeAlias = Callable[[Customer], Iterable[str]]
"""Further values that stand for the customer: tracking tokens."""

erasers: Final[list[Eraser]] = []
finders: Final[list[Finder]] = []
