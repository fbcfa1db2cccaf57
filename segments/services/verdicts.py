"""Why a customer is in a segment, or not: every condition with its verdict and the customer's actual value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from config.filters import fragments
from config.filters.ast import AllOf, AnyOf, Compare, Node, Not, leaves
from config.filters.compiler import to_q
from config.filters.fields import Field, Scope
from config.filters.fragments import Bound
from config.filters.operators import OPERATORS
from config.filters.parser import InvalidFilter
from config.filters.sentence import sentence, shown
from config.filters.values import DATES, Argument, Kind, WrongValue, convert, number
from config.project.models import Project
from customers.models import Customer
from customers.payloads import CustomerData
from customers.rendering import render_simple
from segments import definitions, evaluation
from segments.compiled import Conditions
from segments.models import Segment


@dataclass(frozen=True, slots=True)
class Why:
    """member: the verdict; sentence: `Not in, because Country is PL`; tree: see `as_json`."""

    member: bool
    sentence: str
    tree: dict[str, Any]
    customer: Customer | None

    def as_json(self) -> dict[str, Any]:
        """The answer for the page.

        {"member": false, "sentence": "Not in, because …", "customer": {"id", "name", …}|null, "tree": Group|Rule}
        Group: {"match": "all"|"any"|"none"|"not", "verdict": true, "path": ".filter.g1", "rules": [Group|Rule]}
        Rule:  {"field": "address.country", "label": "Country", "op": "$is", "words": "Country is Germany",
                "verdict": false, "actual": "PL" (JSON; null: unknown), "actual_words": "PL"|"empty", "path": "…"}
        A static segment's tree is one rule with `op` and `field` empty.
        """
        customer = None if self.customer is None else render_simple(self.customer)
        return {"member": self.member, "sentence": self.sentence, "customer": customer, "tree": self.tree}


@dataclass(frozen=True, slots=True)
class _Leaf:
    verdict: bool
    actual: Any


def why(*, segment: Segment, customer: Customer | None, data: CustomerData | None = None, at: datetime) -> Why:
    """Explain a segment's verdict, in one statement. data: sent and not stored."""
    if segment.is_static:
        return _of_list(segment, customer, at)
    scope = definitions.scope_of(segment.project, at)
    node, table = definitions.node_of(segment, scope.fields)
    return _explain(segment.project, node, replace(scope, fields=table), customer, data, at)


def why_filter(*, project: Project, filter: object, customer: Customer, at: datetime) -> Why:
    """Explain a filter that is still being written. Raises InvalidFilter."""
    scope = definitions.scope_of(project, at)
    node, problems = definitions.read(project=project, body=filter, table=scope.fields)
    if node is None:
        raise InvalidFilter(problems)
    return _explain(project, node, scope, customer, None, at)


def _of_list(segment: Segment, customer: Customer | None, at: datetime) -> Why:
    conditions = [Conditions(segment.project, at).of(segment)]
    [verdict], _ = evaluation.ask(project=segment.project, customer=customer, data=None, at=at, conditions=conditions)
    words = f"{'In' if verdict else 'Not in'}, because the customer is {'' if verdict else 'not '}on the list"
    rule = {"field": "", "label": segment.name, "op": "", "words": "is on the list", "verdict": verdict}
    rule |= {"actual": None, "actual_words": "on the list" if verdict else "not on the list", "path": ""}
    return Why(verdict, words, rule, customer)


def _explain(
    project: Project, node: Node, scope: Scope, customer: Customer | None, data: CustomerData | None, at: datetime
) -> Why:
    conditions, rows = list(leaves(node)), Customer.objects.all()
    verdicts, actual = evaluation.ask(
        project=project,
        customer=customer,
        data=data,
        at=at,
        conditions=[Bound(fragments.of(to_q(leaf, scope), rows).text) for leaf in conditions],
        values=[_value(leaf, scope) for leaf in conditions],
    )
    found = {id(leaf): _Leaf(verdict, value) for leaf, verdict, value in zip(conditions, verdicts, actual, strict=True)}
    named = definitions.segments_named(node, scope.fields)
    names = dict(Segment.objects.of(project).filter(public_id__in=named).values_list("public_id", "name"))
    page = _Page(scope, found, names)
    member = page.holds(node)
    reasons = list(dict.fromkeys(page.reason(leaf) for leaf in page.culprits(node)))
    words = f"{'In' if member else 'Not in'}, because {' and '.join(reasons)}"
    return Why(member, words, page.render(node), customer)


