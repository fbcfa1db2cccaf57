"""What a customer can be filtered by: the profile, the address, metadata and the counters of the row.

`FIELDS` is the table of every filter on customers; the higher apps register their rows in it.
"""

from __future__ import annotations

from typing import Final

from config.filters.documents import Document
from config.filters.fields import Field, FieldTable, Pattern
from config.filters.sources import Column, Counter, Nowhere, counter
from config.filters.values import Kind
from config.kernel.texts import normal
from config.project.metadata_schema import Definition
from config.project.models import Project
from config.project.schemas import schema_of

ADDRESS: Final = (
    ("country", "Country"),
    ("city", "City"),
    ("state", "State"),
    ("postal_code", "Postal code"),
    ("line_1", "Address line 1"),
    ("line_2", "Address line 2"),
)
METADATA_KINDS: Final = {
    "string": Kind.TEXT,
    "image_url": Kind.TEXT,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
}
"""Types of the metadata schema; the others (object, geopoint) have no type of their own here."""


def _text(key: str, label: str, column: str, group: str = "Profile", *, exact: bool = False) -> Field:
    return Field(key, label, group, Kind.TEXT, Column(column), exact=exact)


def _money(key: str, label: str, source: Counter, group: str = "Orders") -> Field:
    return Field(key, label, group, Kind.NUMBER, source, unit="money")


def _count(key: str, label: str, source: Counter | Nowhere, group: str = "Redemptions", *, unit: str = "") -> Field:
    return Field(key, label, group, Kind.NUMBER, source, unit=unit)


_BIRTHDAY_HINT = "Words such as “next month” ignore the year."
PROFILE: Final = (
    _text("name", "Name", "name"),
    Field(
        "email", "E-mail", "Profile", Kind.TEXT, Column("email_key", shown="email"), lowered=True, depends_on=("email",)
    ),
    _text("phone", "Phone", "phone", exact=True),
    _text("source_id", "Source ID", "source_id", exact=True),
    _text("id", "ID", "public_id", exact=True),
    Field(
        *("birthdate", "Birthdate", "Profile", Kind.DATE, Column("birthdate", "birthday")),
        any_year=True,
        hint=_BIRTHDAY_HINT,
        depends_on=("birthday",),
    ),
    Field(
        *("birthday", "Birthday", "Profile", Kind.DATE, Column("birthday", "birthdate")),
        any_year=True,
        hint=_BIRTHDAY_HINT,
        depends_on=("birthdate",),
    ),
    _text("description", "Description", "description"),
    *(_text(f"address.{key}", label, key, "Address") for key, label in ADDRESS),
    Field("created_at", "Created", "System", Kind.DATETIME, Column("created_at")),
    Field("updated_at", "Updated", "System", Kind.DATETIME, Column("updated_at")),
    Field("system_metadata.source", "Source", "System", Kind.TEXT, Document("system_metadata", "source")),
    Field(
        *("system_metadata.web_widget.widgets", "Web widgets", "System", Kind.TEXT),
        Document("system_metadata", "web_widget.widgets"),
        array=True,
    ),
)

_AVERAGE = Counter(
    "(CASE WHEN {} > 0 THEN (2 * {} + {}) / (2 * {}) ELSE 0 END)",
    ("orders_total_count", "orders_total_amount", "orders_total_count", "orders_total_count"),
    "{} > 0",
    ("orders_total_count",),
)
"""Half up, as the customer's summary says it."""


def _either(first: str, second: str) -> Counter:
    return Counter("({} + {})", (first, second), "{} + {} > 0", (first, second))


