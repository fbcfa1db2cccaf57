"""Metadata schemas of a project: written by the management API and the settings page, read on every write path."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from config.kernel.errors import DuplicateFound, InvalidPayload, NotFound
from config.project.metadata_schema import NO_SCHEMA, TYPES, Schema, definition_of, require_valid
from config.project.models import MetadataSchema, Project

MOST_DEFINITIONS: Final = 100
STANDARD: Final = (
    *("campaign", "customer", "earning_rule", "loyalty_tier", "order", "order_item", "product", "promotion_tier"),
    *("publication", "redemption", "reward", "voucher"),
)
FRESH_SECONDS: Final = 5.0
_BOUNDS: Final = ("lt", "lte", "gt", "gte")
_LENGTHS: Final = ("min_length", "max_length", "exact_length")

_cache: dict[int, tuple[float, Mapping[str, Schema]]] = {}
_lock = threading.Lock()


def schema_of(project: Project, related_object: str) -> Schema:
    """The schema of a kind of object, NO_SCHEMA where there is none. At most FRESH_SECONDS old in another process."""
    return schemas_of(project).get(related_object, NO_SCHEMA)


def schemas_of(project: Project) -> Mapping[str, Schema]:
    """All schemas of the project by `related_object` in lower case, nested ones resolved."""
    known = _cache.get(project.pk)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    rows = list(MetadataSchema.objects.of(project))
    plain = {row.related_object.lower(): _read(row) for row in rows}
    nested = {row.related_object: plain[row.related_object.lower()] for row in rows}
    found = {name: Schema(schema.properties, schema.allow_defined_only, nested) for name, schema in plain.items()}
    with _lock:
        if len(_cache) > 1000:
            _cache.clear()
        _cache[project.pk] = (time.monotonic() + FRESH_SECONDS, found)
    return found


def require(project: Project, related_object: str, metadata: Mapping[str, Any] | None, *, whole: bool) -> None:
    """Raise MetadataValidationFailed unless the metadata meets the project's schema; whole: required keys too."""
    schema = schema_of(project, related_object)
    if schema is not NO_SCHEMA:
        require_valid(metadata or {}, schema, whole=whole)


def require_each(project: Project, related_object: str, metadatas: Iterable[Mapping[str, Any] | None]) -> None:
    """The same for many that were sent; those without metadata are passed over."""
    schema = schema_of(project, related_object)
    if schema is not NO_SCHEMA:
        for metadata in metadatas:
            if metadata is not None:
                require_valid(metadata, schema, whole=True)


def forget(project: Project) -> None:
    """Drop what this process remembers of the project's schemas."""
    with _lock:
        _cache.pop(project.pk, None)


def create(*, project: Project, body: Mapping[str, Any], at: datetime) -> MetadataSchema:
    """Create the first schema of a kind of object. Raises InvalidPayload, DuplicateFound."""
    related_object = body.get("related_object")
    if not isinstance(related_object, str) or not related_object.strip() or len(related_object) > 64:
        raise InvalidPayload("Payload should have required property 'related_object'")
    properties = parse_properties(body.get("properties"))
    try:
        with transaction.atomic():
            schema = MetadataSchema.objects.create(
                project=project,
                related_object=related_object.strip(),
                properties=properties,
                allow_defined_only=_flag(body, "allow_defined_only", ""),
                created_at=at,
            )
    except IntegrityError:
        raise DuplicateFound.of("metadata schema", related_object, by="related_object") from None
    forget(project)
    return schema


