"""Lines that a rule about products' metadata finds, and says that the discount is for them.

`product.metadata.discount_applicable`: which lines is only known on a cart; there they become entries of
`applicable_to`.
Source: validation rules, product and SKU.
"""

from __future__ import annotations

from dataclasses import replace

from vouchers.engine import product_rules
from vouchers.engine.asked import Asked
from vouchers.engine.operators import Moment
from vouchers.engine.order_state import Item
from vouchers.engine.product_definitions import ADDED
from vouchers.engine.rule_terms import ApplicableEntry, ApplicableTo, ProductRef, RuleSet
from vouchers.engine.terms import Facts, VoucherTerms


def on_cart(terms: VoucherTerms, facts: Facts) -> VoucherTerms:
    """The terms with what their rules match on the order."""
    if facts.order is None or not any(rule_set.by_metadata for rule_set in terms.rule_sets):
        return terms
    return replace(terms, rule_sets=tuple(_on_cart(rule_set, Asked(terms, facts)) for rule_set in terms.rule_sets))


def _on_cart(rule_set: RuleSet, asked: Asked) -> RuleSet:
    if not rule_set.by_metadata:
        return rule_set
    moment = Moment(asked.facts.at, asked.facts.zone)
    refs: dict[ProductRef, None] = {}
    for node in rule_set.by_metadata:
        _, lines, _ = product_rules.with_metadata(asked.about(node.property), node, moment)
        refs |= {ref: None for index in lines or () if (ref := _ref(asked.order.basket.lines[index].item)) is not None}
    entries = [ApplicableEntry(ref, stored={"object": ref.object, "id": ref.id, **ADDED}) for ref in refs]
    known = rule_set.applicable_to or ApplicableTo()
    return replace(rule_set, applicable_to=replace(known, included=(*known.included, *entries)))


def _ref(item: Item) -> ProductRef | None:
    """What names the line: its SKU, else its product; None where nothing does."""
    kind, own, keys = (
        ("sku", item.sku_id, item.sku_keys) if item.sku_keys else ("product", item.product_id, item.product_keys)
    )
    name = own or min(keys, default=None)
    return None if name is None else ProductRef(kind, name)
