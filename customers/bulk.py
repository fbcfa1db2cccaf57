"""Doors for many customers at once: check the whole body, queue the job. Source: customers.md section 10."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from config.jobs import bulk
from config.jobs.models import AsyncAction
from config.kernel.errors import InvalidPayload
from config.project import schemas
from config.project.models import Project
from customers import tasks
from customers.errors import NotEnoughSourceIds
from customers.payloads import check_text, parse_customer, parse_metadata_of


def start_update(*, project: Project, body: object, at: datetime, request_id: str = "") -> AsyncAction:
    """Queue `bulk/async`. Raises InvalidPayload naming the first property that is wrong; then nothing is queued."""
    if not isinstance(body, list):
        raise InvalidPayload("Payload should be array")
    if not body:
        raise InvalidPayload("The payload cannot be empty")
    for index, item in enumerate(body):
        _check_item(item, f"[{index}]")
    return bulk.start(
        project=project,
        type="CUSTOMERS.BULK_UPDATE",
        task=tasks.update_many,
        items=body,
        at=at,
        title="Update of many customers",
        request_id=request_id,
    )


def start_metadata(*, project: Project, body: object, at: datetime, request_id: str = "") -> AsyncAction:
    """Queue `metadata/async`. Raises InvalidPayload, NotEnoughSourceIds, MetadataValidationFailed."""
    if not isinstance(body, dict):
        raise InvalidPayload("Payload should be object")
    for name in ("source_ids", "metadata"):
        if body.get(name) is None:
            raise InvalidPayload(f"Payload should have required property '{name}'")
    source_ids = body["source_ids"]
    if not isinstance(source_ids, list):
        raise InvalidPayload("Property .source_ids should be array")
    if not source_ids:
        raise NotEnoughSourceIds("Specify at least 1 source_id")
    for index, source_id in enumerate(source_ids):
        if not check_text(source_id, "source_id", f".source_ids[{index}]"):
            raise InvalidPayload(f"Property .source_ids[{index}] cannot be empty")
    metadata = parse_metadata_of(body["metadata"], ".metadata")
    schemas.require(project, "customer", metadata, whole=False)
    return bulk.start(
        project=project,
        type="CUSTOMERS.METADATA_UPDATE",
        task=tasks.update_metadata,
        items=source_ids,
        shared=metadata,
        at=at,
        title="Metadata of many customers",
        request_id=request_id,
    )


def _check_item(item: Any, path: str) -> None:
    if isinstance(item, dict) and item.get("source_id") in (None, ""):
        raise InvalidPayload("Payload should have required property 'source_id'")
    parse_customer(item, path)
