"""Tree → Q. Total: a node it does not know is a crash, never "everyone"."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import assert_never

from django.db.models import Q

from config.filters.ast import AllOf, AnyOf, Compare, Node, Not
from config.filters.checks import Check
from config.filters.fields import Scope
from config.filters.late import check_for, deferred
from config.filters.operators import OPERATORS, is_relative


def to_q(node: Node, scope: Scope) -> Q:
    """The condition on the rows that the table's sources speak of. No leaf is ever NULL, so Not loses nobody."""
    match node:
        case AllOf(children):
            return reduce(and_, (to_q(child, scope) for child in children))
        case AnyOf(children):
            return reduce(or_, (to_q(child, scope) for child in children))
        case Not(child):
            return ~to_q(child, scope)
        case Compare():
            return _leaf(node, scope)
        case _:
            assert_never(node)


def _leaf(node: Compare, scope: Scope) -> Q:
    field = scope.fields[node.field]
    operator = OPERATORS[node.operator]
    if operator.negates:
        return ~_leaf(Compare(node.field, operator.negates, node.values, node.path), scope)
    return field.source.match(check_of(node, scope), field, scope)


def check_of(node: Compare, scope: Scope) -> Check:
    """What a condition of a positive operator asks of its field."""
    field = scope.fields[node.field]
    if scope.late and is_relative(node.operator, field.kind, node.values):
        return deferred(node, field, scope.moment)
    return check_for(node, field, scope.moment)
