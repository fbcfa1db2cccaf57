"""Create, find, change and delete a customer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F

from config.kernel import ids
from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import NotFound
from config.project import prepared, schemas, statements
from config.project.models import Project
from customers import happenings
from customers.errors import CustomerBusy
from customers.models import Customer
from customers.payloads import UNSET, CustomerData, Unset
from customers.services import aliases, loading
from customers.services.loading import profile_of
from customers.staging import Profile, StagedRow, merge, stage

ATTEMPTS: Final = 8

on_deleted: Final[list[Callable[[Customer], None]]] = []
"""What else goes with an ordinary delete, in its transaction; added to in AppConfig.ready()."""


def upsert(
    *, project: Project, data: CustomerData, at: datetime, cause: Cause = INTERNAL, settles: bool = True
) -> Customer:
    """Return the customer after `data`: found by id, else by source id, else created (customers.md sections 6, 7).

    One statement when nothing changes, else a write with its event. Creating the same source id twice at once gives one
    customer. settles: whether a tracking id sent as the source id takes its history along; not where the caller sees
    to that.
    Raises NotFound: the id is unknown; MetadataValidationFailed.
    """
    meant = read_alias(project, data)
    alias = data.source_id if settles and meant is not data and isinstance(data.source_id, str) else None
    row = stage(0, ids.new("cust_"), meant)
    for _ in range(ATTEMPTS):
        stored = stored_for(project, row)
        if stored is None and row.id is not None:
            raise NotFound.of("customer", row.id)
        if stored is not None and merge(profile_of(stored), row) == profile_of(stored):
            if alias is not None:
                aliases.settle(project, alias, stored, at)
            return stored
        if not isinstance(data.metadata, Unset):
            schemas.require(project, "customer", data.metadata, whole=stored is None)
        with transaction.atomic(savepoint=False):
            written = loading.write(project=project, row=row, at=at)
            if written is not None:
                is_new = written.public_id == row.public_id
                happenings.tell(project, happenings.CREATED if is_new else happenings.UPDATED, [written], at, cause)
                if alias is not None:
                    aliases.settle(project, alias, written, at)
                return written
    raise CustomerBusy


def upsert_many(
    *, project: Project, rows: Sequence[CustomerData], at: datetime, cause: Cause = INTERNAL
) -> loading.Loaded:
    """Upsert all in one transaction. The same key twice: one after the other.

    Rows are numbered from 0 in `Loaded.unknown`. Raises MetadataValidationFailed: then nothing is written.
    """
    known = stored_source_ids(project, rows)
    for data in rows:
        if not isinstance(data.metadata, Unset):
            new = isinstance(data.id, Unset) and data.source_id not in known
            schemas.require(project, "customer", data.metadata, whole=new)
    public_ids = ids.new_many("cust_", len(rows))
    staged = [stage(row, public_ids[row], data) for row, data in enumerate(rows)]
    with transaction.atomic():
        loaded = loading.load_in_order(project=project, rows=staged, at=at)
        tell_created(project, loaded, at, cause)
    return loaded


def tell_created(project: Project, loaded: loading.Loaded, at: datetime, cause: Cause) -> None:
    """Tell whom a load created: the wire knows no event of changes that come in bulk."""
    if loaded.created:
        born = Customer.objects.filter(pk__in=loaded.created_keys).order_by("pk")
        happenings.tell(project, happenings.CREATED, list(born), at, cause)


def update(
    *,
    project: Project,
    customer: Customer,
    data: CustomerData,
    at: datetime,
    cause: Cause = INTERNAL,
    identifier: str = "",
) -> Customer:
    """Return the customer after `data`; identifiers in it change nothing. Raises NotFound: deleted meanwhile.

    identifier: by which the caller found the customer; a tracking id takes its history along.
    """
    with transaction.atomic():
        data = replace(data, id=customer.public_id, source_id=UNSET)
        changed = upsert(project=project, data=data, at=at, cause=cause)
        if identifier not in ("", customer.public_id, customer.source_id):
            aliases.settle(project, identifier, changed, at)
    return changed


def delete(*, project: Project, customer: Customer, at: datetime, cause: Cause = INTERNAL) -> None:
    """Take the profile out of sight; its source id is free again. Raises NotFound: deleted already."""
    gone = Customer.objects.of(project).alive().filter(pk=customer.pk)
    with transaction.atomic():
        if not gone.update(deleted_at=at, updated_at=at, version=F("version") + 1):
            raise NotFound.of("customer", customer.public_id)
        for leave in on_deleted:
            leave(customer)
        happenings.tell(project, happenings.DELETED, [customer], at, cause)


def find(*, project: Project, identifier: str) -> Customer:
    """The customer whose id, source id or tracking id this is. Raises NotFound naming the identifier."""
    found = find_or_none(project=project, identifier=identifier)
    if found is None:
        raise NotFound.of("customer", identifier)
    return found


def find_or_none(*, project: Project, identifier: str) -> Customer | None:
    """As `find`, or None. One statement unless the identifier looks like an id and is none."""
    customers = Customer.objects.of(project).alive()
    if "\0" in identifier:
        return None
    if identifier.startswith("cust_"):
        found = customers.filter(public_id=identifier).first()
        if found is not None:
            return found
    found = customers.filter(source_id=identifier).order_by().first()
    if found is None and (meant := aliases.read(project, identifier)) is not None:
        return meant.customer
    return found


def look_up(*, project: Project, public_id: str | None = None, source_id: str | None = None) -> Customer | None:
    """The customer with this public id, or with this source id.

    Written by hand: nearly every call asks this, and to build the statement would cost more than to run it.
    """
    column, value = ("public_id", public_id) if public_id is not None else ("source_id", source_id)
    rows = prepared.fetch(
        f"""SELECT {statements.columns(Customer, "c")} FROM customers_customer c
            WHERE c.project_id = %s AND c.{column} = %s AND c.deleted_at IS NULL""",  # noqa: S608  our own columns
        [project.pk, value],
    )
    return statements.load(Customer, rows[0]) if rows else None


def preview(*, project: Project, data: CustomerData) -> Profile:
    """The profile as `upsert` would leave it, without writing: for checks before anything is stored."""
    row = stage(0, "", data)
    stored = stored_for(project, row)
    return merge(Profile() if stored is None else profile_of(stored), row)


def is_as_said(customer: Customer, data: CustomerData) -> bool:
    """Whether `upsert` of this customer would write nothing."""
    profile = profile_of(customer)
    return not data.has_profile or merge(profile, stage(0, "", data)) == profile


def read_alias(project: Project, data: CustomerData) -> CustomerData:
    """An encoded tracking id sent as the source id means the customer, or the source id, behind it."""
    if not isinstance(data.source_id, str) or isinstance(data.id, str):
        return data
    meant = aliases.read(project, data.source_id)
    if meant is None:
        return data
    if meant.customer is not None:
        return replace(data, id=meant.customer.public_id, source_id=UNSET)
    return replace(data, source_id=meant.source_id or data.source_id)


def stored_source_ids(project: Project, rows: Sequence[CustomerData]) -> set[str]:
    """Those source ids of the rows under which somebody is stored."""
    source_ids = [data.source_id for data in rows if not isinstance(data.source_id, Unset)]
    living = Customer.objects.of(project).alive().filter(source_id__in=source_ids).order_by()
    return {source_id for source_id in living.values_list("source_id", flat=True) if source_id is not None}


def stored_for(project: Project, row: StagedRow) -> Customer | None:
    """The living customer that the row is about, or None."""
    if row.id is not None:
        return look_up(project=project, public_id=row.id)
    return None if isinstance(row.source_id, Unset | None) else look_up(project=project, source_id=row.source_id)
