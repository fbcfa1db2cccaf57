"""What rules and discounts of redeemables read beside the order, so that it is fetched once and only when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from vouchers.engine import rule_names
from vouchers.engine.product_definitions import names_of
from vouchers.engine.rule_terms import ProductRef, RuleNode, RuleTree
from vouchers.engine.terms import Count, UnitCount, VoucherTerms


@dataclass(frozen=True, slots=True)
class Needs:
    """segments, collections: public ids. unit_types: of free units. unit_counts: without the line's product.
    publications: public ids of vouchers whose publication is read."""

    segments: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()
    unit_types: frozenset[str] = frozenset()
    counts: frozenset[Count] = frozenset()
    unit_counts: frozenset[UnitCount] = frozenset()
    publications: frozenset[str] = frozenset()

    @property
    def nothing(self) -> bool:
        """Whether nothing has to be fetched."""
        return self == NOTHING


NOTHING: Final = Needs()
PUBLICATION: Final = "PUBLICATION_METADATA"


def of(terms: Iterable[VoucherTerms]) -> Needs:
    """What all of them together need."""
    segments: set[str] = set()
    refs: set[ProductRef] = set()
    counts: set[Count] = set()
    units: set[str] = set()
    unit_counts: set[UnitCount] = set()
    publications: set[str] = set()
    for one in terms:
        units.update(unit.unit_type for unit in (one.discount.units if one.discount else ()))
        if any(PUBLICATION in formula for formula in _formulas(one)):
            publications.add(one.public_id)
        for rule_set in one.rule_sets:
            refs.update(names_of(rule_set.applicable_to, rule_set.bundle))
            unit_counts.update(_unit_counts(one))
            for node in walk(rule_set.tree):
                row = rule_names.row_of(node.name)
                if row is not None and row.counter is not None:
                    counts.add(row.counter.of(one))
                segments.update(_segments(node))
                refs.update(refs_of(node))
    if not (segments or refs or counts or units or unit_counts or publications):
        return NOTHING
    collections = {ref.id for ref in refs if ref.object == "products_collection"}
    collections |= {unit_type for unit_type in units if unit_type.startswith("pc_")}
    return Needs(
        frozenset(segments),
        frozenset(collections),
        frozenset(units),
        frozenset(counts),
        frozenset(unit_counts),
        frozenset(publications),
    )


def _formulas(terms: VoucherTerms) -> Iterator[str]:
    """The texts of all its formulas."""
    discount, applicable_to = terms.discount, terms.applicable_to
    if discount is not None and discount.formula:
        yield discount.formula
    yield from (unit.formula for unit in (discount.units if discount else ()) if unit.formula)
    for entry in applicable_to.included if applicable_to else ():
        yield from entry.formulas.values()


def segment_ids(tree: RuleTree) -> list[str]:
    """The segments that the rules name, each once, in order of appearance."""
    return list(dict.fromkeys(public_id for node in walk(tree) for public_id in _segments(node)))


def walk(tree: RuleTree) -> Iterator[RuleNode]:
    """Every node, nested ones after their parents."""
    for number in sorted(tree.nodes):
        node = tree.nodes[number]
        yield node
        if node.nested is not None:
            yield from walk(node.nested)


def refs_of(node: RuleNode) -> list[ProductRef]:
    """The products, SKUs and collections that a node names itself."""
    return [value for condition in node.conditions for value in condition.values if isinstance(value, ProductRef)]


def _segments(node: RuleNode) -> list[str]:
    if rule_names.ALIASES.get(node.name, node.name) != "customer.segment":
        return []
    return [value for condition in node.conditions for value in condition.values]


def _unit_counts(terms: VoucherTerms) -> Iterator[UnitCount]:
    applicable_to = terms.applicable_to
    for entry in applicable_to.included if applicable_to else ():
        for name in entry.history_limits:
            subject = terms.public_id if "promotion_tier" in name else terms.campaign_id
            if subject is not None:
                yield UnitCount(subject, "", "customer" if "customer" in name else "")
