"""The forms of an import: the file, how it is written, where its columns go, how its rows are applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms

from config.imports.files import Inspection
from config.imports.reader import ENCODINGS
from config.imports.subjects import EMPTY_CLEARS, EMPTY_KEEPS, Options, TargetChoice

METADATA: Final = "metadata."
DELIMITERS: Final = ((",", "Comma"), (";", "Semicolon"), ("\t", "Tab"))


class UploadForm(forms.Form):
    """Step 1."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,  # the reader says what is wrong with it
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,text/csv,text/tab-separated-values"}),
        error_messages={"required": "Choose a file first."},
    )


class FormatForm(forms.Form):
    """How the file is written."""

    encoding = forms.ChoiceField(label="Encoding", choices=[(name, name) for name in ENCODINGS])
    delimiter = forms.ChoiceField(label="Between cells", choices=DELIMITERS)


class OptionsForm(forms.Form):
    """How the rows are applied."""

    title = forms.CharField(label="Name of this import", max_length=200, required=False)
    empty = forms.ChoiceField(
        label="Empty cells",
        choices=[
            (EMPTY_KEEPS, "Keep what is stored"),
            (EMPTY_CLEARS, "Clear what is stored, and replace metadata as a whole"),
        ],
    )
    existing = forms.ChoiceField(
        label="Customers",
        choices=[
            ("both", "Add new ones and change existing ones"),
            ("add", "Only add new ones"),
            ("update", "Only change existing ones"),
        ],
    )
    most_failed = forms.IntegerField(
        label="Stop when more than", required=False, min_value=0, max_value=100,
        help_text="Percent of failed rows. Empty: go on to the end.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip

    metadata_key = forms.CharField(
        label="Metadata for every row", required=False, max_length=100, help_text="The key, for example “source”."
    )
    metadata_value = forms.CharField(label="Its value", required=False, max_length=1000)
    segment = forms.CharField(
        label="New fixed segment", required=False, max_length=200,
        help_text="Its name. Every customer of this file is in it; empty: none is made.",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(cleaned.get("metadata_key")) != bool(cleaned.get("metadata_value")):
            self.add_error(
                "metadata_value" if cleaned.get("metadata_key") else "metadata_key", "Give both the key and the value."
            )
        return cleaned

    @classmethod
    def of(cls, options: Options, *, title: str) -> OptionsForm:
        """The form of stored options."""
        initial = {"empty": options.empty, "existing": options.existing, "most_failed": options.most_failed}
        key, value = next(iter(options.metadata.items()), ("", ""))
        more = {"title": title, "segment": options.segment, "metadata_key": key, "metadata_value": value}
        return cls(initial=initial | more)

    def options(self) -> Options:
        """As the services take them. Files that come in by hand may come from a download of ours."""
        values = self.cleaned_data
        return Options(
            empty=values["empty"],
            existing=values["existing"],
            unescape=True,
            most_failed=values["most_failed"],
            metadata={values["metadata_key"]: values["metadata_value"]} if values["metadata_key"] else {},
            segment=values["segment"],
        )


@dataclass(frozen=True)
class TargetRow:
    """One column on the mapping page. groups: (label, [(value, label)]) of the menu."""

    index: int
    header: str
    samples: Sequence[str]
    filled: int
    target: str
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def rows_of(inspection: Inspection, mapping: Sequence[str | None], targets: Sequence[TargetChoice]) -> list[TargetRow]:
    """The columns with their menus. mapping: what is chosen now."""
    fields = tuple((target.key, target.label) for target in targets if not target.key.startswith(METADATA))
    known = tuple((target.key, f"Metadata: {target.label}") for target in targets if target.key.startswith(METADATA))
    rows = []
    for index, column in enumerate(inspection.columns):
        target = (mapping[index] if index < len(mapping) else None) or ""
        own = target if target.startswith(METADATA) else METADATA + (column.header.strip() or f"column_{index + 1}")
        fresh = () if own in dict(known) else ((own, f"Metadata: {own.removeprefix(METADATA)}"),)
        rows.append(
            TargetRow(
                index=index,
                header=column.header,
                samples=column.samples,
                filled=round(100 * column.filled),
                target=target,
                groups=(("Fields", fields), ("Metadata", (*known, *fresh)), ("", (("", "Leave out"),))),
            )
        )
    return rows


def mapping_of(posted: Mapping[str, Any], headers: Sequence[str]) -> list[str | None]:
    """What was chosen, one target per column; a column that was not sent is left out."""
    return [str(posted.get(f"column-{index}", "")).replace("\x00", "")[:500] or None for index in range(len(headers))]
