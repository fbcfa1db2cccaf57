"""When a redemption may decide without holding its voucher: nothing that it decides by moves with other redemptions.

A plain discount then counts its use in the statement that writes everything else, under the conditions it was decided
by; where they hold no longer, nothing is written and the redemption runs again with its locks. So those who redeem one
code at once wait for each other's commit and not for each other's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from config.project.statements import Part
from vouchers.engine import needs
from vouchers.models import Voucher
from vouchers.services import uses
from vouchers.services.candidates import Found
from vouchers.services.failures import Attempt


class Hindered(Exception):
    """Undoes an attempt without locks: it takes them."""


def may_try(attempt: Attempt) -> bool:
    """Whether the request leaves everything else alone: no order to continue, no session, no product to store."""
    request = attempt.request
    order = request.order
    if len(request.redeemables) != 1 or request.redeemables[0].object != "voucher" or request.session is not None:
        return False
    if order is None:
        return True
    return order.id is None and order.source_id is None and not any(item.overrides for item in order.items or ())


def require(found: Sequence[Found], at: datetime) -> None:
    """Raise Hindered unless it is one discount whose rules count nothing and of which nobody holds a use."""
    voucher = found[0].voucher
    if voucher is None or voucher.type != Voucher.Type.DISCOUNT or (voucher.held_until or at) > at:
        raise Hindered
    terms = found[0].terms
    if found[0].rule_sets and terms is not None:
        wanted = needs.of([terms])
        if wanted.counts or wanted.unit_counts:
            raise Hindered


def use_of(voucher: Voucher, at: datetime) -> Part:
    """Count one use under the conditions of `require`; a row returned says how many there are now."""
    sql = f"""UPDATE vouchers_voucher SET redeemed_quantity = redeemed_quantity + 1, updated_at = %s
        WHERE id = %s AND {uses.LEFT} AND active AND deleted_at IS NULL AND (held_until IS NULL OR held_until <= %s)
        RETURNING redeemed_quantity AS id"""  # noqa: S608  our own text
    return Part(sql, (at, voucher.pk, 0, at))
