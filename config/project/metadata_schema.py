"""Whether metadata is what its schema says, and how text becomes a declared type. Pure.

Source: http-and-auth.md §9 and customers.md §11 of the wire contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from config.kernel import instants
from config.kernel.errors import MetadataValidationFailed

TYPES: Final = ("string", "number", "boolean", "date", "datetime", "image_url", "object", "geopoint")
_IMAGE_URL: Final = re.compile(r"https?://\S+\.(?:jpe?g|png)(?:\?\S*)?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,12})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Definition:
    """What one metadata property must look like. Bounds are None and lists empty where nothing is asked."""

    type: str
    array: bool = False
    optional: bool = True
    object_type: str | None = None
    eq: tuple[Any, ...] = ()
    ne: tuple[Any, ...] = ()
    lt: float | None = None
    lte: float | None = None
    gt: float | None = None
    gte: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    exact_length: int | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """The definitions of one kind of object, and the nested objects they name."""

    properties: Mapping[str, Definition]
    allow_defined_only: bool = False
    nested: Mapping[str, Schema] | None = None

    def live(self) -> dict[str, Definition]:
        """Definitions that were not removed."""
        return {key: definition for key, definition in self.properties.items() if not definition.deleted}


NO_SCHEMA: Final = Schema({})


def definition_of(stored: Mapping[str, Any]) -> Definition:
    """The definition of a stored property, in the management API's snake case."""
    return Definition(
        type=stored.get("type", "string"),
        array=bool(stored.get("array")),
        optional=stored.get("optional") is not False,
        object_type=stored.get("object_type"),
        eq=tuple(stored.get("eq") or ()),
        ne=tuple(stored.get("ne") or ()),
        **{name: stored.get(name) for name in ("lt", "lte", "gt", "gte", "min_length", "max_length", "exact_length")},
        deleted=bool(stored.get("deleted")),
    )


def schema_of(stored: Mapping[str, Any], *, allow_defined_only: bool = False) -> Schema:
    """The schema of stored `properties`."""
    return Schema({key: definition_of(value) for key, value in stored.items()}, allow_defined_only)


def require_valid(metadata: Mapping[str, Any], schema: Schema, *, whole: bool) -> None:
    """Raise MetadataValidationFailed with every complaint; whole: required properties must be there."""
    if complaints := list(check(metadata, schema, whole=whole)):
        raise MetadataValidationFailed("; ".join(complaints))


def check(metadata: Mapping[str, Any], schema: Schema, *, whole: bool) -> Iterable[str]:
    """Yield `key: must be a string, property is required (actual value is 'x')` for each property that is wrong."""
    definitions = schema.live()
    for key, definition in definitions.items():
        if key not in metadata:
            if whole and not definition.optional:
                yield f"{key}: {describe(definition)} (actual value is undefined)"
        elif not _holds(definition, metadata[key], schema):
            yield f"{key}: {describe(definition)} (actual value is {_shown(metadata[key])})"
    if schema.allow_defined_only:
        for key in metadata:
            if key not in definitions:
                yield f"{key}: is not defined in the metadata schema (actual value is {_shown(metadata[key])})"


def describe(definition: Definition) -> str:
    """The definition in the wire's words: `must be a number, property is required, must be greater than 0`."""
    demands = [f"must be {_NOUN[definition.type]}"]
    if not definition.optional and not definition.array:
        demands.append("property is required")
    if definition.eq:
        demands.append(f"must be equal to one of {','.join(map(str, definition.eq))}")
    if definition.ne:
        demands.append(f"must not be equal to any of {','.join(map(str, definition.ne))}")
    for bound, words in _BOUNDS:
        value = getattr(definition, bound)
        if value is not None:
            demands.append(f"must be {words} {value:g}")
    for bound, words in _LENGTHS:
        value = getattr(definition, bound)
        if value is not None:
            demands.append(f"must have {words} {value} characters")
    if not definition.array:
        return ", ".join(demands)
    required = "" if definition.optional else ", property is required"
    return f"must be an array{required}, and every element: {', '.join(demands)}"


