"""Uses of what is redeemed: counted under the lock, by conditions of their own, as parts of one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from config.project.statements import Part
from vouchers.engine.discounts import Effect
from vouchers.models import PromotionTier, Redemption, Voucher

Target = Voucher | PromotionTier
"""What a redeemable of a request turned out to be."""

LEFT: Final = """(quantity IS NULL OR redeemed_quantity < quantity)
    AND redeemed_amount <= gift_amount - gift_subtracted_amount - %s"""
"""The condition that a use is left, and the credits are there."""


def named(rows: Sequence[Redemption]) -> Mapping[str, Target]:
    """What each row redeems, under the name of its part: the same names again, so that the statement stays the same."""
    targets = [target for row in rows if (target := row.voucher or row.promotion_tier) is not None]
    return {f"use_{number}": target for number, target in enumerate(targets)}


def of(target: Target, effect: Effect, at: datetime) -> Part:
    """Count one use if there is one left; a row returned says it did."""
    if isinstance(target, PromotionTier):
        return _of_tier(target, effect)
    return of_voucher(target, effect.credits or 0, at)


def of_voucher(voucher: Voucher, credits: int, at: datetime) -> Part:
    """Count one use of a voucher if it has one left, and the credits if it has them."""
    sql = f"""UPDATE vouchers_voucher SET redeemed_quantity = redeemed_quantity + 1,
        redeemed_amount = redeemed_amount + %s, updated_at = %s WHERE id = %s AND {LEFT} RETURNING id"""  # noqa: S608
    return Part(sql, (credits, at, voucher.pk, credits))


def _of_tier(tier: PromotionTier, effect: Effect) -> Part:
    """A tier has no limit of its own; its sums are those that its summary shows."""
    sql = """UPDATE vouchers_promotiontier SET redeemed_quantity = redeemed_quantity + 1,
        orders_amount = orders_amount + %s, orders_discount_amount = orders_discount_amount + %s
        WHERE id = %s RETURNING id"""
    return Part(sql, (_order_amount(effect), effect.applied, tier.pk))


def count_in_memory(target: Target, effect: Effect, at: datetime) -> None:
    """Show the target as it will be; the row itself moves last."""
    target.redeemed_quantity += 1
    if isinstance(target, PromotionTier):
        target.orders_amount += _order_amount(effect)
        target.orders_discount_amount += effect.applied
    else:
        target.redeemed_amount += effect.credits or 0
        target.updated_at = at


def _order_amount(effect: Effect) -> int:
    return (effect.order.amount or 0) if effect.order is not None else 0
