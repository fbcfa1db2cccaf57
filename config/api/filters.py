"""django-filter's pieces in the wire's spelling."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError

from config.kernel import instants


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
