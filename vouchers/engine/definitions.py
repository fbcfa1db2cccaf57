"""Stored or posted `rules` JSON → RuleTree. The same reader checks a new rule and reads a stored one.

Problems are sentences that name the rule by its path (`2`, `2.rules.1`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vouchers.engine import logic as logic_text
from vouchers.engine import operators, product_definitions, rule_names
from vouchers.engine.rule_terms import (
    ApplicableEntry,
    ApplicableTo,
    Condition,
    Logic,
    ProductRef,
    RuleNode,
    RuleSet,
    RuleTree,
)

MOST_RULES: Final = 100
DEEPEST: Final = 3


class DefinitionError(ValueError):
    """The rules cannot be meant; the message is the wire's `details`."""


def read_tree(rules: Any, *, path: str = "", depth: int = 0) -> RuleTree:
    """Return the tree of a `rules` object. Raises DefinitionError with the first problem."""
    if not isinstance(rules, Mapping):
        raise DefinitionError(f"Property .rules{path} should be an object")
    if depth > DEEPEST:
        raise DefinitionError(f"Rules are nested deeper than {DEEPEST} levels")
    numbered = {key: value for key, value in rules.items() if key != "logic"}
    if len(numbered) > MOST_RULES:
        raise DefinitionError(f"Property .rules{path} should NOT have more than {MOST_RULES} rules")
    nodes = {}
    for key, rule in numbered.items():
        if not (key.isascii() and key.isdigit() and len(key) <= 6) or int(key) < 1 or int(key) in nodes:
            raise DefinitionError(
                f"Property .rules{path} has an unexpected key '{key[:40]}': rules are numbered 1, 2, 3"
            )
        nodes[int(key)] = _read_node(int(key), rule, path=f"{path}.{key}", depth=depth)
    text = rules.get("logic")
    if text is not None and not isinstance(text, str):
        raise DefinitionError(f"Property .rules{path}.logic should be a string")
    return RuleTree(nodes, _read_logic(text or "", nodes, path))


def read_rule_set(
    *,
    public_id: str,
    rules: Any,
    error: Mapping[str, Any] | None,
    name: str = "",
    applicable_to: Mapping[str, Any] | None = None,
    bundle_rules: Mapping[str, Any] | None = None,
) -> RuleSet:
    """Return a stored validation rule as the engine's terms. Raises DefinitionError."""
    tree = read_tree(rules)
    return RuleSet(
        public_id,
        tree,
        error_message=_message(error),
        name=name,
        applicable_to=_with_matched(tree, product_definitions.read_applicable_to(applicable_to)),
        bundle=product_definitions.read_bundle(bundle_rules),
        by_metadata=_by_metadata(tree),
    )


def _with_matched(tree: RuleTree, applicable_to: ApplicableTo | None) -> ApplicableTo | None:
    """What the older rules add: `product.id` with `product.discount_applicable` inside discounts what it matched."""
    matched = [
        ApplicableEntry(ref, stored={"object": ref.object, "id": ref.id, **product_definitions.ADDED})
        for node in tree.nodes.values()
        if node.nested is not None and any(_discounts(inner) for inner in node.nested.nodes.values())
        for condition in node.conditions
        if condition.operator in ("$is", "$in")
        for ref in condition.values
        if isinstance(ref, ProductRef)
    ]
    on_cart = bool(_by_metadata(tree))
    if not matched and not on_cart:
        return applicable_to
    known = applicable_to or ApplicableTo()
    return ApplicableTo((*known.included, *matched), known.excluded, known.included_all, on_cart)


def _by_metadata(tree: RuleTree) -> tuple[RuleNode, ...]:
    return tuple(
        node
        for node in tree.nodes.values()
        if node.name == "product.metadata"
        and node.nested is not None
        and any(_discounts(inner) for inner in node.nested.nodes.values())
    )


def _discounts(node: RuleNode) -> bool:
    """Whether the nested rule says that what was matched is discounted."""
    return node.name.endswith(".discount_applicable") and all(
        condition.values == (True,) for condition in node.conditions
    )


def completed(rules: Mapping[str, Any], tree: RuleTree) -> dict[str, Any]:
    """The rules as they are stored and answered: as sent, a missing logic filled in (`1`, `1 and 2`)."""
    if tree.nodes and not rules.get("logic"):
        return {**rules, "logic": logic_text.to_text(tree.logic)}
    return dict(rules)


def _read_node(number: int, rule: Any, *, path: str, depth: int) -> RuleNode:
    if not isinstance(rule, Mapping):
        raise DefinitionError(f"Property .rules{path} should be an object")
    name = rule.get("name")
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"Property .rules{path} should have required property 'name'")
    property_name = rule.get("property")
    if property_name is not None and not isinstance(property_name, str):
        raise DefinitionError(f"Property .rules{path}.property should be a string")
    row = rule_names.row_of(name)
    if not property_name and row is not None and row.with_property:
        raise DefinitionError(f"Rule '{name}' must have a 'property'")
    if row is None:
        supported = ", ".join(sorted(rule_names.RULE_NAMES))
        raise DefinitionError(
            f"Rule '{name[:80]}' is not supported (Property .rules{path}.name); supported: {supported}"
        )
    nested = rule.get("rules")
    error = rule.get("error")
    if error is not None and not isinstance(error, Mapping):
        raise DefinitionError(f"Property .rules{path}.error should be an object")
    return RuleNode(
        number=number,
        name=name,
        property=property_name,
        conditions=_read_conditions(row, rule.get("conditions"), path),
        nested=read_tree(nested, path=f"{path}.rules", depth=depth + 1) if nested else None,
        error_message=_message(error),
    )


def _read_conditions(row: rule_names.RuleName, conditions: Any, path: str) -> tuple[Condition, ...]:
    where = f".rules{path}.conditions"
    if not isinstance(conditions, Mapping):
        raise DefinitionError(f"Rule '{row.name}' must have 'conditions' (Property {where})")
    if not conditions:
        raise DefinitionError(f"Property {where} should have at least one operator")
    return tuple(_read_condition(row, sent, values, where) for sent, values in conditions.items())


def _read_condition(row: rule_names.RuleName, sent: str, values: Any, where: str) -> Condition:
    operator = operators.ALIASES.get(sent, sent)
    if operator not in row.operators:
        allowed = ", ".join(row.operators)
        raise DefinitionError(f"Rule '{row.name}' has an unknown operator '{sent[:40]}' ({where}); known: {allowed}")
    if not isinstance(values, list | tuple) or not values:
        raise DefinitionError(f"Property {where}.{sent} should be an array with at least one value")
    if len(values) > 1 and operator not in row.many_values:
        raise DefinitionError(f"Property {where}.{sent} should have exactly one value")
    try:
        read = row.value if row.judge is not None else operators.READERS.get(operator, row.value)
        return Condition(operator, tuple(read(value) for value in values))
    except ValueError as error:
        raise DefinitionError(f"Property {where}.{sent} has a value that is {error}") from error


def _read_logic(text: str, nodes: Mapping[int, RuleNode], path: str) -> Logic:
    try:
        tree = logic_text.parse(text)
    except logic_text.LogicError as error:
        raise DefinitionError(f"Property .rules{path}.logic {error}") from error
    if not text.strip():
        return logic_text.every(nodes)
    for number in logic_text.numbers_of(tree):
        if number not in nodes:
            raise DefinitionError(f"Property .rules{path}.logic names rule {number}, which is not there")
    return tree


def _message(error: Any) -> str | None:
    message = error.get("message") if isinstance(error, Mapping) else None
    return message if isinstance(message, str) and message else None
