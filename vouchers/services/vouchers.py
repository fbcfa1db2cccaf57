"""Vouchers that exist: found, changed, switched on and off, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import NotFound
from config.project import schemas
from config.project.models import Project
from vouchers.engine import codes
from vouchers.errors import InvalidVoucher
from vouchers.models import Campaign, Category, Voucher
from vouchers.services import balances, holders, issuing, voucher_events

VALIDITY: Final = (*("start_date", "expiration_date", "validity_timeframe", "validity_day_of_week", "validity_hours"),)
PLAIN: Final = (*VALIDITY, "additional_info")


def find(*, project: Project, identifier: str) -> Voucher:
    """The voucher with this code, else with this id, and all that is shown of it. Raises NotFound; binned ones too."""
    found = None
    if "\0" not in identifier:
        key = codes.comparable(identifier, case_sensitive=project.case_sensitive_codes)
        rows = Voucher.objects.of(project).alive().for_wire().filter(Q(code_key=key) | Q(public_id=identifier))
        found = max(rows, key=lambda row: row.code_key == key, default=None)
    if found is None:
        raise NotFound.of("voucher", identifier)
    return found


def update(
    *, project: Project, voucher: Voucher, data: Mapping[str, Any], at: datetime, cause: Cause = INTERNAL
) -> Voucher:
    """Change what was sent; null clears; what cannot change is skipped. Webhooks are told.

    A gift card's amount changes only while nothing was redeemed of it; metadata is merged at its first level.
    Raises InvalidVoucher, InvalidPayload, MetadataValidationFailed, NotFound (category).
    """
    with transaction.atomic():
        if data.get("gift") is not None:
            holders.lock_of(Voucher.objects.filter(pk=voucher.pk))
        locked = Voucher.objects.of(project).alive().select_for_update(no_key=True, of=("self",)).get(pk=voucher.pk)
        changed = fill(project, locked, data)
        locked.updated_at = at
        locked.save(update_fields=[*changed, "updated_at"])
        amount = (data.get("gift") or {}).get("amount")
        if amount is not None and locked.type == Voucher.Type.GIFT and not locked.redeemed_quantity:
            difference = amount - locked.gift_balance
            if difference:
                balances.adjust(project=project, voucher=locked, amount=difference, at=at, cause=cause)
        changed_voucher = find(project=project, identifier=voucher.public_id)
        voucher_events.told(project, "updated", changed_voucher, at, cause)
    return changed_voucher


def switch(*, project: Project, voucher: Voucher, active: bool, at: datetime, cause: Cause = INTERNAL) -> Voucher:
    """Switch a voucher on or off; saying it twice changes nothing and tells nobody."""
    with transaction.atomic():
        rows = Voucher.objects.of(project).filter(pk=voucher.pk).exclude(active=active)
        switched = rows.update(active=active, updated_at=at)
        found = find(project=project, identifier=voucher.public_id)
        if switched:
            voucher_events.told(project, "enabled" if active else "disabled", found, at, cause)
    return found


def switch_many(*, project: Project, identifiers: Sequence[str], active: bool, at: datetime, cause: Cause) -> None:
    """Switch all of them, or none. Raises NotFound naming the first unknown one."""
    with transaction.atomic():
        found = {voucher.pk: voucher for voucher in (find(project=project, identifier=name) for name in identifiers)}
        for key in sorted(found):
            switch(project=project, voucher=found[key], active=active, at=at, cause=cause)


def delete(*, project: Project, voucher: Voucher, at: datetime, force: bool = False, cause: Cause = INTERNAL) -> None:
    """Move to the bin, where the code stays reserved; with `force` remove it and free the code.

    Its redemptions stay; those of a removed one are shown no more.
    """
    row = Voucher.objects.of(project).filter(pk=voucher.pk)
    with transaction.atomic():
        holders.lock_of(row)
        voucher_events.deleted(project, voucher, at, cause)
        if voucher.campaign_id is not None:
            count = F("vouchers_count") - 1
            Campaign.objects.filter(pk=voucher.campaign_id, vouchers_count__gt=0).update(vouchers_count=count)
        if force:
            row.delete()
        else:
            row.update(deleted_at=at, updated_at=at)


def fill(
    project: Project, voucher: Voucher, data: Mapping[str, Any], categories: Mapping[str, Category] | None = None
) -> list[str]:
    """Set what was sent, checked; returns the names of the columns. categories: as `issuing.category_of`'s."""
    changed = [name for name in PLAIN if name in data]
    for name in changed:
        setattr(voucher, name, data[name])
    if any(name in data for name in VALIDITY):
        issuing.check_validity({name: getattr(voucher, name) for name in VALIDITY})
    if data.get("active") is not None:
        voucher.active = data["active"]
        changed.append("active")
    if data.get("metadata") is not None:
        voucher.metadata = {**voucher.metadata, **data["metadata"]}
        schemas.require(project, "voucher", voucher.metadata, whole=True)
        changed.append("metadata")
    if "category" in data or "category_id" in data:
        voucher.category, voucher.category_tag = issuing.category_of(project, data, categories)
        changed += ["category", "category_tag"]
    if data.get("discount") is not None and voucher.type == Voucher.Type.DISCOUNT:
        voucher.discount = _changed_discount(project, voucher, data["discount"])
        changed.append("discount")
    return changed


def _changed_discount(project: Project, voucher: Voucher, discount: Mapping[str, Any]) -> dict[str, Any]:
    if not discount.get("type"):
        raise InvalidVoucher("Property .discount should have required property 'type'")
    if discount["type"] != (voucher.discount or {}).get("type"):
        raise InvalidVoucher("It is not possible to change Voucher discount type")
    return issuing.stored_discount(project, discount)
