"""How customers are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from config.project.querysets import ScopedQuerySet

if TYPE_CHECKING:
    from customers.models import Customer


class CustomerQuerySet(ScopedQuerySet["Customer"]):
    """Customers of a project; start with `.of(project).alive()`."""

    def alive(self) -> Self:
        """Not deleted."""
        return self.filter(deleted_at__isnull=True)
