"""Schemas of custom events: written by the management API and the settings page, read with every event."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from config.kernel.errors import DuplicateFound, InvalidPayload, LimitExceeded, NotFound
from config.project import metadata_schema
from config.project.metadata import is_storable
from config.project.metadata_schema import Schema
from config.project.models import Project
from tracking.custom_events import LONGEST_NAME
from tracking.models import EventName, EventSchema

TYPES: Final = ("string", "number", "date", "datetime", "boolean")
MOST_PROPERTIES: Final = 100
MOST_CLIENT_NAMES: Final = 500
FRESH_SECONDS: Final = 5.0


class _Known:
    """What a process remembers of a project: schemas by name, and names that are stored already."""

    def __init__(self, schemas: Mapping[str, tuple[str, Schema]]) -> None:
        self.until = time.monotonic() + FRESH_SECONDS
        self.schemas = schemas


_cache: dict[int, _Known] = {}
_names: dict[int, set[str]] = {}
_lock = threading.Lock()


def schema_of(project: Project, name: str) -> tuple[str, Schema] | None:
    """(public id, schema) of that event, or None. At most FRESH_SECONDS old in another process."""
    known = _cache.get(project.pk)
    if known is None or known.until < time.monotonic():
        rows = EventSchema.objects.of(project)
        known = _Known({row.name: (row.public_id, metadata_schema.schema_of(row.properties)) for row in rows})
        with _lock:
            if len(_cache) > 1000:
                _cache.clear()
            _cache[project.pk] = known
    return known.schemas.get(name)


def note_name(*, project: Project, name: str, from_client: bool, at: datetime) -> None:
    """Keep the name of an event that is about to be recorded; costs nothing for a known one.

    Raises LimitExceeded where browsers have made up too many names already.
    """
    seen = _names.setdefault(project.pk, set())
    if name in seen:
        return
    names = EventName.objects.of(project)
    if not names.filter(name=name).exists():
        if from_client and names.filter(from_client=True).count() >= MOST_CLIENT_NAMES:
            raise LimitExceeded(f"Events of more than {MOST_CLIENT_NAMES} names cannot be made by client keys")
        EventName.objects.bulk_create(
            [EventName(project=project, name=name, from_client=from_client, created_at=at)], ignore_conflicts=True
        )
    with _lock:
        if len(seen) > 10_000:
            seen.clear()
        seen.add(name)


def create(*, project: Project, body: Mapping[str, Any], at: datetime) -> EventSchema:
    """Make the schema of an event. Raises InvalidPayload, DuplicateFound."""
    name = body.get("name")
    if name is None:
        raise InvalidPayload("Payload should have required property 'name'")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= LONGEST_NAME or not is_storable(name):
        raise InvalidPayload(f"Property .name should be string of 1 to {LONGEST_NAME} characters")
    properties = parse_schema(body.get("schema"))
    try:
        with transaction.atomic():
            schema = EventSchema.objects.create(
                project=project, name=name.strip(), properties=properties, created_at=at
            )
    except IntegrityError:
        raise DuplicateFound.of("custom_event_schema", name.strip(), by="name") from None
    forget(project)
    return schema


def update(*, project: Project, schema: EventSchema, body: Mapping[str, Any], at: datetime) -> EventSchema:
    """Add or replace the properties that were sent; a property's type never changes. Raises InvalidPayload."""
    sent = parse_schema(body.get("schema"))
    with transaction.atomic():
        schema = EventSchema.objects.select_for_update().get(pk=schema.pk)
        for key, definition in sent.items():
            former = schema.properties.get(key)
            if former is not None and former["type"] != definition["type"]:
                raise InvalidPayload(f"Property .schema.properties.{key}.type cannot be changed")
        schema.properties = schema.properties | sent
        if len(schema.properties) > MOST_PROPERTIES:
            raise InvalidPayload(f"Property .schema.properties must NOT have more than {MOST_PROPERTIES} properties")
        schema.updated_at = at
        schema.save(update_fields=["properties", "updated_at"])
    forget(project)
    return schema


def delete(*, project: Project, schema: EventSchema) -> None:
    """Remove the schema; events already recorded stay as they are."""
    schema.delete()
    forget(project)


def find(*, project: Project, public_id: str) -> EventSchema:
    """The schema of that id. Raises NotFound."""
    schema = EventSchema.objects.of(project).filter(public_id=public_id).first()
    if schema is None:
        raise NotFound.of("custom_event_schema", public_id)
    return schema


def forget(project: Project) -> None:
    """Drop what this process remembers of the project."""
    with _lock:
        _cache.pop(project.pk, None)
        _names.pop(project.pk, None)


def facts(schema: EventSchema) -> dict[str, Any]:
    """The schema as the audit log keeps it."""
    return {f"{schema.name}.{key}": value for key, value in schema.properties.items()}


def parse_schema(value: object) -> dict[str, dict[str, Any]]:
    """Check and normalise `schema`. Raises InvalidPayload naming the property."""
    if not isinstance(value, dict):
        raise InvalidPayload("Payload should have required property 'schema'")
    properties = value.get("properties")
    if not isinstance(properties, dict):
        raise InvalidPayload("Property .schema should have required property 'properties'")
    if len(properties) > MOST_PROPERTIES:
        raise InvalidPayload(f"Property .schema.properties must NOT have more than {MOST_PROPERTIES} properties")
    return {key: _definition(key, part) for key, part in properties.items()}


def _definition(key: str, value: object) -> dict[str, Any]:
    path = f".schema.properties.{key[:80]}"
    if not key or len(key) > 255 or not is_storable(key):
        raise InvalidPayload("Property .schema.properties has a key that is empty, too long or cannot be stored")
    if not isinstance(value, dict):
        raise InvalidPayload(f"Property {path} should be object")
    if value.get("type") not in TYPES:
        raise InvalidPayload(
            f"Property {path}.type should be equal to one of the allowed values [ {', '.join(TYPES)} ]"
        )
    definition: dict[str, Any] = {"type": value["type"], "optional": True}
    for name in ("optional", "deleted"):
        flag = value.get(name)
        if flag is None:
            continue
        if not isinstance(flag, bool):
            raise InvalidPayload(f"Property {path}.{name} should be boolean")
        definition[name] = flag
    if definition.get("deleted") is False:
        del definition["deleted"]
    return definition
