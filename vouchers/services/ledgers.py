"""Reading the ledgers of gift cards, in pages."""

from __future__ import annotations

from config.kernel.errors import InvalidQueryParams
from vouchers.models import Voucher, VoucherTransaction


def page(
    *, voucher: Voucher, limit: int, newest_first: bool = True, after: str | None = None
) -> tuple[list[VoucherTransaction], bool]:
    """One page of a voucher's ledger, and whether more follow. after: id of the last line already seen.

    Raises InvalidQueryParams: no line of this voucher has that id.
    """
    rows = VoucherTransaction.objects.filter(voucher=voucher)
    if after is not None:
        seen = None if "\0" in after else rows.filter(public_id=after).values_list("pk", flat=True).first()
        if seen is None:
            raise InvalidQueryParams("Property .starting_after_id should be an id of a transaction of this voucher")
        rows = rows.filter(pk__lt=seen) if newest_first else rows.filter(pk__gt=seen)
    found = list(
        rows.select_related("voucher__campaign", "related_transaction").order_by("-pk" if newest_first else "pk")[
            : limit + 1
        ]
    )
    return found[:limit], len(found) > limit
