"""Pure: a custom event as the wire sends it, and as it is kept. Source: tracking, section 12."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from config.kernel.errors import InvalidPayload
from config.kernel.instants import to_wire
from config.project.metadata import is_storable, parse_metadata
from customers.payloads import CustomerData, parse_customer

LONGEST_NAME: Final = 300
LONGEST_CODE: Final = 500
CLIENT_METADATA_BYTES: Final = 16 * 1024
"""What a browser may keep with one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """What was sent. referral, loyalty: codes that the event is about, None where not sent."""

    name: str
    customer: CustomerData = field(default_factory=CustomerData)
    tracking_id: str | None = None
    referral: str | None = None
    loyalty: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def parse_event(body: object) -> EventData:
    """Return what the body says. Unknown properties are ignored. Raises InvalidPayload naming the property."""
    if not isinstance(body, dict):
        raise InvalidPayload("Payload should be object")
    name = body.get("event")
    if name is None:
        raise InvalidPayload("Payload should have required property 'event'")
    if not isinstance(name, str):
        raise InvalidPayload("Property .event should be string")
    if not 1 <= len(name.strip()) <= LONGEST_NAME or not is_storable(name):
        raise InvalidPayload(f"Property .event should be 1 to {LONGEST_NAME} characters that can be stored")
    metadata, customer, tracking_id = body.get("metadata"), body.get("customer"), body.get("tracking_id")
    if tracking_id is not None and not isinstance(tracking_id, str):
        raise InvalidPayload("Property .tracking_id should be string")
    return EventData(
        name=name.strip(),
        customer=CustomerData() if customer is None else parse_customer(customer),
        tracking_id=tracking_id or None,
        referral=_code(body, "referral"),
        loyalty=_code(body, "loyalty"),
        metadata={} if metadata is None else parse_metadata(metadata, ".metadata"),
    )


def stored_event(data: EventData, *, event_id: str, at: datetime, customer: Mapping[str, Any]) -> dict[str, Any]:
    """The event object of activities and webhooks. customer: its simple form."""
    return {
        "id": event_id,
        "object": "event",
        "type": data.name,
        "created_at": to_wire(at),
        "customer": dict(customer),
        "referral": None,
        "loyalty": None,
        "metadata": dict(data.metadata),
    }


def answer(data: EventData, customer: Mapping[str, Any]) -> dict[str, Any]:
    """What the call answers. customer: what may be shown of it."""
    return {
        "object": "event",
        "type": data.name,
        "customer": dict(customer),
        "referral": None,
        "loyalty": None,
        "metadata": dict(data.metadata),
    }


def _code(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidPayload(f"Property .{key} should be object")
    code = value.get("code")
    if code is None:
        raise InvalidPayload(f"Property .{key} should have required property 'code'")
    if not isinstance(code, str) or not 1 <= len(code) <= LONGEST_CODE or not is_storable(code):
        raise InvalidPayload(f"Property .{key}.code should be 1 to {LONGEST_CODE} characters that can be stored")
    return code
