"""Create, find, change and delete a segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import transaction
from django.db.models import Q

from config.filters.parser import InvalidFilter
from config.filters.sql import Param, Sql
from config.kernel.errors import LimitExceeded, NotFound, ResourceInUse
from config.project.models import Project, User
from customers import fields
from customers.models import Customer
from segments import definitions, payloads, uses
from segments.errors import SegmentChanged, SegmentNotEditable
from segments.models import Membership, Segment
from segments.rendering import render_segment
from segments.services import activity, watches
from segments.uses import Use

BATCH: Final = 5_000


def create(
    *,
    project: Project,
    name: str,
    type: str,
    filter: object = None,
    customers: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    at: datetime,
    description: str = "",
    created_by: User | None = None,
) -> Segment:
    """Return the new segment; nobody enters it by an event. The filter is kept exactly as it was sent.

    customers: ids and source ids of a static segment. Raises InvalidFilter with every problem, NotFound naming the
    first customer that does not exist, LimitExceeded where the project has a cap.
    """
    segment = Segment(
        project=project,
        name=name,
        description=description,
        type=type,
        metadata=dict(metadata or {}),
        created_by=created_by,
        created_at=at,
    )
    with transaction.atomic():
        if segment.is_static:
            rows = _customers(project, list(dict.fromkeys(customers or ())))
            segment.save(force_insert=True)
            Membership.objects.bulk_create(
                (Membership(segment=segment, customer_id=row, entered_at=at) for row in rows), batch_size=BATCH
            )
        else:
            _check_number(project)
            _define(segment, filter)
            segment.save(force_insert=True)
            watches.renew(project)
        activity.note(segment=segment, type=activity.CREATED, at=at, source=activity.source_of(created_by))
    return segment


def collect(
    project: Project, name: str, batches: Iterable[Sequence[int]], at: datetime, user: User | None = None
) -> str:
    """Make a fixed segment of customers given by their row ids, of any number, and return its public id."""
    with transaction.atomic():
        segment = create(project=project, name=name, type=Segment.Type.STATIC, customers=(), at=at, created_by=user)
        for rows in batches:
            Membership.objects.bulk_create(
                (Membership(segment=segment, customer_id=row, entered_at=at) for row in rows), ignore_conflicts=True
            )
    return segment.public_id


def update(
    *,
    segment: Segment,
    at: datetime,
    version: int,
    name: str | None = None,
    description: str | None = None,
    filter: object = None,
    user: User | None = None,
) -> Segment:
    """Return the changed segment; None leaves a part as it is. Only a passive segment's filter can change.

    version: the one that was shown to who edits. Raises SegmentChanged, SegmentNotEditable, InvalidFilter.
    """
    with transaction.atomic():
        stored = Segment.objects.select_for_update(no_key=True).filter(pk=segment.pk).first()
        if stored is None:
            raise NotFound.of("segment", segment.public_id)
        if stored.version != version:
            raise SegmentChanged(f"Segment {stored.public_id} is at version {stored.version}, not {version}")
        before, former = render_segment(stored), stored.definition
        if filter is not None:
            if stored.type != Segment.Type.PASSIVE:
                raise SegmentNotEditable(f"The filter of a segment of type {stored.type} cannot be changed")
            _define(stored, filter)
        stored.name = stored.name if name is None else name
        stored.description = stored.description if description is None else description
        stored.version += 1
        stored.updated_at = at
        columns = ["definition", "definition_version", "fields_read", "relative_to_now"]
        stored.save(update_fields=[*columns, "name", "description", "version", "updated_at"])
        if filter is not None:
            _tell_namers(stored)
            watches.renew(stored.project)
        type_ = activity.UPDATED if stored.definition == former else activity.FILTERS_UPDATED
        activity.note(segment=stored, type=type_, at=at, source=activity.source_of(user), before=before)
    return stored


def delete(*, project: Project, identifier: str) -> None:
    """Delete a segment; nobody leaves it by an event. Raises NotFound, ResourceInUse naming what uses it."""
    with transaction.atomic():
        segment = Segment.objects.of(project).select_for_update().filter(public_id=identifier).first()
        if segment is None:
            raise NotFound.of("segment", identifier)
        used = uses.uses_of(segment)
        if used:
            kinds = dict.fromkeys(use.type for use in used)
            lists = [f"{kind}s with ids [{', '.join(use.id for use in used if use.type == kind)}]" for kind in kinds]
            raise ResourceInUse(
                f"Resource segment with id {identifier} is in use by {' and '.join(lists)}",
                resource_id=identifier,
                resource_type="segment",
            )
        segment.delete()
        watches.renew(project)


def find(*, project: Project, identifier: str) -> Segment:
    """The segment of that id. Raises NotFound."""
    segment = Segment.objects.of(project).filter(public_id=identifier).first() if "\0" not in identifier else None
    if segment is None:
        raise NotFound.of("segment", identifier)
    return segment


def segments_naming(segment: Segment) -> list[Use]:
    """The segments whose filter names this one."""
    rows = Segment.objects.filter(project_id=segment.project_id, fields_read__contains=[segment.public_id])
    return [Use("segment", row.public_id, row.name) for row in rows.order_by("pk")]


def _define(segment: Segment, body: object) -> None:
    """Check the filter and put it on the segment. The segments it names stay as long as this transaction lasts."""
    project = segment.project
    table = fields.of(project)
    node, problems = definitions.read(
        project=project,
        body=body,
        table=table,
        empty=payloads.filter_required(segment.type),
        inside=segment.public_id,
    )
    if node is None:
        raise InvalidFilter(problems)
    named = definitions.segments_named(node, table)
    if named:
        list(Segment.objects.of(project).filter(public_id__in=named).order_by("pk").select_for_update(no_key=True))
    segment.definition = orjson.dumps(body).decode()
    segment.definition_version = definitions.VERSION
    segment.fields_read, segment.relative_to_now = definitions.facts_of(node, table, project)


def _tell_namers(segment: Segment) -> None:
    """The segments that name a changed one read what it reads now; there are no circles."""
    table = fields.of(segment.project)
    for use in segments_naming(segment):
        namer = Segment.objects.of(segment.project).get(public_id=use.id)
        node, own = definitions.node_of(namer, table)
        namer.fields_read, namer.relative_to_now = definitions.facts_of(node, own, segment.project)
        namer.pass_to, namer.pass_after = 0, None  # everybody may have entered or left
        namer.save(update_fields=["fields_read", "relative_to_now", "pass_to", "pass_after"])
        _tell_namers(namer)


def _customers(project: Project, identifiers: list[str]) -> list[int]:
    """Row ids of living customers by id, else source id, each once. Raises NotFound for the first that is none."""
    _check_size(project, len(identifiers))
    wanted = Param(identifiers, "text[]")
    rows = (
        Customer.objects.of(project)
        .alive()
        .filter(Q(Sql("{} = ANY({})", "public_id", wanted)) | Q(Sql("{} = ANY({})", "source_id", wanted)))
    )
    by_id: dict[str, int] = {}
    by_source: dict[str, int] = {}
    for row, public_id, source_id in rows.order_by().values_list("pk", "public_id", "source_id"):
        by_id[public_id] = row
        if source_id is not None:
            by_source[source_id] = row
    found: dict[int, None] = {}
    for identifier in identifiers:
        row_id = by_id.get(identifier, by_source.get(identifier))
        if row_id is None:
            raise NotFound.of("customer", identifier)
        found[row_id] = None
    return list(found)


def _check_size(project: Project, size: int) -> None:
    cap = project.vendor_caps.get("static_segment_customers")
    if isinstance(cap, int) and size > cap:
        raise LimitExceeded(f"Property .customers must NOT have more than {cap} items")


def _check_number(project: Project) -> None:
    cap = project.vendor_caps.get("dynamic_segments")
    if isinstance(cap, int) and Segment.objects.of(project).dynamic().count() >= cap:
        raise LimitExceeded(f"A project cannot have more than {cap} segments that are defined by a filter")
