"""How segments are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from config.project.querysets import ScopedQuerySet

if TYPE_CHECKING:
    from segments.models import Segment


class SegmentQuerySet(ScopedQuerySet["Segment"]):
    """Segments of a project; start with `.of(project)`."""

    def dynamic(self) -> Self:
        """Described by a filter."""
        return self.exclude(type="static")

    def auto_update(self) -> Self:
        """Whose entries and leavings are reported."""
        return self.filter(type="auto-update")

    def newest_first(self) -> Self:
        """The order of lists."""
        return self.order_by("-created_at", "-pk")
