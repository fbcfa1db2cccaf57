"""A segment's filter: read from the wire, from the row, and turned into a condition on customers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from config.filters import parser
from config.filters.ast import Node, leaves
from config.filters.compiler import to_q
from config.filters.fields import FieldTable, Scope
from config.filters.operators import is_relative
from config.filters.parser import InvalidFilter, Limits, Problem
from config.filters.values import Kind
from config.project.models import Project
from customers.filtering import scope_of as scope_of  # services and pages ask for it here
from segments.models import Membership, Segment

VERSION: Final = 1
"""Of the filter language."""
DEEPEST_CHAIN: Final = 10
"""Segments that name segments."""
MOST_CONDITIONS_IN_ALL: Final = 1_000


def limits() -> Limits:
    """The limits of the settings."""
    return Limits(
        depth=settings.FILTER_MAX_DEPTH,
        conditions=settings.FILTER_MAX_CONDITIONS,
        values=settings.FILTER_MAX_VALUES,
        size=settings.FILTER_MAX_BYTES,
    )


def read(
    *, project: Project, body: object, table: FieldTable, empty: str | None = None, inside: str = ""
) -> tuple[Node | None, tuple[Problem, ...]]:
    """The tree of a filter that is to be used, or every problem: the language's, and the segments it names.

    empty: the message for a filter without any condition. inside: the public id of the segment it is for.
    """
    node, problems = parser.read(body, table, limits=limits(), empty=empty)
    if node is None:
        return None, problems
    problems = _reference_problems(project, node, table, inside)
    return (None if problems else node), problems


def body_of(segment: Segment) -> dict[str, Any] | None:
    """The filter as it was sent."""
    if segment.definition is None:
        return None
    body: dict[str, Any] = json.loads(segment.definition)
    return body


def node_of(segment: Segment, table: FieldTable) -> tuple[Node, FieldTable]:
    """The tree of a dynamic segment, and the table by which to compile it.

    Where a schema that was declared later contradicts the filter, metadata is compared as it is stored.
    """
    body = body_of(segment)
    try:
        return parser.parse(body, table, limits=limits()), table
    except InvalidFilter:
        plain = table.with_declared(dict)
        return parser.parse(body, plain, limits=limits()), plain


def q_of(segment: Segment, scope: Scope) -> Q:
    """Who is in the segment, as a condition on customers. Never NULL."""
    if segment.is_static:
        return listed([segment.pk])
    if segment.public_id in scope.expanding or len(scope.expanding) > DEEPEST_CHAIN:
        raise InvalidFilter((Problem(".filter", f"Segment {segment.public_id} contains itself"),))
    node, table = node_of(segment, scope.fields)
    return to_q(node, replace(scope, fields=table, expanding=scope.expanding | {segment.public_id}))


def listed(segments: Iterable[int]) -> Q:
    """In one of these static segments, by row id."""
    return Q(Exists(Membership.objects.filter(customer=OuterRef("pk"), segment_id__in=list(segments))))


def facts_of(node: Node, table: FieldTable, project: Project) -> tuple[list[str], bool]:
    """What the tree reads, and whether time alone changes its answer; both through the segments it names.

    Read are fields' keys and, at the end, the public ids of the segments that it names itself.
    """
    read_fields: set[str] = set()
    relative = False
    for leaf in leaves(node):
        field = table[leaf.field]
        read_fields |= {field.key, *field.depends_on}
        relative = relative or is_relative(leaf.operator, field.kind, leaf.values)
    named = segments_named(node, table)
    for segment in Segment.objects.of(project).filter(public_id__in=named):
        read_fields |= {key for key in segment.fields_read if not key.startswith("seg_")}
        relative = relative or segment.relative_to_now
    return [*sorted(read_fields), *named], relative


def segments_named(node: Node, table: FieldTable) -> list[str]:
    """Public ids of the segments that a tree names, each once."""
    named = [str(value) for leaf in leaves(node) if table[leaf.field].kind is Kind.SEGMENT for value in leaf.values]
    return list(dict.fromkeys(named))


def _reference_problems(project: Project, node: Node, table: FieldTable, inside: str) -> tuple[Problem, ...]:
    """Segments that do not exist, circles, and chains of segments that are too long or too large."""
    named = segments_named(node, table)
    if not named:
        return ()
    known = set(Segment.objects.of(project).filter(public_id__in=named).values_list("public_id", flat=True))
    problems = [
        Problem(leaf.path, f"Property {leaf.path} names segment {value}, which does not exist")
        for leaf in leaves(node)
        if table[leaf.field].kind is Kind.SEGMENT
        for value in leaf.values
        if value not in known
    ]
    if problems:
        return tuple(problems)
    return _chain_problems(project, node, table, inside)


def _chain_problems(project: Project, node: Node, table: FieldTable, inside: str) -> tuple[Problem, ...]:
    """Walks the segments behind segments, level by level, counting each way to them."""
    conditions, level = len(list(leaves(node))), segments_named(node, table)
    for _ in range(DEEPEST_CHAIN):
        rows = {row.public_id: row for row in Segment.objects.of(project).dynamic().filter(public_id__in=level)}
        behind: list[str] = []
        for public_id in level:
            if public_id == inside and inside:
                return (Problem(".filter", "Property .filter names a segment that contains this segment"),)
            if public_id in rows:
                inner, own = node_of(rows[public_id], table)
                conditions += len(list(leaves(inner)))
                behind += segments_named(inner, own)
            if conditions > MOST_CONDITIONS_IN_ALL or len(behind) > MOST_CONDITIONS_IN_ALL:
                return (Problem(".filter", "Property .filter names segments with too many conditions in all"),)
        if not behind:
            return ()
        level = behind
    return (Problem(".filter", f"Property .filter names segments nested deeper than {DEEPEST_CHAIN}"),)
