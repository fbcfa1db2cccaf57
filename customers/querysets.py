"""How customers are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import Func, TextField

from config.project.querysets import ScopedQuerySet

if TYPE_CHECKING:
    from customers.models import Customer


class CustomerQuerySet(ScopedQuerySet["Customer"]):
    """Customers of a project; start with `.of(project).alive()`."""

    def alive(self) -> Self:
        """Not deleted."""
        return self.filter(deleted_at__isnull=True)

    def metadata_keys(self) -> list[str]:
        """Every metadata key among these customers, sorted; reads them all, so for files and operators only."""
        keys = self.order_by().annotate(
            metadata_key=Func("metadata", function="jsonb_object_keys", output_field=TextField())
        )
        return sorted(keys.values_list("metadata_key", flat=True).distinct())
