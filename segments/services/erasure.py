"""A person taken out of segments."""

from __future__ import annotations

from collections.abc import Mapping

from customers.erasing import Person
from customers.models import Customer
from segments.models import Membership, Segment


def erase(person: Person) -> Mapping[str, int]:
    """Delete memberships. A definition that names somebody is the marketer's own text and stays."""
    gone, _ = Membership.objects.filter(customer=person.customer).delete()
    return {"segments": gone}


def leave(customer: Customer) -> None:
    """Take a deleted customer off the fixed lists; segments that update themselves notice on their own."""
    Membership.objects.filter(customer=customer, segment__type=Segment.Type.STATIC).delete()