_REDEMPTIONS = "summary.redemptions."
COUNTERS: Final = (
    _count("summary.orders.total_count", "Number of orders", counter("orders_total_count"), "Orders"),
    _money("summary.orders.total_amount", "Total spent", counter("orders_total_amount", "orders_total_count")),
    _money("summary.orders.average_amount", "Average order", _AVERAGE),
    _money(
        "summary.orders.last_order_amount", "Last order's amount", counter("orders_last_amount", "orders_total_count")
    ),
    Field("summary.orders.last_order_date", "Last order", "Orders", Kind.DATETIME, Column("orders_last_at")),
    _count(f"{_REDEMPTIONS}total_redeemed", "Redemptions, all", _either("redemptions_succeeded", "redemptions_failed")),
    _count(f"{_REDEMPTIONS}total_succeeded", "Redemptions, succeeded", counter("redemptions_succeeded")),
    _count(f"{_REDEMPTIONS}total_failed", "Redemptions, refused", counter("redemptions_failed")),
    _count(f"{_REDEMPTIONS}total_rolled_back", "Rollbacks, all", _either("rollbacks_succeeded", "rollbacks_failed")),
    _count(f"{_REDEMPTIONS}total_rollback_succeeded", "Rollbacks, succeeded", counter("rollbacks_succeeded")),
    _count(f"{_REDEMPTIONS}total_rollback_failed", "Rollbacks, refused", counter("rollbacks_failed")),
    _money(
        *(f"{_REDEMPTIONS}gift.redeemed_amount", "Gift credits spent"),
        *(counter("gift_redeemed_amount", "gift_redemptions"), "Gift cards and points"),
    ),
    _money(
        *(f"{_REDEMPTIONS}gift.amount_to_go", "Gift balance"),
        *(counter("gift_amount_to_go", "gift_cards_held"), "Gift cards and points"),
    ),
    _count(
        *(f"{_REDEMPTIONS}loyalty_card.redeemed_points", "Points spent"),
        *(counter("loyalty_redeemed_points", "loyalty_cards_held"), "Gift cards and points"),
        unit="points",
    ),
    _count(
        *(f"{_REDEMPTIONS}loyalty_card.points_to_go", "Points to go"),
        *(counter("loyalty_points_to_go", "loyalty_cards_held"), "Gift cards and points"),
        unit="points",
    ),
    _count(
        *("loyalty.points", "Loyalty points", counter("loyalty_points", "loyalty_cards_held"), "Gift cards and points"),
        unit="points",
    ),
    _count("loyalty.referred_customers", "Referred customers", counter("referred_customers"), "Gift cards and points"),
)
NOT_YET: Final = (
    Field("publications.created_at", "Published at", "Publications", Kind.DATETIME, Nowhere()),
    Field("publications.related_object_id", "Published voucher or campaign", "Publications", Kind.TEXT, Nowhere()),
)
"""Answered as "nothing recorded" until the app that records them registers its own row."""


def metadata_field(key: str, name: str) -> Field:
    """A metadata key without a declared type: each stored value has its own."""
    return Field(
        *(key, name, "Metadata", Kind.ANY, Document("metadata", normal(name))),
        hint="No declared type: compared as it is stored.",
        declared=False,
    )


def declared_field(name: str, definition: Definition) -> Field:
    """A metadata key as the project's schema declares it."""
    kind = METADATA_KINDS.get(definition.type, Kind.ANY)
    return Field(
        *(f"metadata.{name}", name, "Metadata", kind, Document("metadata", normal(name))),
        array=definition.array,
        values=tuple(str(value) for value in definition.eq),
    )


def _system_metadata(key: str, name: str) -> Field:
    return Field(key, name, "System", Kind.ANY, Document("system_metadata", normal(name)), declared=False)


def _campaign_number(key: str, name: str) -> Field:
    return Field(key, f"{name}: {key.rsplit('.', 1)[1]}", "Gift cards and points", Kind.NUMBER, Nowhere(number=True))


def _tier(key: str, name: str) -> Field:
    return Field(key, f"{name}: tier", "Gift cards and points", Kind.TEXT, Nowhere())


PATTERNS: Final = (
    Pattern("metadata.", "", metadata_field, declarable=True, example="<key>"),
    Pattern("system_metadata.", "", _system_metadata, example="<key>"),
    Pattern("loyalty.campaigns.", ".points", _campaign_number, example="<campaign>"),
    Pattern("loyalty.campaigns.", ".referred_customers", _campaign_number, example="<campaign>"),
    Pattern("loyalty.campaigns.", ".loyalty_tier", _tier, example="<campaign>"),
    Pattern("loyalty_points.campaigns.", ".points", _campaign_number, example="<campaign>"),
    Pattern("loyalty_tier.", "", _tier, example="<campaign>"),
)
SYNONYMS: Final = (
    Field(*("city", "City", "Address", Kind.TEXT, Column("city")), offered=False, depends_on=("address.city",)),
)
"""Accepted beside the key that the builder offers."""

FIELDS: Final = FieldTable(*PROFILE, *COUNTERS, *NOT_YET, *SYNONYMS, *PATTERNS)


def of(project: Project) -> FieldTable:
    """The table of a project: metadata has the types its schema declares, read when a metadata key first comes."""
    return FIELDS.with_declared(lambda: _declared(project))


def _declared(project: Project) -> dict[str, Field]:
    definitions = schema_of(project, "customer").live()
    return {f"metadata.{name}": declared_field(name, definition) for name, definition in definitions.items()}
