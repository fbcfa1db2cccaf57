"""Who uses a segment: the apps above say so, so that a segment in use is not deleted.

`FINDERS.append(find)` from the app's registrations; `find` returns what names the segment, for the message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from segments.models import Segment


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that names a segment. type: the wire's word, `validation rule`; name: for people."""

    type: str
    id: str
    name: str = ""


Finder = Callable[[Segment], Sequence[Use]]
FINDERS: Final[list[Finder]] = []


def uses_of(segment: Segment) -> list[Use]:
    """Everything that names the segment."""
    return [use for find in FINDERS for use in find(segment)]
