"""Who calls a service: what events, redemptions and ledgers note of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Channel:
    """type: API, CLIENT_API or USER on redemptions. id: the key's app id. source: the wire's event_source."""

    type: str = "API"
    id: str = ""
    request_id: str = ""
    source: Mapping[str, Any] = field(default_factory=lambda: {"channel": "API"})


INTERNAL = Channel(type="USER", source={"channel": "INTERNAL"})
