"""What people do by hand: create one that is new, edit one as it was seen."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import DuplicateFound, NotFound
from config.project.models import Project
from customers.errors import ChangedMeanwhile
from customers.models import Customer
from customers.payloads import CustomerData, Unset
from customers.services import profiles


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
        rows = Customer.objects.of(project).alive().select_for_update(no_key=True)
        current = rows.filter(pk=customer.pk).first()
        if current is None:
            raise NotFound.of("customer", customer.public_id)
        if current.version != version:
            raise ChangedMeanwhile
        return profiles.update(project=project, customer=current, data=data, at=at, cause=cause)