def update(*, project: Project, schema: MetadataSchema, body: Mapping[str, Any], at: datetime) -> MetadataSchema:
    """Add or replace the definitions that were sent; the others stay. A definition's type never changes."""
    with transaction.atomic():
        schema = MetadataSchema.objects.select_for_update().get(pk=schema.pk)
        if "properties" in body:
            sent = parse_properties(body["properties"])
            for key, definition in sent.items():
                former = schema.properties.get(key)
                if former is not None and former["type"] != definition["type"]:
                    raise InvalidPayload(f"Property .properties.{key}.type cannot be changed")
            schema.properties = schema.properties | sent
            if len(schema.properties) > MOST_DEFINITIONS:
                raise InvalidPayload(f"Property .properties must NOT have more than {MOST_DEFINITIONS} properties")
        if "allow_defined_only" in body:
            schema.allow_defined_only = _flag(body, "allow_defined_only", "")
        schema.updated_at = at
        schema.save(update_fields=["properties", "allow_defined_only", "updated_at"])
    forget(project)
    return schema


def delete(*, project: Project, schema: MetadataSchema) -> None:
    """Remove the schema; metadata already stored stays as it is."""
    schema.delete()
    forget(project)


def facts(schema: MetadataSchema) -> dict[str, Any]:
    """The schema as the audit log keeps it: one value for each definition."""
    properties = {f"{schema.related_object}.{key}": value for key, value in schema.properties.items()}
    return {**properties, "allow_defined_only": schema.allow_defined_only}


def find(*, project: Project, public_id: str) -> MetadataSchema:
    """The schema of that id. Raises NotFound."""
    schema = MetadataSchema.objects.of(project).filter(public_id=public_id).first()
    if schema is None:
        raise NotFound.of("metadata schema", public_id)
    return schema


def parse_properties(value: object) -> dict[str, dict[str, Any]]:
    """Check and normalise `properties`. Raises InvalidPayload naming the property."""
    if not isinstance(value, dict):
        raise InvalidPayload("Payload should have required property 'properties'")
    if len(value) > MOST_DEFINITIONS:
        raise InvalidPayload(f"Property .properties must NOT have more than {MOST_DEFINITIONS} properties")
    return {key: _parse_definition(key, definition) for key, definition in value.items()}


def _parse_definition(key: str, value: object) -> dict[str, Any]:
    path = f".properties.{key[:80]}"
    if not key or len(key) > 255:
        raise InvalidPayload("Property .properties has a key that is empty or longer than 255 characters")
    if not isinstance(value, dict):
        raise InvalidPayload(f"Property {path} should be object")
    if value.get("type") not in TYPES:
        raise InvalidPayload(
            f"Property {path}.type should be equal to one of the allowed values [ {', '.join(TYPES)} ]"
        )
    definition: dict[str, Any] = {
        "type": value["type"],
        "array": _flag(value, "array", path),
        "optional": _flag(value, "optional", path, default=True),
        "object_type": _optional(value, "object_type", path, str),
    }
    if _flag(value, "deleted", path):
        definition["deleted"] = True
    for name in ("eq", "ne"):
        if value.get(name) is not None:
            definition[name] = _allowed_values(value[name], f"{path}.{name}", value["type"])
    for name in (*_BOUNDS, *_LENGTHS):
        kind = (int, float) if name in _BOUNDS else int
        bound = _optional(value, name, path, kind)
        if bound is not None:
            definition[name] = bound
    return definition


def _allowed_values(values: object, path: str, kind: str) -> list[Any]:
    if not isinstance(values, list):
        raise InvalidPayload(f"Property {path} must be array")
    wanted: Any = (int, float) if kind == "number" else str
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, wanted):
            raise InvalidPayload(f"Property {path}.{index} must be {'number' if kind == 'number' else 'string'}")
    return values


def _flag(body: Mapping[str, Any], name: str, path: str, *, default: bool = False) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidPayload(f"Property {path}.{name} must be boolean")
    return value


def _optional(body: Mapping[str, Any], name: str, path: str, kind: Any) -> Any:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kind):
        noun = {str: "string", int: "integer"}.get(kind, "number")
        raise InvalidPayload(f"Property {path}.{name} must be {noun}")
    return value


def _read(row: MetadataSchema) -> Schema:
    definitions = {key: definition_of(value) for key, value in row.properties.items()}
    return Schema(definitions, row.allow_defined_only)
