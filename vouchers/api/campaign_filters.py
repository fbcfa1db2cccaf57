"""Query parameters of the list of campaigns. Source: campaigns and promotions, section 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import django_filters
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable

from config.api.filters import FlagFilter
from config.filters.checks import Check, InSegments, Known, Never
from config.filters.fields import Field, FieldTable, Scope
from config.filters.query import QueryDict, from_query
from config.filters.sources import Column, typed
from config.filters.sql import FALSE, JSON, Param, Sql
from config.filters.values import Kind
from config.project.models import Project
from vouchers import fields
from vouchers.api.filter_fields import NOT_EXPIRED, STARTED, STATES, State
from vouchers.api.filters import WireFilterSet
from vouchers.models import Campaign

STATUSES: Final = ("$active", "$failed", "$in_progress", "$expired", "before_start")
"""What only the field `status` takes as operators."""
MADE: Final = "({} = 'DONE')"
BULK: Final = ("AUTO_UPDATE", "STATIC")


@dataclass(frozen=True, slots=True)
class Status:
    """How far a campaign's codes are, and of those that are made whether its time is over or to come; never unknown."""

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
            case "$failed":
                return Sql("('FAILED' IN ({}, {}))", "creation_status", "vouchers_generation_status")
            case "$in_progress":
                return Sql("({} IN ('IN_PROGRESS', 'MODIFYING'))", "vouchers_generation_status")
            case "$expired":
                return Sql(f"({MADE} AND NOT {NOT_EXPIRED})", "vouchers_generation_status", "expiration_date", now)
            case "before_start":
                return Sql(f"({MADE} AND NOT {STARTED})", "vouchers_generation_status", "start_date", now)
            case _:
                return Sql(MADE, "vouchers_generation_status")


@dataclass(frozen=True, slots=True)
class Written:
    """A text of the campaign's template, or true and false of one."""

    template: str
    column: str = "voucher"

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        if isinstance(check, Never | InSegments):
            return Q(FALSE)
        found = Sql(self.template, self.column)
        if isinstance(check, Known):
            return Q(Sql("({} IS NOT NULL)", found))
        return Q(Sql("COALESCE({}, FALSE)", typed(found, check, field.kind, scope)))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Sql("to_jsonb({})", Sql(self.template, self.column), output_field=JSON)


@dataclass(frozen=True, slots=True)
class Tagged(Column):
    """The category's name, else the one that was given and is none's."""

    def _expression(self) -> Sql:
        return Sql("COALESCE({}, {} ->> 'category')", self.name, "extra")


def _field(key: str, kind: Kind = Kind.TEXT, path: str = "", source: Any = None) -> Field:
    return Field(key, key.replace("_", " ").capitalize(), "Campaign", kind, source or Column(path or key))


FIELDS: Final = FieldTable(
    _field("campaigns", path="name"),
    _field("name"),
    _field("campaigns_id", path="public_id"),
    _field("id", path="public_id"),
    _field("campaign_type"),
    _field("campaign_status", path="vouchers_generation_status"),
    _field("is_referral_code", Kind.BOOLEAN, source=Written("COALESCE(({} ->> 'is_referral_code')::boolean, FALSE)")),
    _field("voucher_type", source=Written("({} ->> 'type')")),
    _field("validity_timeframe", source=Written("({} ->> 'interval')", "validity_timeframe")),
    _field("validity_day_of_week", source=Written("({})::text", "validity_day_of_week")),
    _field("categories", source=Tagged("category__name")),
    _field("category_ids", path="category__public_id"),
    _field("type"),
    _field("created_date", Kind.DATETIME, "created_at"),
    _field("created_at", Kind.DATETIME),
    _field("updated_at", Kind.DATETIME),
    _field("start_date", Kind.DATETIME),
    _field("expiration_date", Kind.DATETIME),
    *(Field(f"active.{state}", state, "Campaign", Kind.BOOLEAN, State(state), offered=False) for state in STATES),
    *(Field(f"status.{name}", name, "Campaign", Kind.BOOLEAN, Status(name), offered=False) for name in STATUSES),
    fields.METADATA,
)


LEDGER: Final = FieldTable(
    _field("id", path="public_id"),
    _field("voucher_id", path="voucher__public_id"),
    _field("type"),
    _field("created_at", Kind.DATETIME),
)
"""What the list of a campaign's transactions may be filtered by."""


def of_campaigns(project: Project) -> FieldTable:
    """The fields of the list of campaigns."""
    return FIELDS


def read_campaign_filters(query: QueryDict) -> dict[str, Any]:
    """The filter of the query: states are fields of their own, `BULK` means two types, TRUE means true.

    A flag operator may come with an empty text, which means true.
    """
    body = from_query(query)
    _with_its_sign(body.get("status"))
    for name, states in (("active", STATES), ("status", STATUSES)):
        rule = body.get(name)
        conditions = rule.get("conditions") if isinstance(rule, dict) else None
        if not isinstance(conditions, dict):
            continue
        for state in states:
            if state in conditions:
                values = [value or "true" for value in conditions.pop(state)]
                body[f"{name}.{state}"] = {"conditions": {"$is": values}}
        if not conditions:
            del body[name]
    changes = (("type", _without_bulk), ("is_referral_code", _lowered), ("validity_day_of_week", _on_days))
    for name, change in changes:
        rule = body.get(name)
        if isinstance(rule, dict) and isinstance(rule.get("conditions"), dict):
            rule["conditions"] = change(rule["conditions"])
    return body


def _with_its_sign(rule: Any) -> None:
    """`before_start` has no sign in the contract; with one it means the same."""
    conditions = rule.get("conditions") if isinstance(rule, dict) else None
    if isinstance(conditions, dict) and "$before_start" in conditions:
        conditions["before_start"] = conditions.pop("$before_start")


def _without_bulk(conditions: dict[str, list[str]]) -> dict[str, list[str]]:
    changed: dict[str, list[str]] = {}
    for operator, values in conditions.items():
        if "BULK" in values:
            plural = {"$is": "$in", "$is_not": "$not_in"}.get(operator, operator)
            values = [text for value in values for text in (BULK if value == "BULK" else (value,))]
            changed[plural] = values
        else:
            changed[operator] = values
    return changed


def _lowered(conditions: dict[str, list[str]]) -> dict[str, list[str]]:
    return {operator: [value.lower() for value in values] for operator, values in conditions.items()}


def _on_days(conditions: dict[str, list[str]]) -> dict[str, list[str]]:
    """Open on one of these days; a day is one figure of the stored list."""
    return {("$contains" if operator == "$is" else operator): values for operator, values in conditions.items()}


class CampaignFilterSet(WireFilterSet):
    """`GET /v1/campaigns`"""

    campaign_type = django_filters.ChoiceFilter(choices=Campaign.CampaignType.choices)
    campaign_status = django_filters.ChoiceFilter(
        field_name="vouchers_generation_status",
        choices=[(name, name) for name in ("DONE", "IN_PROGRESS", "FAILED", "DRAFT", "MODIFYING")],
    )
    is_referral_code = FlagFilter(method="with_referral_codes")

    class Meta:
        model = Campaign
        fields: ClassVar[list[str]] = []

    def with_referral_codes(self, campaigns: QuerySet[Campaign], name: str, value: bool) -> QuerySet[Campaign]:
        referral = Q(campaign_type=Campaign.CampaignType.REFERRAL_PROGRAM)
        return campaigns.filter(referral) if value else campaigns.exclude(referral)
