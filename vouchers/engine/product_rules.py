"""Rules that are about lines of the cart: which products are in it, and which lines their nested rules are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from vouchers.engine import operators
from vouchers.engine.asked import Asked, lines_of, product_metadata
from vouchers.engine.operators import Moment
from vouchers.engine.product_definitions import read_ref
from vouchers.engine.rule_terms import Condition, ProductRef, RuleNode

Judge = Callable[[Asked, RuleNode, Moment], tuple[bool, Sequence[int] | None, bool]]
"""Whether it holds; the lines that nested rules are about (None: those of the parent); whether each of them must."""

NEGATIVE: Final = ("$is_not", "$not_in")
OPERATORS: Final[Mapping[str, Any]] = dict.fromkeys(("$is", "$in", *NEGATIVE, "$from"))
"""Their values are products, SKUs and collections; what they mean is each rule's own."""


def to_ref(value: Any) -> ProductRef:
    """An object `{"id", "object"}`, or an id alone. Raises ValueError."""
    if isinstance(value, str) and value and "\0" not in value:
        kind = "products_collection" if value.startswith("pc_") else "sku" if value.startswith("sku_") else "product"
        return ProductRef(kind, value)
    if isinstance(value, Mapping) and value.get("object") is None and isinstance(value.get("id"), str):
        return to_ref(value["id"] or None)
    return read_ref(value, "")


def fits(value: Any, conditions: Sequence[Condition], known: Mapping[str, Any], moment: Moment) -> bool:
    """Whether one value meets all conditions; nothing found meets the negative ones only."""
    if value is None:
        return all(condition.operator in operators.NEGATIVE for condition in conditions)
    return all(known[condition.operator](value, condition.values, moment) for condition in conditions)


def any_line(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
    """At least one line matches."""
    lines = _matched(asked, node)
    return bool(lines), lines, False


def every_line(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
    """All lines match, and there are any."""
    lines = _matched(asked, node)
    return bool(lines) and len(lines) == len(asked.indices), lines, True


def no_line(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
    """No line matches."""
    return not _matched(asked, node), None, False


def cheapest(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
    """The cheapest lines of the cart, or of `$from`, match."""
    return _extreme(asked, node, dearest=False)


def most_expensive(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
    """The dearest lines of the cart, or of `$from`, match."""
    return _extreme(asked, node, dearest=True)


def in_cart(kind: str) -> Judge:
    """Of the older family: the cart has one of the products (SKUs). kind: what an id alone means."""

    def judge(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
        held, lines = True, list(asked.indices)
        for condition in node.conditions:
            refs = [ref if ref.object == "products_collection" else ProductRef(kind, ref.id, ref.source_id)
                    for ref in condition.values]  # fmt: skip
            matched = lines_of(asked, refs)
            if condition.operator in NEGATIVE:
                held = held and not matched
                lines = [index for index in lines if index not in matched]
            else:
                held = held and bool(matched)
                lines = [index for index in lines if index in matched]
        return held, lines, False

    return judge


def with_metadata(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
    """At least one product's metadata fits; nested rules are about those lines."""
    values = product_metadata(asked)
    lines = [
        index
        for index, value in zip(asked.indices, values, strict=True)
        if fits(value, node.conditions, operators.ANYTHING, moment)
    ]
    return bool(lines), lines, False


def all_match(asked: Asked) -> bool:
    """Nested in a rule about metadata: whether its lines are all there are."""
    return len(asked.indices) == len(asked.order.basket.lines)


def always(asked: Asked, node: RuleNode, moment: Moment) -> tuple[bool, Sequence[int] | None, bool]:
    """Says to which lines a discount applies; no condition."""
    return True, None, False


def held_by_customer(asked: Asked) -> bool:
    """Whether the code was published to the one who redeems."""
    holder = asked.terms.holder_id
    return holder is not None and holder == asked.facts.customer.public_id


def _refs(node: RuleNode, operator: str) -> list[ProductRef]:
    return [ref for condition in node.conditions if condition.operator == operator for ref in condition.values]


def _matched(asked: Asked, node: RuleNode) -> list[int]:
    """The lines that `$is` or `$in` name and `$is_not` or `$not_in` do not, all of them in `$from`."""
    named = [*_refs(node, "$is"), *_refs(node, "$in")]
    found = lines_of(asked, named) if named else list(asked.indices)
    if unwanted := [*_refs(node, "$is_not"), *_refs(node, "$not_in")]:
        out = set(lines_of(asked, unwanted))
        found = [index for index in found if index not in out]
    if inside := _refs(node, "$from"):
        kept = set(lines_of(asked, inside))
        found = [index for index in found if index in kept]
    return found


def _extreme(asked: Asked, node: RuleNode, *, dearest: bool) -> tuple[bool, Sequence[int] | None, bool]:
    prices = asked.order.basket.prices
    inside = _refs(node, "$from")
    among = [index for index in (lines_of(asked, inside) if inside else asked.indices) if prices[index] is not None]
    if not among:
        return False, None, True
    known = [prices[index] or 0 for index in among]
    extreme = max(known) if dearest else min(known)
    qualified = [index for index, price in zip(among, known, strict=True) if price == extreme]
    matched = set(_matched(asked, node))
    return all(index in matched for index in qualified), qualified, True
