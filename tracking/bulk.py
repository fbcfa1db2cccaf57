"""Doors for many products or orders at once: check the whole body, queue the job. Source: products-orders.md §3, §7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from config.jobs import bulk
from config.jobs.models import AsyncAction
from config.kernel.errors import InvalidPayload, LimitExceeded
from config.project import schemas
from config.project.models import Project
from customers.errors import NotEnoughSourceIds
from tracking import tasks
from tracking.payloads import parse_placed


def start_products(
    *, project: Project, items: Sequence[Mapping[str, Any]], at: datetime, request_id: str = ""
) -> AsyncAction:
    """Queue `products/bulk/async`. items: of checked shape, each with a source id."""
    return bulk.start(
        project=project,
        type="PRODUCTS.BULK_UPDATE",
        task=tasks.update_products,
        items=items,
        at=at,
        title="Update of many products",
        request_id=request_id,
    )


def start_products_metadata(
    *, project: Project, source_ids: Sequence[str], metadata: Mapping[str, Any], at: datetime, request_id: str = ""
) -> AsyncAction:
    """Queue `products/metadata/async`. Raises NotEnoughSourceIds, MetadataValidationFailed."""
    if not source_ids:
        raise NotEnoughSourceIds("Specify at least 1 ID in source_ids.")
    schemas.require(project, "product", metadata, whole=False)
    return bulk.start(
        project=project,
        type="PRODUCTS.METADATA_UPDATE",
        task=tasks.update_products_metadata,
        items=source_ids,
        shared=dict(metadata),
        at=at,
        title="Metadata of many products",
        request_id=request_id,
    )


def start_orders(*, project: Project, body: object, at: datetime, request_id: str = "") -> AsyncAction:
    """Queue `orders/import`. Raises InvalidPayload naming the first thing that is wrong, LimitExceeded; imports of a
    project run one after the other.
    """
    if not isinstance(body, list):
        raise InvalidPayload("Payload should be array")
    if not body:
        raise InvalidPayload("The payload cannot be empty")
    cap = project.vendor_caps.get("imported_orders")
    if isinstance(cap, int) and len(body) > cap:
        raise LimitExceeded(f"Payload must NOT have more than {cap} items")
    for index, item in enumerate(body):
        try:
            parse_placed(item)
        except InvalidPayload as error:
            place = f" (order {index} of the payload, counted from 0)" if index else ""
            raise InvalidPayload(f"{error.details}{place}") from error
    return bulk.start(
        project=project,
        type="ORDERS.IMPORT",
        task=tasks.import_orders,
        items=body,
        at=at,
        title="Import of orders",
        request_id=request_id,
        lock=f"orders.import.{project.pk}",
    )
