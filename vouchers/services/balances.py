"""The ledger of gift cards: every row says what it did to the balance, and the balance is their sum."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from config.kernel.amounts import GREATEST
from config.kernel.causes import INTERNAL, Cause
from config.project.models import Project
from tracking.models import Order
from vouchers.errors import GiftAmountExceeded, InvalidAddBalanceParams
from vouchers.models import Redemption, Voucher, VoucherTransaction
from vouchers.services import holders, voucher_events


def entry(
    voucher: Voucher,
    *,
    type: VoucherTransaction.Type,
    amount: int,
    at: datetime,
    automatic: bool = False,
    redemption: Redemption | None = None,
    rollback: Redemption | None = None,
    related: VoucherTransaction | None = None,
    order: Order | None = None,
    source_id: str | None = None,
    source: str | None = None,
    reason: str | None = None,
) -> VoucherTransaction:
    """An unsaved row of the ledger. voucher: with its counters as they are after the change. amount: signed."""
    total, balance = voucher.gift_amount - voucher.gift_subtracted_amount, voucher.gift_balance
    details = {
        "balance": {
            "type": "gift_voucher",
            "total": total,
            "object": "balance",
            "amount": amount,
            "balance": balance,
            "operation_type": "AUTOMATIC" if automatic else "MANUAL",
            "related_object": {"id": voucher.public_id, "type": "voucher"},
        },
        **({} if order is None else {"order": {"id": order.public_id, "source_id": order.source_id}}),
        **({} if redemption is None else {"redemption": {"id": redemption.public_id}}),
        **({} if rollback is None else {"rollback": {"id": rollback.public_id}}),
    }
    return VoucherTransaction(
        project_id=voucher.project_id,
        voucher=voucher,
        type=type,
        amount=amount,
        balance=balance,
        total=total,
        source_id=source_id,
        source=source,
        reason=reason,
        redemption=redemption,
        related_transaction=related,
        order=order,
        details=details,
        created_at=at,
    )


def open_ledger(*, voucher: Voucher, at: datetime) -> None:
    """Write the first credits of a fresh gift card, in the caller's transaction."""
    if voucher.gift_amount:
        entry(voucher, type=VoucherTransaction.Type.ADDITION, amount=voucher.gift_amount, at=at, automatic=True).save(
            force_insert=True
        )


def opening(voucher: Voucher, *, at: datetime) -> list[VoucherTransaction]:
    """Unsaved: the first credits of a card that comes from elsewhere, and what was spent of it there."""
    if voucher.type != Voucher.Type.GIFT or not voucher.gift_amount:
        return []
    kinds = VoucherTransaction.Type
    spent, voucher.redeemed_amount = voucher.redeemed_amount, 0
    lines = [entry(voucher, type=kinds.ADDITION, amount=voucher.gift_amount, at=at, automatic=True)]
    voucher.redeemed_amount = spent
    if spent:
        lines.append(entry(voucher, type=kinds.REDEMPTION, amount=-spent, at=at, automatic=True, reason="Imported"))
    return lines


def adjust(
    *,
    project: Project,
    voucher: Voucher,
    amount: int,
    at: datetime,
    source_id: str | None = None,
    source: str | None = None,
    reason: str | None = None,
    cause: Cause = INTERNAL,
) -> VoucherTransaction:
    """Add credits, or remove them with a negative amount, and tell webhooks and the holder's timeline.

    A removal keeps what was ever granted and raises what was taken back.
    Raises InvalidAddBalanceParams: no gift card, nothing to do, or more than can be counted; GiftAmountExceeded: more
    than is left.
    """
    if voucher.type != Voucher.Type.GIFT:
        raise InvalidAddBalanceParams(f"Voucher {voucher.code} is not a gift card")
    if amount == 0:
        raise InvalidAddBalanceParams("Property .amount cannot be 0")
    with transaction.atomic():
        holders.lock_of(Voucher.objects.filter(pk=voucher.pk))
        rows = Voucher.objects.of(project).for_wire().select_for_update(no_key=True, of=("self",))
        locked = rows.get(pk=voucher.pk)
        if locked.gift_balance + amount < 0:
            raise GiftAmountExceeded(locked.code)
        if locked.gift_amount + amount > GREATEST:
            raise InvalidAddBalanceParams(f"Property .amount makes more than {GREATEST} credits")
        locked.updated_at = at
        if amount > 0:
            locked.gift_amount += amount
            moved = {"gift_amount": F("gift_amount") + amount}
        else:
            locked.gift_subtracted_amount -= amount
            moved = {"gift_subtracted_amount": F("gift_subtracted_amount") - amount}
        Voucher.objects.filter(pk=locked.pk).update(updated_at=at, **moved)
        kind = VoucherTransaction.Type.ADDITION if amount > 0 else VoucherTransaction.Type.REMOVAL
        row = entry(locked, type=kind, amount=amount, at=at, source_id=source_id, source=source, reason=reason)
        row.save(force_insert=True)
        voucher_events.balance_moved(project, row, at, cause)
        return row
