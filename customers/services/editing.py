"""What people do by hand: create one that is new, edit one as it was seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import DuplicateFound, NotFound
from config.project import schemas
from config.project.models import Project
from customers import happenings
from customers.errors import ChangedMeanwhile
from customers.models import Customer
from customers.payloads import CustomerData, Unset
from customers.services import loading, profiles
from customers.staging import stage


def create(*, project: Project, data: CustomerData, at: datetime, cause: Cause = INTERNAL) -> Customer:
    """A customer that did not exist. Raises DuplicateFound: its source id is taken (the API's create would merge)."""
    source_id = data.source_id
    taken = (
        not isinstance(source_id, Unset) and Customer.objects.of(project).alive().filter(source_id=source_id).exists()
    )
    if taken and isinstance(source_id, str):
        raise DuplicateFound.of("customer", source_id, by="source_id")
    return profiles.upsert(project=project, data=data, at=at, cause=cause)


def edit(
    *,
    project: Project,
    customer: Customer,
    data: CustomerData,
    version: int,
    at: datetime,
    cause: Cause = INTERNAL,
) -> Customer:
    """The customer after `data`, if it still is what the person saw.

    version: of the profile when the form was opened. Raises ChangedMeanwhile, NotFound: deleted meanwhile.
    """
    with transaction.atomic():
        current = _locked(project, customer, version)
        return profiles.update(project=project, customer=current, data=data, at=at, cause=cause)


def set_metadata(
    *,
    project: Project,
    customer: Customer,
    metadata: Mapping[str, Any],
    version: int,
    at: datetime,
    cause: Cause = INTERNAL,
) -> Customer:
    """The customer with exactly this metadata: keys that are not in it are gone, which the wire cannot say.

    Raises ChangedMeanwhile, NotFound, MetadataValidationFailed: required keys must be there.
    """
    with transaction.atomic():
        current = _locked(project, customer, version)
        if dict(metadata) == (current.metadata or {}):
            return current
        schemas.require(project, "customer", metadata, whole=True)
        row = stage(0, "", CustomerData(id=current.public_id, metadata=metadata))._replace(metadata_replaced=True)
        written = loading.write(project=project, row=row, at=at)
        if written is None:
            return current
        happenings.tell(project, happenings.UPDATED, [written], at, cause)
        return written


def _locked(project: Project, customer: Customer, version: int) -> Customer:
    rows = Customer.objects.of(project).alive().select_for_update(no_key=True)
    current = rows.filter(pk=customer.pk).first()
    if current is None:
        raise NotFound.of("customer", customer.public_id)
    if current.version != version:
        raise ChangedMeanwhile
    return current
