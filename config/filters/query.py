"""Query string → filter: `filters[name][conditions][$is]=x`, `filters[junction]=or`, also `[filters][name]…`. Pure.

The field's name is everything up to `][conditions][`, so names may hold dots, spaces and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

_CONDITION = re.compile(
    r"\[(?P<field>.+)\]\[conditions\]\[(?P<operator>[^\[\]]+)\](?:\[(?P<index>\d{0,6})\])?", re.DOTALL
)
_PREFIXES = ("filters[", "[filters][")


class QueryDict(Protocol):
    """Django's QueryDict, as far as it is needed."""

    def lists(self) -> Iterable[tuple[str, list[Any]]]:
        """Every key with all its values."""
        ...


def from_query(query: QueryDict) -> dict[str, Any]:
    """The filter that the `filters[…]` parameters of a query string write; {} where there are none.

    A key below `filters` that is no condition stays in the result under its own name, so that the parser refuses it.
    Values keep the order of their indexes.
    """
    found: dict[str, Any] = {}
    indexed: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for key, values in query.lists():
        if not key.startswith(_PREFIXES):
            if key == "filters":
                found["filters"] = values[-1]
            continue
        rest = key[len("filters") :] if key.startswith("filters[") else key[len("[filters]") :]
        if rest == "[junction]":
            found["junction"] = values[-1]
        elif match := _CONDITION.fullmatch(rest):
            place = indexed.setdefault((match["field"], match["operator"]), [])
            place += [(int(match["index"] or len(place)), value) for value in values]
        else:
            found[rest.strip("[]")] = values[-1]
    for (field, operator), places in indexed.items():
        wanted = [value for _, value in sorted(places, key=lambda place: place[0])]
        rule = found.setdefault(field, {"conditions": {}})
        if isinstance(rule, dict):
            rule["conditions"][operator] = wanted
    return found
