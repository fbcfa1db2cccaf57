"""Vouchers that exist: found, changed, switched on and off, removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from config.kernel.errors import NotFound
from config.project import schemas
from config.project.models import Project
from vouchers.engine import codes
from vouchers.errors import InvalidVoucher
from vouchers.models import Voucher
from vouchers.services import balances, issuing

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


def update(*, project: Project, voucher: Voucher, data: Mapping[str, Any], at: datetime) -> Voucher:
    """Change what was sent; null clears; what cannot change is skipped.

    A gift card's amount changes only while nothing was redeemed of it; metadata is merged at its first level.
    Raises InvalidVoucher, InvalidPayload, MetadataValidationFailed, NotFound (category).
    """
    with transaction.atomic():
        locked = Voucher.objects.of(project).alive().select_for_update(no_key=True, of=("self",)).get(pk=voucher.pk)
        changed = _fill(project, locked, data)
        locked.updated_at = at
        locked.save(update_fields=[*changed, "updated_at"])
        amount = (data.get("gift") or {}).get("amount")
        if amount is not None and locked.type == Voucher.Type.GIFT and not locked.redeemed_quantity:
            difference = amount - locked.gift_balance
            if difference:
                balances.adjust(project=project, voucher=locked, amount=difference, at=at)
    return find(project=project, identifier=voucher.public_id)


def switch(*, project: Project, voucher: Voucher, active: bool, at: datetime) -> Voucher:
    """Switch a voucher on or off; saying it twice changes nothing."""
    if voucher.active is not active:
        Voucher.objects.of(project).filter(pk=voucher.pk).update(active=active, updated_at=at)
    return find(project=project, identifier=voucher.public_id)


def delete(*, project: Project, voucher: Voucher, at: datetime, force: bool = False) -> None:
    """Move to the bin, where the code stays reserved; with `force` remove it and free the code.

    Its redemptions stay, without the voucher where it is removed.
    """
    row = Voucher.objects.of(project).filter(pk=voucher.pk)
    if force:
        row.delete()
    else:
        row.update(deleted_at=at, updated_at=at)


def _fill(project: Project, voucher: Voucher, data: Mapping[str, Any]) -> list[str]:
    """Set what was sent, checked; returns the names of the columns."""
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
        voucher.category, voucher.category_tag = issuing.category_of(project, data)
        changed += ["category", "category_tag"]
    if data.get("discount") is not None and voucher.type == Voucher.Type.DISCOUNT:
        voucher.discount = _changed_discount(voucher, data["discount"])
        changed.append("discount")
    return changed


def _changed_discount(voucher: Voucher, discount: Mapping[str, Any]) -> dict[str, Any]:
    if not discount.get("type"):
        raise InvalidVoucher("Property .discount should have required property 'type'")
    if discount["type"] != (voucher.discount or {}).get("type"):
        raise InvalidVoucher("It is not possible to change Voucher discount type")
    return issuing.checked_discount(discount)
