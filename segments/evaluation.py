"""Conditions asked about one customer: a stored one, one with data that is not stored, or nobody known at all.

What is not stored is laid over the row in a common table expression that carries the name of the customers' table, so
the same compiled conditions answer, and there is no second reading of the language.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from config.filters.fragments import Bound
from config.kernel.instants import to_wire
from config.project import prepared
from config.project.models import Project
from customers import services
from customers.models import Customer
from customers.payloads import CustomerData, Unset, email_key
from customers.staging import Profile, merge, stage

NOBODY = -1
TABLE = Customer._meta.db_table
_ADDRESS = ("city", "state", "country", "postal_code", "line_1", "line_2")


def ask(
    *,
    project: Project,
    customer: Customer | None,
    data: CustomerData | None,
    at: datetime,
    conditions: Sequence[Bound],
    values: Sequence[Bound] = (),
) -> tuple[list[bool], list[Any]]:
    """Whether each condition holds, and the jsonb values, in one statement. A deleted customer passes nothing."""
    asked = ", ".join(f"({bound.text})" for bound in (*conditions, *values))
    params = [value for bound in (*conditions, *values) for value in bound.values]
    sql = f'SELECT {asked} FROM "{TABLE}" WHERE deleted_at IS NULL'  # noqa: S608  finished conditions
    if customer is not None:
        sql, params = f"{sql} AND id = %s::bigint", [*params, customer.pk]
    if customer is None or (data is not None and data.has_profile):
        head, overlay = _overlay(project, customer, data, at)
        sql, params = f"{head} {sql}", [*overlay, *params]
    rows = prepared.fetch(sql, params)
    if not rows:
        return [False for _ in conditions], [None for _ in values]
    answers = rows[0]
    found = [json.loads(value) if isinstance(value, str) else value for value in answers[len(conditions) :]]
    return [bool(verdict) for verdict in answers[: len(conditions)]], found


def _overlay(
    project: Project, customer: Customer | None, data: CustomerData | None, at: datetime
) -> tuple[str, tuple[Any, ...]]:
    """`WITH customers_customer AS (one row)`: the stored row, or an empty one, under the given data."""
    staged = stage(0, "", data or CustomerData())
    profile = merge(Profile() if customer is None else services.profile_of(customer), staged)
    if customer is not None:
        return (
            f'WITH "{TABLE}" AS (SELECT laid.* FROM "{TABLE}" AS stored,'  # noqa: S608  the model's own name
            " jsonb_populate_record(stored, %s::jsonb) AS laid WHERE stored.id = %s)",
            (json.dumps(_columns(profile)), customer.pk),
        )
    source_id = None if data is None or isinstance(data.source_id, Unset) else data.source_id
    empty = {field.column: field.get_default() for field in Customer._meta.concrete_fields if not field.generated}
    row = (
        empty
        | _columns(profile)
        | {
            "id": NOBODY,
            "project_id": project.pk,
            "public_id": "",
            "source_id": source_id,
            "created_at": to_wire(at),
        }
    )
    return (
        f'WITH "{TABLE}" AS (SELECT * FROM jsonb_populate_record(NULL::"{TABLE}", %s::jsonb))',  # noqa: S608
        (json.dumps(row),),
    )


def _columns(profile: Profile) -> dict[str, Any]:
    address = profile.address or {}
    return {
        "name": profile.name,
        "description": profile.description,
        "email": profile.email,
        "email_key": email_key(profile.email),
        "phone": profile.phone,
        "birthdate": profile.birthdate,
        "birthday": profile.birthday,
        "address": profile.address,
        "metadata": profile.metadata,
        **{key: address.get(key) for key in _ADDRESS},
    }
