"""What vouchers and redemptions can be filtered by, in lists and exports: one row a field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Q

from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.documents import Document
from config.filters.fields import Field, FieldTable, Pattern, Scope
from config.filters.parser import parse
from config.filters.sources import Column
from config.filters.sql import Sql
from config.filters.values import Kind
from config.kernel.texts import normal
from config.project.models import Project


@dataclass(frozen=True, slots=True)
class Filled(Column):
    """A column of texts whose empty text means that there is none."""

    def _expression(self) -> Sql:
        return Sql("NULLIF({}, '')", self.name)


@dataclass(frozen=True, slots=True)
class Login(Column):
    """The e-mail of the person who redeemed in the dashboard; unknown of what came over the API."""

    def _expression(self) -> Sql:
        person = "SELECT person.email FROM project_user person WHERE person.public_id = {}"
        return Sql(f"(CASE WHEN {{}} = 'USER' THEN ({person}) END)", "channel_type", self.name)


def _column(key: str, kind: Kind, path: str = "", *, group: str) -> Field:
    return Field(key, key.replace("_", " ").capitalize(), group, kind, Column(path or key))


def _metadata(key: str, name: str) -> Field:
    return Field(key, name, "Metadata", Kind.ANY, Document("metadata", normal(name)), declared=False)


METADATA: Final = Pattern("metadata.", "", _metadata, example="<key>")

VOUCHERS: Final = FieldTable(
    *(
        _column(key, kind, path, group="Voucher")
        for key, kind, path in (
            ("code", Kind.TEXT, ""),
            ("id", Kind.TEXT, "public_id"),
            ("voucher_type", Kind.TEXT, "type"),
            ("created_at", Kind.DATETIME, ""),
            ("created_date", Kind.DATETIME, "created_at"),
            ("updated_at", Kind.DATETIME, ""),
            ("start_date", Kind.DATETIME, ""),
            ("expiration_date", Kind.DATETIME, ""),
            ("active", Kind.BOOLEAN, ""),
            ("is_referral_code", Kind.BOOLEAN, ""),
            ("campaign", Kind.TEXT, "campaign__name"),
            ("campaign_id", Kind.TEXT, "campaign__public_id"),
            ("category_ids", Kind.TEXT, "category__public_id"),
            ("vouchers", Kind.TEXT, "public_id"),
            ("holder_id", Kind.TEXT, "holder__public_id"),
            ("published_for_customer_id", Kind.TEXT, "holder__public_id"),
            ("redemption.quantity", Kind.NUMBER, "quantity"),
            ("redemption.redeemed_quantity", Kind.NUMBER, "redeemed_quantity"),
            ("redemption.redeemed_amount", Kind.NUMBER, "redeemed_amount"),
        )
    ),
    Field("categories", "Categories", "Voucher", Kind.TEXT, Column("category__name", or_else="category_tag")),
    METADATA,
)
REDEMPTIONS: Final = FieldTable(
    *(
        _column(key, kind, path, group="Redemption")
        for key, kind, path in (
            ("id", Kind.TEXT, "public_id"),
            ("object", Kind.TEXT, "kind"),
            ("result", Kind.TEXT, ""),
            ("status", Kind.TEXT, ""),
            ("created_at", Kind.DATETIME, ""),
            ("voucher_code", Kind.TEXT, "code"),
            ("voucher", Kind.TEXT, "code"),
            ("related_object_id", Kind.TEXT, ""),
            ("related_object", Kind.TEXT, "related_object_type"),
            ("related_object_parent_id", Kind.TEXT, "campaign__public_id"),
            ("parent_redemption_id", Kind.TEXT, "parent__public_id"),
            ("customer", Kind.TEXT, "customer__public_id"),
            ("customer_id", Kind.TEXT, "customer__public_id"),
            ("campaign", Kind.TEXT, "campaign__name"),
            ("campaign_name", Kind.TEXT, "campaign__name"),
        )
    ),
    Field("failure_code", "Failure code", "Redemption", Kind.TEXT, Filled("failure_code")),
    Field("user_login", "User login", "Redemption", Kind.TEXT, Login("channel_id"), exact=True, offered=False),
    METADATA,
)


def condition(table: FieldTable, project: Project, filters: object, at: datetime, *, path: str) -> Q:
    """The condition of a list's or export's `filters`, where a missing junction is `and`. Raises InvalidFilter."""
    scope = Scope(project.pk, Moment(at, ZoneInfo(project.timezone)), table)
    return to_q(parse(filters, table, path=path, default_junction="and"), scope)
