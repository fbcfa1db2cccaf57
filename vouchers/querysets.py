"""How vouchers are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from config.project.querysets import ScopedQuerySet

if TYPE_CHECKING:
    from vouchers.models import Voucher


class VoucherQuerySet(ScopedQuerySet["Voucher"]):
    """Vouchers of a project; start with `.of(project).alive()`."""

    def alive(self) -> Self:
        """Not in the bin. A binned code stays reserved."""
        return self.filter(deleted_at__isnull=True)
