"""What a rollback gives back: a use of each code or tier, and the credits of gift cards with a line in their ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F

from config.kernel.causes import Cause
from vouchers.models import PromotionTier, Redemption, Voucher, VoucherTransaction
from vouchers.services import balances, voucher_events


def lock(undone: Sequence[Redemption]) -> None:
    """Lock what was redeemed, vouchers and then tiers by key, and let each redemption know the locked row."""
    voucher_ids = {row.voucher_id for row in undone if row.voucher_id is not None}
    tier_ids = {row.promotion_tier_id for row in undone if row.promotion_tier_id is not None}
    rows = Voucher.objects.for_wire().filter(pk__in=voucher_ids).select_for_update(no_key=True, of=("self",))
    vouchers = {row.pk: row for row in rows.order_by("pk")} if voucher_ids else {}
    held = PromotionTier.objects.select_related("campaign", "category").select_for_update(no_key=True, of=("self",))
    tiers = {row.pk: row for row in held.filter(pk__in=tier_ids).order_by("pk")} if tier_ids else {}
    for row in undone:
        row.voucher = None if row.voucher_id is None else vouchers.get(row.voucher_id)
        row.promotion_tier = None if row.promotion_tier_id is None else tiers.get(row.promotion_tier_id)


def give_back(row: Redemption, former: Redemption, *, at: datetime, cause: Cause) -> None:
    """Count one use down. row: the rollback, stored; former: what it rolls back, its targets locked by `lock`."""
    if former.voucher is not None:
        _to_voucher(row, former, former.voucher, at, cause)
    if former.promotion_tier is not None:
        PromotionTier.objects.filter(pk=former.promotion_tier.pk).update(
            redeemed_quantity=F("redeemed_quantity") - 1,
            orders_amount=F("orders_amount") - (former.order_amount or 0),
            orders_discount_amount=F("orders_discount_amount") - former.discount_amount,
        )


def _to_voucher(row: Redemption, former: Redemption, voucher: Voucher, at: datetime, cause: Cause) -> None:
    credits = former.amount or 0
    voucher.redeemed_quantity -= 1
    voucher.redeemed_amount -= credits
    voucher.updated_at = at
    Voucher.objects.filter(pk=voucher.pk).update(
        redeemed_quantity=F("redeemed_quantity") - 1, redeemed_amount=F("redeemed_amount") - credits, updated_at=at
    )
    if not credits:
        return
    ledger = VoucherTransaction.objects.filter(voucher=voucher, redemption=former)
    line = balances.entry(
        voucher,
        type=VoucherTransaction.Type.REFUND,
        amount=credits,
        at=at,
        automatic=True,
        redemption=former,
        rollback=row,
        related=ledger.filter(type=VoucherTransaction.Type.REDEMPTION).first(),
        order=row.order,
    )
    line.save(force_insert=True)
    voucher_events.spent(row.project, [line], cause, row)
