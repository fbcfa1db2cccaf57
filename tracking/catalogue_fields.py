"""What products, SKUs and collections of them can be filtered by: for lists, and for members of a collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.db.models.expressions import Combinable

from config.filters.checks import Check, InSegments, Known, Never
from config.filters.documents import Document
from config.filters.fields import Field, FieldTable, Pattern, Scope, Source
from config.filters.sources import Column, Nowhere, typed
from config.filters.sql import FALSE, JSON, Param, Sql
from config.filters.values import Kind
from config.kernel.texts import normal


@dataclass(frozen=True, slots=True)
class Written:
    """A text that is never NULL, written in SQL over columns."""

    template: str
    columns: tuple[str, ...] = ()

    def match(self, check: Check, field: Field, scope: Scope) -> Q:
        if isinstance(check, Never | InSegments):
            return Q(FALSE)
        return Q(Sql("TRUE") if isinstance(check, Known) else typed(self._text(), check, field.kind, scope))

    def value(self, field: Field, scope: Scope) -> Combinable:
        return Sql("to_jsonb({})", self._text(), output_field=JSON)

    def _text(self) -> Sql:
        return Sql(self.template, *self.columns)


@dataclass(frozen=True, slots=True)
class Listed(Document):
    """A list of texts, written in SQL over one column. path: the template."""

    def _value(self) -> Sql:
        return Sql(self.path, self.column, output_field=JSON)

    def _equals(self, candidates: list[object]) -> Sql:
        wanted = Param([candidate for candidate in candidates if type(candidate) is str], "text[]")
        return self._any_element(lambda element: Sql("{} = ANY({})", _as_text(element), wanted))


def _as_text(element: Sql) -> Sql:
    return Sql("({} #>> ARRAY[]::text[])", element)


def _field(key: str, kind: Kind, source: Source, *, array: bool = False) -> Field:
    return Field(key, key.replace("_", " ").capitalize(), "Product", kind, source, array=array)


def _metadata(key: str, name: str) -> Field:
    return Field(key, name, "Metadata", Kind.ANY, Document("metadata", normal(name)), declared=False)


METADATA: Final = Pattern("metadata.", "", _metadata, example="<key>")
NAMES_OF: Final = "jsonb_path_query_array({}, '$.keyvalue().key')"
SKUS_OF: Final = (
    "(SELECT jsonb_agg(s.public_id ORDER BY s.id) FROM tracking_sku s WHERE s.product_id = {} AND s.deleted_at IS NULL)"
)
DATES: Final = (
    _field("created_at", Kind.DATETIME, Column("created_at")),
    _field("updated_at", Kind.DATETIME, Column("updated_at")),
)
COMMON: Final = (
    _field("id", Kind.TEXT, Column("public_id")),
    _field("source_id", Kind.TEXT, Column("source_id")),
    _field("image_url", Kind.TEXT, Column("image_url")),
    *DATES,
    METADATA,
)
PRODUCTS: Final = FieldTable(
    *COMMON,
    _field("product_id", Kind.TEXT, Column("public_id")),
    _field("name", Kind.TEXT, Column("name")),
    _field("price", Kind.NUMBER, Column("price")),
    _field("object", Kind.TEXT, Written("'product'::text")),
    _field("attributes", Kind.TEXT, Listed("attributes", "{}"), array=True),
    _field("skus", Kind.TEXT, Listed("pk", SKUS_OF), array=True),
)
SKUS: Final = FieldTable(
    *COMMON,
    _field("product_id", Kind.TEXT, Column("product__public_id")),
    _field("name", Kind.TEXT, Column("sku")),
    _field("price", Kind.NUMBER, Column("price", or_else="product__price")),
    _field("object", Kind.TEXT, Written("'sku'::text")),
    _field("attributes", Kind.TEXT, Listed("attributes", NAMES_OF), array=True),
    _field("skus", Kind.TEXT, Nowhere(), array=True),
)
"""The same keys as PRODUCTS: one filter chooses among both."""
