"""Pure: a segment as the wire sends it. Source: segments.md section 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from config.kernel.errors import InvalidPayload
from config.project.metadata import is_storable, parse_metadata

TYPES: Final = ("static", "auto-update", "passive")
NAME_LENGTH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentData:
    """filter: not yet read, kept as sent. customers: ids and source ids, each once, in order; None: not given."""

    name: str
    type: str
    filter: object = None
    customers: Sequence[str] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def parse_segment(body: object) -> SegmentData:
    """Return what to create; null counts as missing. Raises InvalidPayload naming the property."""
    if not isinstance(body, dict):
        raise InvalidPayload("Payload should be object")
    if not body:
        raise InvalidPayload("The payload cannot be empty")
    name, customers, wanted = _name(body), _customers(body), body.get("filter")
    type_ = _type(body, has_filter=wanted is not None, has_customers=customers is not None)
    if type_ == "static" and customers is None:
        raise InvalidPayload("Payload should have required property 'customers'")
    if type_ == "static" and wanted is not None:
        raise InvalidPayload("Property .filter should be null in a static segment")
    if type_ != "static" and customers:
        raise InvalidPayload(f"Property .customers should be null in a segment of type {type_}")
    if type_ != "static" and wanted is None:
        raise InvalidPayload(filter_required(type_))
    return SegmentData(
        name=name,
        type=type_,
        filter=wanted,
        customers=customers if type_ == "static" else None,
        metadata={} if body.get("metadata") is None else parse_metadata(body["metadata"], ".metadata"),
    )


def filter_required(type_: str) -> str:
    """The message for a dynamic segment whose filter says nothing."""
    return f"'{type_.upper().replace('-', '_')}' segment must contain valid filter with 'junction' property"


def _name(body: Mapping[str, object]) -> str:
    name = body.get("name")
    if name is None or name == "":
        raise InvalidPayload("Payload should have required property 'name'")
    if not isinstance(name, str):
        raise InvalidPayload("Property .name should be string")
    if len(name) > NAME_LENGTH:
        raise InvalidPayload(f"Property .name cannot be longer than {NAME_LENGTH} characters")
    if not is_storable(name):
        raise InvalidPayload("Property .name contains a character that cannot be stored")
    return name


def _type(body: Mapping[str, object], *, has_filter: bool, has_customers: bool) -> str:
    wanted = body.get("type")
    if wanted is None:
        if has_filter == has_customers:
            raise InvalidPayload("Payload should have either property 'filter' or property 'customers'")
        return "auto-update" if has_filter else "static"
    if not isinstance(wanted, str) or wanted not in TYPES:
        raise InvalidPayload(f"Property .type should be equal to one of the allowed values [ {', '.join(TYPES)} ]")
    return wanted


def _customers(body: Mapping[str, object]) -> list[str] | None:
    customers = body.get("customers")
    if customers is None:
        return None
    if not isinstance(customers, list):
        raise InvalidPayload("Property .customers should be array")
    for index, identifier in enumerate(customers):
        if not isinstance(identifier, str):
            raise InvalidPayload(f"Property .customers[{index}] should be string")
        if not is_storable(identifier):
            raise InvalidPayload(f"Property .customers[{index}] contains a character that cannot be stored")
    return list(dict.fromkeys(customers))
