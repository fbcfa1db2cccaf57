"""Customers as browsers store and see them: of a profile only what the browser itself sent is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import InvalidPayload
from config.project.models import Project
from customers.models import Customer
from customers.payloads import CustomerData, Unset
from tracking.services import identities
from tracking.services.identities import Identity


@dataclass(frozen=True, slots=True)
class Visitor:
    """The customer as stored, and whom the request was about."""

    customer: Customer
    identity: Identity


def store(
    *, project: Project, data: CustomerData, cookie: str | None, at: datetime, cause: Cause = INTERNAL
) -> Visitor:
    """Store who visits: under the source id that was sent, else as the cookie says, else anonymously.

    Raises InvalidPayload, NotFound (customer id), MetadataValidationFailed.
    """
    identity = identities.resolve(
        project=project,
        tracking_id=None,
        source_id=data.source_id if isinstance(data.source_id, str) else None,
        customer_id=data.id if isinstance(data.id, str) else None,
        cookie=cookie,
        at=at,
        anonymous=True,
        must_exist=True,
    )
    with transaction.atomic():
        customer, _ = identities.write_customer(
            project=project, identity=identity, data=data, at=at, protect=project.client_protects_customers, cause=cause
        )
    if customer is None:
        raise InvalidPayload("Payload should name somebody")
    return Visitor(customer, identity)


def shown(simple: Mapping[str, Any], sent: CustomerData) -> dict[str, Any]:
    """The ids, and of the profile what was sent: whether more is known is nobody's business in a browser.

    simple: the customer's simple form.
    """
    return {
        "id": simple["id"],
        "source_id": simple["source_id"],
        "name": sent.name if isinstance(sent.name, str) else None,
        "email": sent.email if isinstance(sent.email, str) else None,
        "metadata": {} if isinstance(sent.metadata, Unset) else dict(sent.metadata),
        "object": "customer",
    }
