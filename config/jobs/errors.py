"""How a run of a job may end before its end."""

from __future__ import annotations


class LeaseLost(Exception):
    """Another worker has taken the job over; whatever this one still holds must not be written."""


class StopRequested(Exception):
    """Somebody pressed Stop; what is done stays done, and the job can go on later."""
