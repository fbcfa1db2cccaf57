"""Validation rules as the engine reads them: numbered conditions, `applicable_to`, bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator and its operands."""

    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RuleNode:
    """One numbered rule: all its conditions hold, and so does the set nested in it."""

    number: int
    name: str
    property: str | None
    conditions: tuple[Condition, ...]
    nested: RuleTree | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Every child holds; without children it is true."""

    children: tuple[Logic, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one child holds."""

    children: tuple[Logic, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """The rule of this number holds."""

    number: int


Logic = All | AnyOf | Ref


@dataclass(frozen=True, slots=True)
class RuleTree:
    """Numbered rules and the logic between them."""

    nodes: Mapping[int, RuleNode]
    logic: Logic


@dataclass(frozen=True, slots=True)
class ProductRef:
    """A product, SKU or collection that a rule names: `object` is product, sku or products_collection."""

    object: str
    id: str
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class ApplicableEntry:
    """One entry of `applicable_to`: which lines, in which order, up to which limits.

    price: of FIXED items. formulas: of `price` and of limits, by the name of the property. history_limits: unit limits
    that count across redemptions, by the wire's name. stored: as it is answered.
    """

    ref: ProductRef
    effect: str = "APPLY_TO_EVERY"
    target: str = "ITEM"
    skip_initially: int = 0
    repeat: int = 1
    quantity_limit: int | None = None
    aggregated_quantity_limit: int | None = None
    amount_limit: int | None = None
    aggregated_amount_limit: int | None = None
    price: int | None = None
    formulas: Mapping[str, str] = field(default_factory=dict)
    history_limits: Mapping[str, int] = field(default_factory=dict)
    stored: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApplicableTo:
    """Which lines item-level discounts and gifts touch; excluded wins.

    matched: a rule says which, and on a cart that has none of them there are none.
    """

    included: tuple[ApplicableEntry, ...] = ()
    excluded: tuple[ApplicableEntry, ...] = ()
    included_all: bool = False
    matched: bool = False

    @property
    def says_anything(self) -> bool:
        """Whether it names any line: then AMOUNT and PERCENT without effect apply to items."""
        return bool(self.included or self.excluded or self.included_all or self.matched)


@dataclass(frozen=True, slots=True)
class BundleTerms:
    """What must be together in the cart. limit: most bundles that count. parts: what and how many units of it."""

    limit: int
    parts: tuple[tuple[ProductRef, int], ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A stored validation rule (`val_…`), read. by_metadata: its rules whose lines join `applicable_to`."""

    public_id: str
    tree: RuleTree
    error_message: str | None = None
    name: str = ""
    applicable_to: ApplicableTo | None = None
    bundle: BundleTerms | None = None
    by_metadata: tuple[RuleNode, ...] = ()