_NOUN: Final = {
    "string": "a string",
    "number": "a number",
    "boolean": "a boolean",
    "date": "a date",
    "datetime": "a date with time",
    "image_url": "a URL pointing to JPG/JPEG or PNG resource",
    "object": "an object",
    "geopoint": "a geopoint",
}
_BOUNDS: Final = (
    ("lt", "less than"),
    ("lte", "less than or equal to"),
    ("gt", "greater than"),
    ("gte", "greater than or equal to"),
)
_LENGTHS: Final = (("min_length", "at least"), ("max_length", "at most"), ("exact_length", "exactly"))


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text[:100]}'"


def _holds(definition: Definition, value: Any, schema: Schema) -> bool:
    if value is None:
        return definition.optional
    if definition.array:
        return isinstance(value, list) and all(
            element is not None and _element_holds(definition, element, schema) for element in value
        )
    return _element_holds(definition, value, schema)


def _element_holds(definition: Definition, value: Any, schema: Schema) -> bool:
    if not _has_type(definition, value, schema):
        return False
    if definition.eq and value not in definition.eq:
        return False
    if value in definition.ne if definition.ne else False:
        return False
    if definition.type == "number":
        return (
            (definition.lt is None or value < definition.lt)
            and (definition.lte is None or value <= definition.lte)
            and (definition.gt is None or value > definition.gt)
            and (definition.gte is None or value >= definition.gte)
        )
    if definition.type == "string":
        return (
            (definition.min_length is None or len(value) >= definition.min_length)
            and (definition.max_length is None or len(value) <= definition.max_length)
            and (definition.exact_length is None or len(value) == definition.exact_length)
        )
    return True


def _has_type(definition: Definition, value: Any, schema: Schema) -> bool:
    match definition.type:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _parses(instants.parse_date, value)
        case "datetime":
            return isinstance(value, str) and _parses(instants.parse_instant, value)
        case "image_url":
            return isinstance(value, str) and _IMAGE_URL.fullmatch(value) is not None
        case "geopoint":
            return _is_geopoint(value)
        case _:
            return isinstance(value, dict) and _nested_holds(definition, value, schema)


def _nested_holds(definition: Definition, value: dict[str, Any], schema: Schema) -> bool:
    nested = (schema.nested or {}).get(definition.object_type or "")
    return nested is None or not list(check(value, nested, whole=True))


def _parses(parser: Any, text: str) -> bool:
    try:
        parser(text)
    except ValueError:
        return False
    return True


def _is_geopoint(value: Any) -> bool:
    """`"latitude,longitude"` as text or two numbers."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) != 2:
        return False
    try:
        latitude, longitude = (Decimal(str(part).strip()) for part in parts)
    except InvalidOperation:
        return False
    return abs(latitude) <= 90 and abs(longitude) <= 180


def from_text(definition: Definition | None, text: str) -> Any:
    """Convert a CSV cell or query value to its declared type; a key without definition stays text.

    An array's elements stand between commas; `null` is null for a boolean. Raises ValueError with the reason.
    """
    if definition is None or definition.deleted:
        return text
    if definition.array:
        return [_scalar(definition, part.strip()) for part in text.split(",")]
    return _scalar(definition, text)


def _scalar(definition: Definition, text: str) -> Any:
    match definition.type:
        case "number":
            if _NUMBER.fullmatch(text) is None:
                raise ValueError(f"{text[:60]!r} is not a number")
            return float(text) if "." in text else int(text)
        case "boolean":
            known = {"true": True, "false": False, "null": None}
            if text.lower() not in known:
                raise ValueError(f"{text[:60]!r} is neither true, false nor null")
            return known[text.lower()]
        case "object":
            raise ValueError("objects cannot be written in a cell")
        case _:
            return text
