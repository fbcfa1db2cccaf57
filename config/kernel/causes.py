"""Pure: what made something happen, as the event log notes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Cause:
    """source: the wire's `event_source`. group_id: the request; all that it causes shares it."""

    source: Mapping[str, Any] = field(default_factory=lambda: {"channel": "INTERNAL"})
    group_id: str = ""


INTERNAL: Final = Cause()
"""Nobody asked for it: a job, a command, a clock."""


def of_person(public_id: str, group_id: str = "") -> Cause:
    """Somebody in the dashboard; their `user_…` id."""
    return Cause({"channel": "USER_PORTAL", "user": {"id": public_id}}, group_id)
