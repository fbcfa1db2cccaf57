"""Doors for many vouchers at once: check the whole body, queue the job. Source: vouchers.md §10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from config.jobs import bulk, runner
from config.jobs.models import AsyncAction
from config.kernel.causes import Cause
from config.project import schemas
from config.project.models import Project, User
from vouchers import tasks
from vouchers.errors import InvalidVoucher, NotEnoughCodes
from vouchers.models import Voucher
from vouchers.services import many


def start_update(
    *, project: Project, items: Sequence[Mapping[str, Any]], at: datetime, request_id: str = ""
) -> AsyncAction:
    """Queue `vouchers/bulk/async`. items: of checked shape."""
    return bulk.start(
        project=project,
        type="VOUCHERS.BULK_UPDATE",
        task=tasks.update_many,
        items=items,
        at=at,
        title="Update of many vouchers",
        request_id=request_id,
    )


def start_metadata(
    *, project: Project, codes: Sequence[str], metadata: Mapping[str, Any], at: datetime, request_id: str = ""
) -> AsyncAction:
    """Queue `vouchers/metadata/async`. Raises NotEnoughCodes, MetadataValidationFailed."""
    if not codes:
        raise NotEnoughCodes("Specify at least 1 code in codes.")
    schemas.require(project, "voucher", metadata, whole=False)
    return bulk.start(
        project=project,
        type="VOUCHERS.METADATA_UPDATE",
        task=tasks.update_metadata,
        items=codes,
        shared=dict(metadata),
        at=at,
        title="Metadata of many vouchers",
        request_id=request_id,
    )


def require_codes(body: object) -> None:
    """Raise InvalidVoucher where items of an import have no code."""
    if isinstance(body, list):
        without = sum(1 for item in body if isinstance(item, dict) and item.get("code") in (None, ""))
        if without:
            raise InvalidVoucher(f"Found {without} voucher(s) without 'code' value")


def start_import(*, project: Project, body: Sequence[Any], at: datetime, request_id: str = "") -> AsyncAction:
    """Queue `vouchers/import`. body: items of checked shape, as they were sent."""
    return bulk.start(
        project=project,
        type="VOUCHERS.IMPORT",
        task=tasks.import_many,
        items=body,
        at=at,
        title="Import of vouchers",
        request_id=request_id,
    )


def start_change(
    *,
    project: Project,
    rows: QuerySet[Voucher],
    count: int | None,
    act: str,
    query: Mapping[str, str],
    at: datetime,
    user: User,
    cause: Cause,
) -> AsyncAction:
    """Queue it for what the list's query says now and later codes not. count: of the rows, where it is known."""
    return runner.start(
        project=project,
        type=f"VOUCHERS.{act.upper()}",
        task=tasks.change_many,
        parameters={
            "act": act,
            "query": dict(query),
            "upto": rows.order_by().aggregate(last=Max("pk"))["last"] or 0,
            "source": dict(cause.source),
        },
        at=at,
        title=f"Vouchers {many.ACTS[act]}",
        user=user,
        channel="WEBSITE",
        request_id=cause.group_id,
        rows_total=count,
    )
