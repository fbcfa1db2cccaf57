"""A person taken out of segments."""

from __future__ import annotations

from collections.abc import Mapping

from customers.erasing import Person
from segments.models import Membership


def erase(person: Person) -> Mapping[str, int]:
    """Delete memberships. A definition that names somebody is the marketer's own text and stays."""
    gone, _ = Membership.objects.filter(customer=person.customer).delete()
    return {"segments": gone}
