"""What `filters[…]` may name in the lists of vouchers and redemptions: `vouchers.fields`, and a voucher's states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q
from django.db.models.expressions import Combinable

from config.filters.checks import Check, InSegments, Known, Never
from config.filters.fields import Field, FieldTable, Scope
from config.filters.query import QueryDict, from_query
from config.filters.sources import typed
from config.filters.sql import FALSE, JSON, Param, Sql
from config.filters.values import Kind
from config.project.models import Project
from vouchers import fields

STARTED: Final = "COALESCE({} <= {}, TRUE)"
NOT_EXPIRED: Final = "COALESCE({} >= {}, TRUE)"
STATES: Final = ("$enabled", "$disabled", "$expired", "$active")
"""The operators that only the field `active` has; each is a field of its own here, with true or false."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether a voucher is enabled, disabled, expired or active at this moment; never unknown."""

    name: str

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        if isinstance(check, Never | InSegments):
            return Q(FALSE)
        return Q(Sql("TRUE") if isinstance(check, Known) else typed(self._holds(scope), check, field.kind, scope))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Sql("to_jsonb({})", self._holds(scope), output_field=JSON)

    def _holds(self, scope: Scope) -> Sql:
        now = Param(scope.moment.at, "timestamptz")
        match self.name:
            case "$enabled":
                return Sql("{}", "active")
            case "$disabled":
                return Sql("(NOT {})", "active")
            case "$expired":
                return Sql(f"(NOT {NOT_EXPIRED})", "expiration_date", now)
            case _:
                whole = f"({{}} AND {STARTED} AND {NOT_EXPIRED})"
                return Sql(whole, "active", "start_date", now, "expiration_date", now)


VOUCHER_FIELDS: Final = FieldTable(
    *fields.VOUCHERS,
    *fields.VOUCHERS.patterns,
    *(Field(f"active.{state}", state, "Voucher", Kind.BOOLEAN, State(state), offered=False) for state in STATES),
)


def of_vouchers(project: Project) -> FieldTable:
    """The fields of the list of vouchers."""
    return VOUCHER_FIELDS


def of_redemptions(project: Project) -> FieldTable:
    """The fields of the list of redemptions."""
    return fields.REDEMPTIONS


def read_voucher_filters(query: QueryDict) -> dict[str, Any]:
    """The filter of the query, where `filters[active][conditions][$expired]=true` names a field of its own.

    A flag operator may come with an empty text, which means true.
    """
    body = from_query(query)
    rule = body.get("active")
    conditions = rule.get("conditions") if isinstance(rule, dict) else None
    if isinstance(rule, dict) and isinstance(conditions, dict):
        for state in STATES:
            if state in conditions:
                values = [value or "true" for value in conditions.pop(state)]
                body[f"active.{state}"] = {"conditions": {"$is": values}}
        if not conditions:
            del body["active"]
    return body
