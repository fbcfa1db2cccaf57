"""Query parameters of lists: each viewset's FilterSet, and `filters[…]` in the filter language; wire's errors.

A viewset that takes `filters[…]` names its table of fields: `filter_fields`, a function of the project; one whose
resource has operators of its own reads the query itself: `read_filters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.utils import translate_validation
from rest_framework.request import Request

from config.api.authentication import access_of
from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.fields import FieldTable, Scope
from config.filters.parser import InvalidFilter, parse
from config.filters.query import from_query
from config.kernel import instants
from config.kernel.errors import InvalidQueryParams
from config.project.models import Project

_LEADING_BRACKET: Final = re.compile(r"^\[(\w+)\]\[(\w+)\]$")


class WireFilterBackend(DjangoFilterBackend):
    """django-filter; `[created_at][before]` means `created_at[before]`, a bad value is `invalid_query_params`."""

    def get_filterset_kwargs(self, request: Request, queryset: Any, view: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        kwargs["data"] = normalise(request.query_params)
        return kwargs

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        queryset = by_filters(request, queryset, view)
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            detail = translate_validation(filterset.errors).detail
            name, problems = next(iter(detail.items()))
            raise InvalidQueryParams(f"Property .{name.replace('[', '.').rstrip(']')} {_sentence(problems)}")
        return filterset.qs


def by_filters(request: Request, queryset: Any, view: Any) -> Any:
    """The rows that `filters[…]` choose; all of them where there are none. Raises InvalidQueryParams."""
    body = getattr(view, "read_filters", from_query)(request.query_params)
    fields_of: Callable[[Project], FieldTable] | None = getattr(view, "filter_fields", None)
    if not body or fields_of is None:
        return queryset
    project = access_of(request).project
    table = fields_of(project)
    try:
        node = parse(body, table, path=".filters", default_junction="and")
    except InvalidFilter as refused:
        raise InvalidQueryParams(refused.details) from None
    moment = Moment(instants.now(), ZoneInfo(project.timezone))
    return queryset.filter(to_q(node, Scope(project.pk, moment, table)))


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
