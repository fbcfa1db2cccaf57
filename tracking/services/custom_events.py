"""Custom events: who did it is found or made, the event recorded, its counter moved. Source: tracking, section 12."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import transaction

from config.kernel import ids
from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import Forbidden, InvalidPayload, NotFound
from config.project import metadata_schema
from config.project.models import Project
from customers.rendering import render_simple
from tracking import custom_events
from tracking.custom_events import CLIENT_METADATA_BYTES, EventData
from tracking.services import at_once, event_schemas, events, identities

Known = Callable[[Project, str], bool]

known_codes: Final[list[Known]] = []
"""Whether a code exists, as the apps that keep codes tell it; added to in AppConfig.ready()."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """Who did it: the simple form as stored, and the tracking id of the request."""

    customer: Mapping[str, Any]
    token: str | None


def track(
    *,
    project: Project,
    data: EventData,
    at: datetime,
    cookie: str | None = None,
    from_client: bool = False,
    cause: Cause = INTERNAL,
) -> Tracked:
    """Record an event of the customer that the request names, who is stored with it; of an anonymous one else.

    from_client: a browser sends it: bounded, and a stored customer stays as it is where the project wants that.
    Raises InvalidPayload, MetadataValidationFailed, NotFound (customer id, code), Forbidden, LimitExceeded.
    """
    schema = _check(project, data, from_client)
    event = custom_events.stored_event(data, event_id=ids.new("event_"), at=at, customer={})
    beside = {
        "event_schema": None if schema is None else {"id": schema, "name": data.name},
        "referral": None,
        "loyalty": None,
    }
    protect = from_client and project.client_protects_customers
    source_id = at_once.source_id_of(project, data.customer, tracking_id=data.tracking_id, cookie=cookie)
    if source_id is not None:
        event_schemas.note_name(project=project, name=data.name, from_client=from_client, at=at)
        plain = at_once.Plain(project, data.name, source_id, data.customer, protect, event, beside, at, cause)
        if (done := at_once.record(plain)) is not None:
            return Tracked(done.customer, done.token)
    identity = identities.resolve(
        project=project,
        tracking_id=data.tracking_id,
        source_id=data.customer.source_id if isinstance(data.customer.source_id, str) else None,
        customer_id=data.customer.id if isinstance(data.customer.id, str) else None,
        cookie=cookie,
        at=at,
        anonymous=True,
        must_exist=True,
        writes=True,
    )
    event_schemas.note_name(project=project, name=data.name, from_client=from_client, at=at)
    with nullcontext() if identities.is_settled(identity, data.customer, protect=protect) else transaction.atomic():
        stored, claim = identities.write_customer(
            project=project, identity=identity, data=data.customer, at=at, protect=protect, cause=cause
        )
        if stored is None:
            raise InvalidPayload("Property .customer should name somebody")
        simple = render_simple(stored)
        events.record(
            project=project,
            type=events.CUSTOM_EVENT,
            name=data.name,
            at=at,
            customer=stored,
            token=claim.kept_apart[0] if claim.kept_apart else "",
            data={**beside, "event": {**event, "customer": simple}, "customer": simple},
            source=cause.source,
            group_id=cause.group_id,
        )
    return Tracked(simple, identity.token)


def _check(project: Project, data: EventData, from_client: bool) -> str | None:
    """Refuse what must not be recorded; return the id of the event's schema, if it has one."""
    if from_client and (data.referral or data.loyalty) and not project.client_loyalty_events_enabled:
        raise Forbidden("The project's option client_loyalty_events_enabled is off")
    if from_client and len(orjson.dumps(data.metadata)) > CLIENT_METADATA_BYTES:
        raise InvalidPayload(f"Property .metadata should NOT be larger than {CLIENT_METADATA_BYTES} bytes")
    found = event_schemas.schema_of(project, data.name)
    if found is None and project.strict_event_names:
        raise InvalidPayload(f"Property .event should name a defined event; '{data.name[:80]}' is not defined")
    if found is not None:
        metadata_schema.require_valid(data.metadata, found[1], whole=True)
    for code in (data.referral, data.loyalty):
        if code is not None and not any(known(project, code) for known in known_codes):
            raise NotFound.of("voucher", code)
    return None if found is None else found[0]
