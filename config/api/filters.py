"""django-filter's pieces in the wire's spelling."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError

from config.kernel import instants

MOST_TEXTS = 100


class InstantField(forms.CharField):
    """An ISO 8601 date or date-time."""

    def to_python(self, value: Any) -> datetime | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        try:
            return instants.parse_instant(text)
        except ValueError:
            raise ValidationError("Not an ISO 8601 date.", code="invalid_date") from None

    def validate(self, value: Any) -> None:
        """Everything is checked in `to_python`."""


class InstantFilter(django_filters.Filter):
    """Compares a date-time column; the wire's bounds are strict (customers.md §8)."""

    field_class = InstantField


def window(column: str) -> dict[str, InstantFilter]:
    """`<column>[before]` and `<column>[after]`, for a FilterSet's declared filters."""
    return {
        f"{column}[before]": InstantFilter(field_name=column, lookup_expr="lt"),
        f"{column}[after]": InstantFilter(field_name=column, lookup_expr="gt"),
    }


class FlagField(forms.CharField):
    """`true` or `false`; anything else is a mistake, not "whatever"."""

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]
        text = (super().to_python(value) or "").lower()
        if not text:
            return None
        if text not in ("true", "false"):
            raise ValidationError("Should be true or false.", code="invalid")
        return bool(text == "true")

    def validate(self, value: Any) -> None:
        """Everything is checked in `to_python`."""


class FlagFilter(django_filters.BooleanFilter):
    """A boolean."""

    field_class = FlagField


class TextsField(forms.Field):
    """`ids[0]=a&ids[1]=b`, `ids[]=a`, `ids=a`, also repeated."""

    def clean(self, value: Any) -> list[str]:
        found = [text for text in value or [] if text]
        if len(found) > MOST_TEXTS:
            raise ValidationError(f"more than {MOST_TEXTS} values")
        return found


class TextsWidget(forms.Widget):
    """Collects every spelling of a list from the query."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [
            text
            for key, texts in data.lists()
            if key == name or (key.startswith(f"{name}[") and key.endswith("]"))
            for text in texts
        ]


class TextsFilter(django_filters.Filter):
    """A list of texts."""

    field_class = TextsField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, widget=TextsWidget(), **kwargs)


class CreatedFilterSet(django_filters.FilterSet):
    """`start_date` and `end_date`: when the row was made, both bounds included."""

    start_date = InstantFilter(field_name="created_at", lookup_expr="gte")
    end_date = InstantFilter(field_name="created_at", lookup_expr="lte")
