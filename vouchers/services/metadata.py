"""Metadata of many vouchers. Source: vouchers.md §10.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from config.jobs.bulk import Done, refused
from config.kernel.errors import MetadataValidationFailed, NotFound
from config.project import schemas
from config.project.models import Project
from vouchers.engine import codes
from vouchers.models import Voucher


def merge_each(*, project: Project, items: Sequence[tuple[str, Mapping[str, Any]]], at: datetime) -> list[Done]:
    """Merge metadata into the vouchers of these codes, in the caller's transaction; unknown ones are not made.

    items: code or id, and what to merge at the first level. What the schema refuses is left as it was.
    """
    named = [name for name, _ in items]
    keys = {name: codes.comparable(name, case_sensitive=project.case_sensitive_codes) for name in named}
    rows = Voucher.objects.of(project).alive().filter(Q(code_key__in=keys.values()) | Q(public_id__in=named))
    by_name: dict[str, Voucher] = {}
    for row in rows.select_for_update(no_key=True).order_by("pk"):
        by_name |= {row.public_id: row}
        by_name[row.code_key] = row
    outcomes, changed = [], dict[int, Voucher]()
    for name, metadata in items:
        voucher = by_name.get(keys[name]) or by_name.get(name)
        if voucher is None:
            outcomes.append(refused(name, False, NotFound.of("voucher", name)))
            continue
        merged = {**voucher.metadata, **metadata}
        try:
            schemas.require(project, "voucher", merged, whole=True)
        except MetadataValidationFailed as error:
            outcomes.append(refused(name, True, error))
            continue
        voucher.metadata, voucher.updated_at = merged, at
        changed[voucher.pk] = voucher
        outcomes.append(Done(name, True, True))
    Voucher.objects.bulk_update(changed.values(), ["metadata", "updated_at"], batch_size=500)
    return outcomes
