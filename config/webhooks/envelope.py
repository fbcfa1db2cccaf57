"""Pure: what a delivery says. Source: webhooks and events, section 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from config.kernel import ids
from config.kernel.instants import to_wire

_PREFIXES: Final = {
    "customer": "evcus_",
    "voucher": "evvou_",
    "redemption": "evred_",
    "publication": "evpub_",
    "campaign": "evcam_",
    "order": "evord_",
    "business_validation_rule": "evbvr_",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that webhooks may be told. data: the wire's keys of the type. entity_id: the public id it is about.

    group_id: the request that caused it. source: the wire's event_source. customer_id: row id of whom it is about.
    """

    type: str
    at: datetime
    data: Mapping[str, Any]
    entity_id: str = ""
    event_id: str = ""
    group_id: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    customer_id: int | None = None


def new_event_id(type: str) -> str:
    """A fresh id of the kind that the type's events have."""
    return ids.new(_PREFIXES[type.partition(".")[0]])


def render(
    happening: Happening, *, event_id: str, send_id: str, project_id: str, webhook_id: str, target_url: str
) -> dict[str, Any]:
    """The envelope of version 2024-01-01."""
    return {
        "id": send_id,
        "project_id": project_id,
        "created_at": to_wire(happening.at),
        "type": happening.type,
        "data": dict(happening.data),
        "source": {"id": webhook_id, "object": "webhook", "target_url": target_url},
        "event": {
            "id": event_id,
            "type": happening.type,
            "created_at": to_wire(happening.at),
            "entity_id": happening.entity_id or None,
            "group_id": happening.group_id or None,
            "event_source": dict(happening.source) or {"channel": "INTERNAL"},
        },
    }
