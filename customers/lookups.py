"""Doors for the apps above: other ways to name a customer, and who is in a segment.

`tracking` and `segments` fill them from their `AppConfig.ready()`; nothing here knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from django.db.models import QuerySet

from config.kernel.errors import NotFound
from config.project.models import Project, User
from customers import services
from customers.models import Customer
from customers.payloads import UNSET, CustomerData, Unset

Resolver: TypeAlias = Callable[[Project, str], Customer | None]
"""Project and identifier → the living customer it stands for, or None."""

Members: TypeAlias = Callable[[Project, str, datetime], QuerySet[Customer]]
"""Project, public id of a segment, moment → its members. Raises NotFound.of("segment", …)."""

_resolvers: Final[list[Resolver]] = []
Collector: TypeAlias = Callable[[Project, str, Iterable[Sequence[int]], datetime, User | None], str]
"""Project, name, batches of customers' row ids, moment, who → public id of a new fixed segment of them."""

_members: Final[list[Members]] = []
_collectors: Final[list[Collector]] = []


def register_resolver(resolver: Resolver) -> None:
    """Ask this one too when an identifier is neither an id nor a source id; in order of registration."""
    if resolver not in _resolvers:
        _resolvers.append(resolver)


def register_members(members: Members) -> None:
    """Say who answers `segment_id`."""
    _members[:] = [members]


def register_collector(collector: Collector) -> None:
    """Say who makes a fixed segment of customers."""
    _collectors[:] = [collector]


def collect(
    *, project: Project, name: str, batches: Iterable[Sequence[int]], at: datetime, user: User | None
) -> str | None:
    """Make a fixed segment; None where nobody can."""
    return _collectors[0](project, name, batches, at, user) if _collectors else None


def find(*, project: Project, identifier: str) -> Customer:
    """The customer by id, else source id, else whatever was registered. Raises NotFound naming the identifier."""
    found = services.find_or_none(project=project, identifier=identifier) or resolve(project, identifier)
    if found is None:
        raise NotFound.of("customer", identifier)
    return found


def resolve(project: Project, identifier: str) -> Customer | None:
    """The customer behind an identifier that is not the profile's own, such as a tracking id."""
    return next((found for resolver in _resolvers if (found := resolver(project, identifier))), None)


def with_resolved_source(*, project: Project, data: CustomerData) -> CustomerData:
    """`data` aimed at the customer behind its `source_id` where that is a tracking id (customers.md section 6)."""
    if isinstance(data.source_id, Unset) or not isinstance(data.id, Unset):
        return data
    found = resolve(project, data.source_id)
    return data if found is None else replace(data, id=found.public_id, source_id=UNSET)


def members_of(*, project: Project, segment_id: str, at: datetime) -> QuerySet[Customer]:
    """The segment's members. Raises NotFound: no such segment."""
    if not _members:
        raise NotFound.of("segment", segment_id)
    return _members[0](project, segment_id, at)
