"""What segments refuse."""

from __future__ import annotations

from config.kernel.errors import Conflict, Invalid


class SegmentNotEditable(Invalid):
    """Segment cannot be edited"""

    key = "segment_not_editable"


class SegmentChanged(Conflict):
    """Somebody else saved this segment meanwhile"""

    key = "segment_changed"
