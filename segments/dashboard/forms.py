"""The forms of segments: shape only. What a filter means is the language's own matter."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django import forms

NAME_LENGTH: Final = 300
FILTER_LENGTH: Final = 512 * 1024
MOST_LISTED: Final = 100_000
_SEPARATORS: Final = re.compile(r"[\r\n\t,;]+")


class SegmentForm(forms.Form):
    """A segment described by a filter. version: the one that the person saw when the page was opened."""

    name = forms.CharField(
        label="Name", max_length=NAME_LENGTH, strip=True, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    description = forms.CharField(
        label="Description", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    filter = forms.CharField(
        label="Definition",
        max_length=FILTER_LENGTH,
        widget=forms.Textarea(attrs={"rows": 16, "class": "code", "spellcheck": "false", "autocomplete": "off"}),
        help_text="Exactly what the API accepts and returns as the segment's filter.",
        error_messages={"required": "A segment needs at least one condition: everyone is not a segment."},
    )
    reports = forms.BooleanField(
        label="Report who enters and leaves",
        required=False,
        help_text="Writes an event each time. The definition of such a segment stays as it is; it can be duplicated.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean_filter(self) -> dict[str, Any]:
        """The parsed filter, its keys in the order of writing."""
        text = self.cleaned_data["filter"]
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                f"This is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
            ) from None
        except RecursionError:
            raise forms.ValidationError("This JSON is nested too deep.") from None
        if not isinstance(found, dict):
            raise forms.ValidationError("The definition should be a JSON object.")
        return found


class StaticSegmentForm(forms.Form):
    """A segment that is a list of customers."""

    name = forms.CharField(
        label="Name", max_length=NAME_LENGTH, strip=True, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    description = forms.CharField(
        label="Description", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    customers = forms.CharField(
        label="Customers",
        widget=forms.Textarea(attrs={"rows": 12, "class": "code", "spellcheck": "false"}),
        help_text="Ids or source ids, one a line or with commas between them. Repeated ones count once.",
        error_messages={"required": "List at least one customer."},
    )

    def clean_customers(self) -> list[str]:
        """The ids, each once, in the order of the list."""
        found = list(
            dict.fromkeys(part.strip() for part in _SEPARATORS.split(self.cleaned_data["customers"]) if part.strip())
        )
        if not found:
            raise forms.ValidationError("List at least one customer.")
        if len(found) > MOST_LISTED:
            raise forms.ValidationError(
                f"{MOST_LISTED:,} customers are the most a list here can hold; use the API for more."
            )
        return found
