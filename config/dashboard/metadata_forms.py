"""The forms of a metadata schema: one key, and the name of a nested object. Shape only; `config.project.schemas`
decides what a definition may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from django import forms

from config.project.metadata_schema import TYPES

TYPE_WORDS: Final = {
    "string": "Text",
    "number": "Number",
    "boolean": "Yes or no",
    "date": "Date",
    "datetime": "Date and time",
    "image_url": "Address of an image",
    "object": "Nested object",
    "geopoint": "Place on a map",
}
BOUNDS: Final = ("gte", "lte", "min_length", "max_length")
MOST_LENGTH: Final = 1_000_000
NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?", re.ASCII)


def _bound(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, max_digits=24, decimal_places=6,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip


def _length(label: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=MOST_LENGTH)


class DefinitionForm(forms.Form):
    """What the values of one key look like. former: what is stored of a key that is defined already."""

    key = forms.CharField(
        label="Key", max_length=255, help_text="As it stands in the API and at the head of a CSV column.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )  # fmt: skip
    type = forms.ChoiceField(label="Type", choices=[(name, TYPE_WORDS[name]) for name in TYPES])
    object_type = forms.ChoiceField(label="Nested schema", required=False)
    array = forms.BooleanField(label="A list of such values", required=False)
    required = forms.BooleanField(
        label="Required", required=False, help_text="What is created without it is refused, over the API too."
    )
    eq = forms.CharField(
        label="Allowed values", required=False, help_text="One per line; empty: any value of the type.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )  # fmt: skip
    gte = _bound("At least")
    lte = _bound("At most")
    min_length = _length("Characters, at least")
    max_length = _length("Characters, at most")

    def __init__(
        self, *args: Any, nested: Iterable[str], former: Mapping[str, Any] | None = None, key: str = "", **kwargs: Any
    ) -> None:
        if former is not None:
            kwargs.setdefault("initial", initial(key, former))
        super().__init__(*args, **kwargs)
        self.former = former
        chosen = self.fields["object_type"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [("", "Any object"), *((name, name) for name in nested)]
        if former is not None:
            for name in ("key", "type"):
                self.fields[name].disabled = True
            self.fields["type"].help_text = "A type never changes: values of it are stored."

    def clean(self) -> dict[str, Any]:
        """Allowed values as the type has them."""
        values = super().clean() or {}
        lines = [line.strip() for line in (values.get("eq") or "").splitlines() if line.strip()]
        values["eq"] = list(dict.fromkeys(lines))
        if values.get("type") == "number" and values["eq"]:
            if all(NUMBER.fullmatch(line) for line in values["eq"]):
                values["eq"] = [plain(Decimal(line)) for line in values["eq"]]
            else:
                self.add_error("eq", "Write numbers, one per line, such as 12.5.")
        return values

    def definition(self) -> dict[str, Any]:
        """What was typed, as the service takes it; what the form does not show stays as it is."""
        values = self.cleaned_data
        kept = {name: value for name, value in (self.former or {}).items() if name not in ("eq", "deleted", *BOUNDS)}
        bounds = {name: plain(values[name]) for name in BOUNDS if values.get(name) is not None}
        return kept | {
            "type": values["type"],
            "object_type": (values["object_type"] or None) if values["type"] == "object" else None,
            "array": values["array"],
            "optional": not values["required"],
            **({"eq": values["eq"]} if values["eq"] else {}),
            **bounds,
        }


class NestedForm(forms.Form):
    """The name of a schema for nested objects."""

    related_object = forms.CharField(
        label="Name", max_length=64, help_text="Keys of the type “Nested object” refer to it by this name.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )  # fmt: skip


def initial(key: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of a stored definition."""
    return {
        "key": key,
        "type": stored.get("type"),
        "object_type": stored.get("object_type") or "",
        "array": bool(stored.get("array")),
        "required": stored.get("optional") is False,
        "eq": "\n".join(str(value) for value in stored.get("eq") or ()),
        **{name: stored.get(name) for name in BOUNDS},
    }


def plain(value: Decimal | int) -> int | float:
    """A number as JSON has it."""
    return int(value) if value == int(value) else float(value)
