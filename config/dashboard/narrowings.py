"""Filters of the customers' list that come from higher apps: the segment one is in, and the filter language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from config.dashboard.lists import Filter
from config.filters.ast import Node
from config.filters.compiler import to_q
from config.filters.sentence import sentence
from config.imports.models import ImportFile
from config.kernel.errors import NotFound
from config.project.models import Project
from customers.models import Customer
from customers.services import imported
from segments import definitions, services
from segments.models import Segment

MOST_OFFERED: Final = 200


FIELDS: Final = {"country": "address.country", "state": "address.state", "city": "address.city"}
"""Plain parameters of the list → fields of the language."""


def as_filter(query: Mapping[str, str]) -> str:
    """The list's filters as one filter of the language; "" where there is none, or something that it cannot say."""
    if query.get("q") or query.get("import"):
        return ""
    fields: dict[str, Any] = {
        field: {"conditions": {"$is": [query[key]]}} for key, field in FIELDS.items() if query.get(key)
    }
    if query.get("segment"):
        fields["segments"] = {"conditions": {"$in": [query["segment"]]}}
    if written := query.get("filter"):
        try:
            body = json.loads(written)
        except (json.JSONDecodeError, RecursionError):
            return ""
        if not fields:
            return written
        fields["g1"] = body
    return json.dumps({"junction": "and", **fields}) if fields else ""


def by_segment(project: Project, at: datetime) -> Filter:
    """`?segment=seg_…`: live members."""
    offered = Segment.objects.of(project).newest_first().values_list("public_id", "name")[:MOST_OFFERED]
    choices = tuple(offered)

    def apply(rows: QuerySet[Customer], public_id: str) -> QuerySet[Customer]:
        try:
            segment = services.find(project=project, identifier=public_id)
        except NotFound as error:
            raise ValueError("This segment does not exist any more.") from error
        return rows.filter(definitions.q_of(segment, definitions.scope_of(project, at)))

    def words(public_id: str) -> str:
        return f"In segment “{dict(choices).get(public_id, public_id)}”"

    return Filter("segment", "Segment", apply, choices=choices, words=words)


def by_import(project: Project, at: datetime) -> Filter:
    """`?import=imp_…`: whom that import added or changed."""

    def found(public_id: str) -> ImportFile:
        file = ImportFile.objects.of(project).filter(public_id=public_id, subject="customers").first()
        if file is None:
            raise ValueError("This import does not exist any more.")
        return file

    def apply(rows: QuerySet[Customer], public_id: str) -> QuerySet[Customer]:
        return rows.filter(pk__in=imported.customers_of(found(public_id)).values("pk"))

    def words(public_id: str) -> str:
        return f"Added or changed by import “{found(public_id)}”"

    return Filter("import", "Import", apply, words=words, offered=False)


def by_filter(project: Project, at: datetime) -> Filter:
    """`?filter={…}`: the filter language of segments, as the builder writes it."""
    scope = definitions.scope_of(project, at)

    def node_of(text: str) -> Node:
        try:
            body: Any = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError("The filter in the address is not JSON.") from error
        node, problems = definitions.read(project=project, body=body, table=scope.fields)
        if node is None:
            raise ValueError("; ".join(problem.message for problem in problems[:3]))
        return node

    def apply(rows: QuerySet[Customer], text: str) -> QuerySet[Customer]:
        return rows.filter(to_q(node_of(text), scope))

    def words(text: str) -> str:
        return sentence(node_of(text), scope.fields, zone=ZoneInfo(project.timezone))

    return Filter("filter", "Filter", apply, words=words, offered=False)
