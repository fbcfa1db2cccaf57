"""What the importer asks about products and SKUs. Source: products-orders.md §3."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from django.db import transaction

from config.imports import records
from config.imports.plan import Outcome, PlannedRow, Repeated
from config.imports.records import Record, Rows, Table, Target
from config.imports.subjects import Applied, Options, TargetChoice
from config.kernel.errors import DomainError, NotFound
from config.project.metadata import check_value
from config.project.models import Project
from config.project.schemas import schema_of
from tracking.models import Product, Sku
from tracking.services import products

LONGEST_NAME: Final = 500
LONGEST_URL: Final = 2_000
MOST_ATTRIBUTES: Final = 5_000
"""Characters of a cell with a SKU's attributes."""


def _names(cell: str) -> list[str]:
    return [name for part in cell.split(",") if (name := part.strip())]


def _attributes(cell: str) -> dict[str, Any]:
    """`{'color':'blue'}`, as the official template writes it, or JSON."""
    found: Any = None
    if len(cell) <= MOST_ATTRIBUTES:
        for read, complaints in (
            (json.loads, (ValueError, RecursionError)),
            (ast.literal_eval, (ValueError, SyntaxError, RecursionError, MemoryError)),
        ):
            try:
                found = read(cell)
                break
            except complaints:
                continue
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise ValueError("is not a list of attributes; write {'color':'blue'}")
    try:
        check_value(json.loads(json.dumps(found, allow_nan=False)), "", depth=4)
    except (DomainError, ValueError, TypeError):
        raise ValueError("is not a list of attributes; write {'color':'blue'}") from None
    return found


PRODUCTS: Final = Table(
    Target("name", "name", records.text(LONGEST_NAME)),
    Target("source_id", "source_id", records.key(LONGEST_NAME)),
    Target("price", "price", records.money),
    Target("attributes", "attributes", _names),
    Target("image_url", "image_url", records.text(LONGEST_URL)),
)
SKUS: Final = Table(
    Target("product_id", "product_id", records.key(LONGEST_NAME)),
    Target("source_id", "source_id", records.key(LONGEST_NAME)),
    Target("sku", "sku", records.text(LONGEST_NAME)),
    Target("price", "price", records.money),
    Target("currency", "currency", records.text(3)),
    Target("image_url", "image_url", records.text(LONGEST_URL)),
    Target("attributes", "attributes", _attributes),
)


class _CatalogueSubject:
    """What both kinds of files share."""

    name: str
    thing: str
    action_type: str
    keys: tuple[str, ...] = ("source_id",)
    table: ClassVar[Table]
    required: ClassVar[tuple[str, ...]]
    model: ClassVar[type[Product] | type[Sku]]

    def targets(self, project: Project) -> list[TargetChoice]:
        keys = [TargetChoice(records.METADATA + key, key) for key in sorted(schema_of(project, self.thing).live())]
        return [*(TargetChoice(target.key, target.label) for target in self.table.targets), *keys]

    def propose(self, headers: Sequence[str]) -> list[str | None]:
        return [self.table.target_of(header) for header in headers]

    def mapping_problems(self, mapping: Sequence[str | None], headers: Sequence[str], *, needs_key: bool) -> list[str]:
        return self.table.problems(mapping, headers, self.required)

    def parser(self, project: Project, mapping: Sequence[str | None], headers: Sequence[str], options: Options) -> Rows:
        schema = schema_of(project, self.thing)
        return Rows(self.table, mapping, headers, required=self.required, schema=schema, unescape=options.unescape)

    def key_of(self, values: Record) -> str:
        return str(values.fields.get("source_id") or "")

    def loaders(self, mapping: Sequence[str | None]) -> int:
        return 1

    def compare(
        self, project: Project, rows: Sequence[PlannedRow], options: Options, repeated: Repeated
    ) -> list[PlannedRow]:
        named = [self.key_of(row.values) for row in rows]
        stored = self.model._default_manager.filter(project=project, deleted_at=None, source_id__in=named)
        known = set(stored.values_list("source_id", flat=True))
        return [
            row._replace(outcome=Outcome.CHANGED if key in known else Outcome.NEW)
            for row, key in zip(rows, named, strict=True)
        ]

    def load(self, project: Project, rows: Sequence[Record], options: Options, at: datetime) -> Applied:
        applied = Applied()
        for record in rows:
            try:
                with transaction.atomic():
                    created = self.store(project, record, at)
            except DomainError as error:
                applied.refused[record.row] = error.details or error.message
            else:
                applied.created += created
                applied.updated += not created
        return applied

    def store(self, project: Project, record: Record, at: datetime) -> bool:
        """Write one row; whether it was new. Raises DomainError."""
        raise NotImplementedError


class ProductSubject(_CatalogueSubject):
    """A file of products. Of a product that exists only the name changes."""

    name = "products"
    thing = "product"
    action_type = "PRODUCTS.IMPORT_CSV"
    table = PRODUCTS
    required = ("name",)
    model = Product

    def store(self, project: Project, record: Record, at: datetime) -> bool:
        found = products.find_or_none(Product, project=project, identifier=self.key_of(record))
        if found is not None:
            products.update(project=project, product=found, data={"name": record.fields["name"]}, at=at)
            return False
        products.upsert(project=project, data=_data(record), at=at)
        return True


class SkuSubject(_CatalogueSubject):
    """A file of SKUs, each below a product named by its id or source id."""

    name = "skus"
    thing = "sku"
    action_type = "SKUS.IMPORT_CSV"
    table = SKUS
    required = ("product_id", "source_id")
    model = Sku

    def store(self, project: Project, record: Record, at: datetime) -> bool:
        product = products.find_or_none(Product, project=project, identifier=record.fields["product_id"])
        if product is None:
            raise NotFound.of("product", record.fields["product_id"])
        sku = products.upsert_sku(project=project, product=product, data=_data(record), at=at)
        return sku.updated_at is None


def _data(record: Record) -> Mapping[str, Any]:
    data = {name: value for name, value in record.fields.items() if name != "product_id"}
    return {**data, "metadata": dict(record.metadata)} if record.metadata else data


PRODUCT_SUBJECT: Final = ProductSubject()
SKU_SUBJECT: Final = SkuSubject()
