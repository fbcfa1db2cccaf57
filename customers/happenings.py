"""What happens to profiles, told to whoever keeps the log: an app above registers how, from its AppConfig.ready().

Profiles tell it in the transaction of the change. What is not told: changes by `bulk/async`, `metadata/async` and
imports, of which only the API's bulk calls tell whom they created (customers.md section 10; docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from config.kernel.causes import Cause
from config.project.models import Project
from customers.models import Customer

CREATED: Final = "customer.created"
UPDATED: Final = "customer.updated"
DELETED: Final = "customer.deleted"

Teller: TypeAlias = Callable[[Project, str, Sequence[Customer], datetime, Cause], None]
"""Project, type of event, customers as they are now, moment, cause."""

tellers: Final[list[Teller]] = []


def tell(project: Project, type: str, customers: Sequence[Customer], at: datetime, cause: Cause) -> None:
    """Say that this happened to these customers; inside the transaction of the change."""
    for teller in tellers if customers else ():
        teller(project, type, customers, at, cause)
