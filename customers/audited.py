"""What the audit log keeps of a customer's change; the counters move by themselves and are not in it."""

from __future__ import annotations

from typing import Any, Final

from config.project import audit
from customers.models import Customer

PROFILE: Final = ("source_id", "name", "email", "phone", "description", "birthdate", "address", "metadata")


def facts(customer: Customer | None) -> dict[str, Any]:
    """The profile as `before` or `after`; nothing of nobody."""
    return {} if customer is None else {k: v for k, v in audit.facts(customer, PROFILE).items() if v is not None}
