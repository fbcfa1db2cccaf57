"""What tracking refuses."""

from __future__ import annotations

from config.kernel.errors import Invalid


class AmbiguousTrackingId(Invalid):
    """Ambiguous trackingId"""

    key = "ambiguous_tracking_id"

    def __init__(self, first: str, second: str) -> None:
        """first, second: the two identifiers as sent."""
        super().__init__(
            "Two different identifiers were used between requests from same origin, the customer cannot be identified."
        )
        self._message = f"Ambiguous trackingId ('{first}' vs. '{second}')"

    @property
    def message(self) -> str:
        """The wire's sentence with both identifiers in it."""
        return self._message


class ResourceProtected(Invalid):
    """Resource is protected"""

    key = "resource_protected"
