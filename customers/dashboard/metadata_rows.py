"""The rows of the metadata editor: one for each key, with its type and whether it is not set, null or has a value.

Pure but for the forms' error: what was typed becomes metadata here, and nothing is looked up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.project.metadata_schema import Definition, describe, from_text

UNSET: Final = "unset"
NULL: Final = "null"
VALUE: Final = "value"
STATES: Final = ((UNSET, "Not set"), (NULL, "Null"), (VALUE, "Value"))
FREE_TYPES: Final = (("string", "Text"), ("number", "Number"), ("boolean", "Yes or no"), ("json", "JSON"))
"""Types of keys that the schema does not define."""
BLANK: Final = 3
MOST_ROWS: Final = 1100
INPUTS: Final = {"number": "number", "date": "date", "boolean": "choice", "object": "lines", "json": "lines"}


@dataclass(slots=True)
class Row:
    """One line of the editor. key: "" where it is still to be named. text: the value as typed."""

    number: int
    key: str
    type: str
    state: str = UNSET
    text: str = ""
    definition: Definition | None = None
    error: str = ""
    types: tuple[tuple[str, str], ...] = field(default=FREE_TYPES)

    @property
    def input(self) -> str:
        """How it is typed: text, number, date, choice, lines."""
        if self.definition is not None and self.definition.array:
            return "lines"
        if self.definition is not None and self.definition.eq:
            return "choice"
        if self.definition is None:
            return "lines" if self.type == "json" else "text"
        return INPUTS.get(self.type, "text")

    @property
    def choices(self) -> list[str]:
        """What a choice offers."""
        if self.definition is not None and self.definition.eq:
            return [_text_of(value) for value in self.definition.eq]
        return ["true", "false"]

    @property
    def hint(self) -> str:
        """What the schema asks for, in its words."""
        if self.definition is None:
            return ""
        lines = " One a line." if self.definition.array else ""
        return f"{describe(self.definition)}.{lines}"

    def value(self) -> Any:
        """What was typed, as its type. Raises ValueError with a sentence."""
        if self.definition is None:
            return _free(self.type, self.text)
        if self.definition.type == "object" or self.definition.object_type:
            return _json(self.text)
        if self.definition.array:
            parts = [line.strip() for line in self.text.splitlines() if line.strip()]
            return [from_text(_element(self.definition), part) for part in parts]
        return from_text(self.definition, self.text if self.definition.type == "string" else self.text.strip())


def rows_of(metadata: Mapping[str, Any], definitions: Mapping[str, Definition]) -> list[Row]:
    """Defined keys first, then the others, then empty lines for new ones."""
    rows: list[Row] = []
    for key, definition in sorted(definitions.items()):
        stored = metadata.get(key)
        state = UNSET if key not in metadata else NULL if stored is None else VALUE
        text = "" if stored is None else _typed(definition, stored)
        rows.append(Row(len(rows), key, definition.type, state, text, definition))
    for key, stored in sorted(metadata.items()):
        if key not in definitions:
            kind = _kind_of(stored)
            text = "" if stored is None else _free_text(kind, stored)
            rows.append(Row(len(rows), key, kind, NULL if stored is None else VALUE, text))
    return rows + [Row(len(rows) + number, "", "string") for number in range(BLANK)]


def read(posted: Mapping[str, str], definitions: Mapping[str, Definition]) -> list[Row]:
    """The rows as they were sent, in their order."""
    rows = []
    for number in range(MOST_ROWS):
        if f"key-{number}" not in posted:
            break
        key = posted[f"key-{number}"].strip()
        definition = definitions.get(key)
        kind = definition.type if definition else posted.get(f"type-{number}", "string")
        state = posted.get(f"state-{number}", UNSET)
        text = posted.get(f"value-{number}", "").replace("\r\n", "\n")
        rows.append(Row(number, key, kind, state, text, definition))
    return rows


def metadata_of(rows: list[Row]) -> dict[str, Any] | None:
    """The metadata that the rows say; None where one is wrong, which then says why."""
    found: dict[str, Any] = {}
    for row in rows:
        row.error = _problem(row, found)
        if row.error or not row.key or row.state == UNSET:
            continue
        try:
            found[row.key] = None if row.state == NULL else row.value()
        except ValueError as error:
            row.error = str(error)
    return None if any(row.error for row in rows) else found


def parse_json(text: str) -> dict[str, Any]:
    """The raw tab's object. Raises ValueError with line and column."""
    value = _json(text or "{}")
    if not isinstance(value, dict):
        raise ValueError("Write an object: { … }.")
    return value


def _problem(row: Row, found: Mapping[str, Any]) -> str:
    if not row.key:
        return "Give the key a name." if row.state != UNSET or row.text.strip() else ""
    if row.key in found:
        return "This key stands further up already."
    return "" if row.state in (UNSET, NULL, VALUE) else "Choose not set, null or value."


def _element(definition: Definition) -> Definition:
    return Definition(definition.type)


def _typed(definition: Definition, stored: Any) -> str:
    if definition.array and isinstance(stored, list) and all(not isinstance(part, dict | list) for part in stored):
        return "\n".join(map(_text_of, stored))
    return _text_of(stored)


def _kind_of(stored: Any) -> str:
    if isinstance(stored, bool):
        return "boolean"
    if isinstance(stored, int | float):
        return "number"
    return "json" if isinstance(stored, dict | list) else "string"


def _free_text(kind: str, stored: Any) -> str:
    return json.dumps(stored, ensure_ascii=False, indent=1) if kind == "json" else _text_of(stored)


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _free(kind: str, text: str) -> Any:
    match kind:
        case "number" | "boolean":
            return from_text(Definition(kind), text.strip())
        case "json":
            return _json(text)
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise ValueError("This is nested too deeply.") from error


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number.")
