"""The filter as a tree of frozen nodes that compare by value.

`path` is where the node was written (`.filter.g1.name.conditions.$is`); it names the node in problems and verdicts and
takes no part in comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date, datetime
from decimal import Decimal

Value = str | bool | int | Decimal | date | datetime
"""What a condition compares with, already in the type of its field. Numbers are Decimal, counts of days are int."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every child holds; never empty."""

    children: tuple[Node, ...]
    path: str = attribute(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one child holds; never empty."""

    children: tuple[Node, ...]
    path: str = attribute(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """The child does not hold."""

    child: Node
    path: str = attribute(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition. field: a key of the field table; operator: a canonical key of `operators.OPERATORS`."""

    field: str
    operator: str
    values: tuple[Value, ...]
    path: str = attribute(default="", compare=False)


Node = AllOf | AnyOf | Not | Compare


def leaves(node: Node) -> Iterator[Compare]:
    """Every condition of the tree, in the order of writing."""
    match node:
        case AllOf(children) | AnyOf(children):
            for child in children:
                yield from leaves(child)
        case Not(child):
            yield from leaves(child)
        case Compare():
            yield node
