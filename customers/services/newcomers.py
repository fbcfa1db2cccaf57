"""The row of somebody whom nobody knows yet, for statements that write it together with what was done."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson

from config.kernel import ids
from config.project import statements
from config.project.models import Project
from customers.models import Customer
from customers.payloads import ADDRESS_KEYS, CustomerData, email_key
from customers.services import loading
from customers.staging import Profile, merge, profile_day, stage

GIVEN: Final = (
    *("public_id", "source_id", "name", "description", "email", "email_key", "phone", "birthdate", "birthday"),
    *("address", "metadata", "nulled_fields", "created_at"),
)
"""What differs from one newcomer to the next; every other column starts at its default."""


def unsaved(*, project: Project, data: CustomerData, source_id: str, at: datetime) -> Customer:
    """What `upsert` would insert for `data`; its metadata has to meet the project's schema."""
    profile = merge(Profile(), stage(0, "", data))
    customer = Customer(
        project_id=project.pk,
        public_id=ids.new("cust_"),
        source_id=source_id,
        name=profile.name,
        description=profile.description,
        email=profile.email,
        email_key=email_key(profile.email),
        phone=profile.phone,
        birthdate=profile_day(profile.birthdate),
        birthday=profile_day(profile.birthday),
        address=None if profile.address is None else dict(profile.address),
        metadata=None if profile.metadata is None else dict(profile.metadata),
        nulled_fields=list(profile.nulled),
        created_at=at,
    )
    for key in ADDRESS_KEYS:
        setattr(customer, key, (profile.address or {}).get(key))  # what the database generates of it
    return customer


@cache
def insertion() -> tuple[str, str]:
    """Columns and values of the row, for `INSERT INTO … (columns) SELECT values`; needs `%(project)s`."""
    values = {"project_id": "%(project)s::bigint"}
    for field in Customer._meta.concrete_fields:
        name = str(field.column)
        if name in GIVEN:
            values[name] = f"%(new_{name})s::{statements.type_of(field)}"
        elif name not in values and not field.primary_key and not field.generated:
            values[name] = loading.default_of(field)
    return ", ".join(values), ", ".join(values.values())


def parameters(customer: Customer) -> dict[str, Any]:
    """Those of `insertion`."""
    given = {f"new_{name}": getattr(customer, name) for name in GIVEN}
    for name in ("new_address", "new_metadata"):
        if given[name] is not None:
            given[name] = orjson.dumps(given[name]).decode()
    return given
