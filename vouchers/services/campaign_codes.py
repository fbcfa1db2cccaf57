"""What happens to the codes of a campaign that was changed or removed; bodies of jobs, safe to run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from config.jobs import runner
from config.jobs.runner import Run
from config.kernel.instants import parse_instant
from vouchers.models import Campaign, Voucher, VoucherTransaction
from vouchers.services import balances, generation, holders

BATCH: Final = 2_000


def follow(run: Run, *, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Give the campaign's new terms to every code that is neither published nor redeemed."""
    campaign = Campaign.objects.of(run.action.project).filter(pk=run.parameters["campaign"]).first()
    if campaign is None:
        return _updated(0)
    with generation.freed(campaign):
        _follow(run, campaign, run.parameters["terms"], clock)
    generation.set_status(campaign, "DONE")
    return _updated(run.action.rows_done)


def _follow(run: Run, campaign: Campaign, terms: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
    untouched = Voucher.objects.filter(campaign=campaign, deleted_at=None, publish_count=0, redeemed_quantity=0)
    last, done = 0, 0
    while rows := list(untouched.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            run.hold()
            locked = untouched.filter(pk__in=rows).select_for_update(no_key=True).order_by("pk")
            changed = [row for row in locked if _apply(row, terms)]
            _save(changed, terms, clock())
            last, done = rows[-1], done + len(changed)
            runner.progress(run.action, max(done, run.action.rows_done))
        run.check()


def remove(run: Run, *, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Take the codes of a removed campaign away; with `force` for good, and the campaign with them."""
    campaign = Campaign.objects.of(run.action.project).filter(pk=run.parameters["campaign"]).first()
    if campaign is not None:
        at, force = parse_instant(run.parameters["at"]), run.parameters["force"]
        rows = Voucher.objects.filter(campaign=campaign)
        left = rows if force else rows.filter(deleted_at=None)
        while pks := list(left.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            with transaction.atomic():
                run.hold()
                batch = Voucher.objects.filter(pk__in=pks)
                holders.lock_of(batch)
                if force:
                    batch.delete()
                else:
                    batch.update(deleted_at=at, updated_at=at)
                runner.progress(run.action, run.action.rows_done + len(pks))
            run.check()
        if force:
            with transaction.atomic():
                run.hold()
                campaign.delete()
    done = run.action.rows_done
    return {"message": f"Deleted {done} vouchers.", "done_count": done}


def _updated(done: int) -> dict[str, Any]:
    return {"message": f"Updated {done} vouchers.", "done_count": done}


def _apply(voucher: Voucher, terms: Mapping[str, Any]) -> bool:
    """Set the terms on the instance; whether that changes it."""
    if discount := terms.get("discount"):
        changed: bool = voucher.discount != discount
        voucher.discount = discount
        return changed
    if gift := terms.get("gift"):
        effect = gift.get("effect")
        return bool(voucher.gift_balance != gift["amount"] or voucher.gift_effect != effect)
    if card := terms.get("loyalty_card"):
        fresh = {"points": card["points"], "balance": card["points"]}
        changed = voucher.loyalty_card != fresh
        voucher.loyalty_card = fresh
        return changed
    return False


def _save(vouchers: list[Voucher], terms: Mapping[str, Any], at: datetime) -> None:
    """One statement for all where they become alike; a gift card's ledger says what it gained or lost."""
    pks = [voucher.pk for voucher in vouchers]
    rows = Voucher.objects.filter(pk__in=pks)
    if gift := terms.get("gift"):
        _save_gifts(vouchers, gift, at)
    elif discount := terms.get("discount"):
        rows.update(discount=discount, updated_at=at)
    elif vouchers:
        rows.update(loyalty_card=vouchers[0].loyalty_card, updated_at=at)


def _save_gifts(vouchers: list[Voucher], gift: Mapping[str, Any], at: datetime) -> None:
    entries = []
    for voucher in vouchers:
        difference = gift["amount"] - voucher.gift_balance
        moved: dict[str, Any] = {}
        if difference > 0:
            voucher.gift_amount += difference
            moved, kind = {"gift_amount": F("gift_amount") + difference}, VoucherTransaction.Type.ADDITION
        elif difference < 0:
            voucher.gift_subtracted_amount -= difference
            moved = {"gift_subtracted_amount": F("gift_subtracted_amount") - difference}
            kind = VoucherTransaction.Type.REMOVAL
        Voucher.objects.filter(pk=voucher.pk).update(gift_effect=gift.get("effect"), updated_at=at, **moved)
        if difference:
            entries.append(balances.entry(voucher, type=kind, amount=difference, at=at, automatic=True))
    VoucherTransaction.objects.bulk_create(entries)
