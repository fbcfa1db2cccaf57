"""Who calls a service: what events, redemptions and ledgers note of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.kernel.causes import Cause


@dataclass(frozen=True, slots=True)
class Channel:
    """type: API, CLIENT_API or USER on redemptions. id: the key's app id, or the person's. login: of a person.

    source: the wire's event_source.
    """

    type: str = "API"
    id: str = ""
    request_id: str = ""
    source: Mapping[str, Any] = field(default_factory=lambda: {"channel": "API"})
    login: str = field(default="", kw_only=True)

    @property
    def cause(self) -> Cause:
        """The same for the event log."""
        return Cause(self.source, self.request_id)

    @property
    def is_browser(self) -> bool:
        """Whether the call came with a publishable key."""
        return self.source.get("channel") == "CLIENT_API"


INTERNAL = Channel(type="USER", source={"channel": "INTERNAL"})
