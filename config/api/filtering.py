"""Query parameters of lists: each viewset's FilterSet, with errors in the wire's words."""

from __future__ import annotations

import re
from typing import Any, Final

from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.utils import translate_validation
from rest_framework.request import Request

from config.kernel.errors import InvalidQueryParams

_LEADING_BRACKET: Final = re.compile(r"^\[(\w+)\]\[(\w+)\]$")


class WireFilterBackend(DjangoFilterBackend):
    """django-filter; `[created_at][before]` means `created_at[before]`, a bad value is `invalid_query_params`."""

    def get_filterset_kwargs(self, request: Request, queryset: Any, view: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        kwargs["data"] = normalise(request.query_params)
        return kwargs

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            detail = translate_validation(filterset.errors).detail
            name, problems = next(iter(detail.items()))
            raise InvalidQueryParams(f"Property .{name.replace('[', '.').rstrip(']')} {_sentence(problems)}")
        return filterset.qs


def normalise(query: QueryDict) -> QueryDict:
    """The same parameters with both spellings of a range folded into one."""
    folded = QueryDict(mutable=True)
    for name, values in query.lists():
        folded.setlist(_LEADING_BRACKET.sub(r"\1[\2]", name), values)
    return folded


def _sentence(problems: Any) -> str:
    text = str(problems[0] if isinstance(problems, list) else problems).rstrip(".")
    if "date" in text.lower():
        return "cannot be recognized as a ISO-8601 compliant date"
    return f"is invalid: {text[:1].lower()}{text[1:]}"
