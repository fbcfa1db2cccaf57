"""Customers who hold gift cards: what they can still spend is a counter of theirs.

A trigger of the vouchers' table moves it with every change of a card, through whichever door it comes. So who changes
held cards locks their holders before, in the order of all locks: customers by key, then vouchers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Count, F, QuerySet, Sum

from config.kernel.errors import MultipleRequests
from customers.models import Customer
from vouchers.models import Voucher

CARDS = {"type": Voucher.Type.GIFT, "holder__isnull": False}


class HeldElsewhere(Exception):
    """Undoes a redemption: somebody works with the holders of its cards, who must be locked before the cards."""

    def __init__(self, holders: Collection[int]) -> None:
        super().__init__("held elsewhere")
        self.holders = frozenset(holders)


def lock(customer_ids: Collection[int]) -> None:
    """Lock customers by key, to the end of the transaction."""
    if customer_ids:
        list(_rows(customer_ids).values_list("pk", flat=True))


def lock_of(vouchers: QuerySet[Voucher], *also: int) -> None:
    """Lock who holds any of the vouchers that are gift cards, and other customers too, before the vouchers."""
    lock({*vouchers.filter(**CARDS).values_list("holder_id", flat=True), *also})


def keep(vouchers: Iterable[Voucher], *, own: int | None, locked_first: Collection[int]) -> None:
    """Lock the holders of gift cards that are locked already, without waiting; most spend their own.

    own: the customer, locked. locked_first: as HeldElsewhere said the time before. Raises HeldElsewhere where somebody
    has one of them, since who waited now might wait in a circle; MultipleRequests where that was so the time before.
    """
    locked = {own, *locked_first}
    missing = {
        voucher.holder_id
        for voucher in vouchers
        if voucher.type == Voucher.Type.GIFT and voucher.holder_id is not None and voucher.holder_id not in locked
    }
    if missing:
        free = set(_rows(missing, skip_locked=True).values_list("pk", flat=True))
        if free != missing and locked_first:
            raise MultipleRequests("Another request is working on the same gift card")
        if free != missing:
            raise HeldElsewhere(missing if own is None else {own, *missing})


def facts_of(customer: Customer) -> dict[str, int]:
    """What the counters of held gift cards should be, from the cards."""
    balance = F("gift_amount") - F("gift_subtracted_amount") - F("redeemed_amount")
    held = Voucher.objects.filter(holder=customer, type=Voucher.Type.GIFT, deleted_at=None)
    found = held.aggregate(cards=Count("pk"), balance=Sum(balance))
    return {"gift_cards_held": found["cards"], "gift_amount_to_go": found["balance"] or 0}


def _rows(customer_ids: Collection[int], *, skip_locked: bool = False) -> QuerySet[Customer]:
    rows = Customer.objects.filter(pk__in=sorted(customer_ids)).order_by("pk")
    return rows.select_for_update(no_key=True, skip_locked=skip_locked)