def _value(leaf: Compare, scope: Scope) -> Bound:
    field = scope.fields[leaf.field]
    return Bound(fragments.of_expression(field.source.value(field, scope), Customer.objects.all()).text)


class _Page:
    """Renders a tree whose conditions are answered."""

    def __init__(self, scope: Scope, found: Mapping[int, _Leaf], names: Mapping[str, str]) -> None:
        self.scope, self.found, self.names = scope, found, names

    def holds(self, node: Node) -> bool:
        match node:
            case AllOf(children):
                return all(self.holds(child) for child in children)
            case AnyOf(children):
                return any(self.holds(child) for child in children)
            case Not(child):
                return not self.holds(child)
            case Compare():
                return self.found[id(node)].verdict

    def culprits(self, node: Node) -> Iterator[Compare]:
        """The conditions that make a node what it is."""
        match node:
            case AllOf(children) | AnyOf(children):
                verdict = self.holds(node)
                deciding = isinstance(node, AnyOf) if verdict else isinstance(node, AllOf)
                for child in children:
                    if not deciding or self.holds(child) == verdict:
                        yield from self.culprits(child)
            case Not(child):
                yield from self.culprits(child)
            case Compare():
                yield node

    def render(self, node: Node) -> dict[str, Any]:
        match node:
            case AllOf(children):
                return self.group("all", node, children)
            case AnyOf(children):
                return self.group("any", node, children)
            case Not(AnyOf(children)):
                return self.group("none", node, children)
            case Not(child):
                return self.group("not", node, (child,))
            case Compare():
                return self.rule(node)

    def group(self, match: str, node: Node, children: Sequence[Node]) -> dict[str, Any]:
        rules = [self.render(child) for child in children]
        return {"match": match, "verdict": self.holds(node), "path": node.path, "rules": rules}

    def rule(self, node: Compare) -> dict[str, Any]:
        field, leaf = self.scope.fields[node.field], self.found[id(node)]
        return {
            "field": node.field,
            "label": field.label,
            "op": node.operator,
            "words": sentence(node, self.scope.fields, zone=self.scope.moment.zone, names=self.names),
            "verdict": leaf.verdict,
            "actual": leaf.actual,
            "actual_words": self.words(leaf.actual, field),
            "path": node.path,
        }

    def reason(self, node: Compare) -> str:
        """`Country is PL`, `Country is empty`; for a segment whether the customer is in it."""
        field, leaf = self.scope.fields[node.field], self.found[id(node)]
        if field.kind is Kind.SEGMENT:
            is_in = leaf.verdict != bool(OPERATORS[node.operator].negates)
            names = " or ".join(self.names.get(str(value), str(value)) for value in node.values)
            return f"the customer is {'' if is_in else 'not '}in {names}"
        return f"{field.label} is {self.words(leaf.actual, field)}"

    def words(self, actual: Any, field: Field) -> str:
        """A stored value as a reader sees it."""
        if actual is None or actual == []:
            return "empty"
        if isinstance(actual, list):
            return ", ".join(self.words(part, field) for part in actual)
        if isinstance(actual, dict):
            return "an object"
        try:
            if field.kind in DATES and isinstance(actual, str):
                value = convert(actual, Argument.INSTANT, field.kind)
            else:
                value = actual if isinstance(actual, str | bool) else number(actual)
        except WrongValue:
            return str(actual)
        return shown(value, field, zone=self.scope.moment.zone)
