"""Products and their SKUs: created, changed, found, removed. Source: products-orders.md sections 1 to 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from config.jobs.bulk import Done, refused
from config.kernel.errors import DomainError, DuplicateFound, NotFound
from config.project import schemas
from config.project.models import Project
from tracking import uses
from tracking.errors import ResourceProtected
from tracking.models import Product, Sku
from tracking.services.catalogue import SHIPPING_ID

PRODUCT_FIELDS: Final = ("name", "price", "attributes", "metadata", "image_url")
SKU_FIELDS: Final = ("sku", "price", "currency", "attributes", "metadata", "image_url")
NEVER_NULL: Final = ("attributes", "metadata")

Stored = TypeVar("Stored", Product, Sku)


def find(*, project: Project, identifier: str) -> Product:
    """The product of this id, else of this source id. Raises NotFound."""
    return _found(Product, project, identifier, "product")


def find_sku(*, project: Project, identifier: str, product: Product | None = None) -> Sku:
    """The SKU of this id, else of this source id. product: whose it must be. Raises NotFound."""
    sku = _found(Sku, project, identifier, "sku")
    if product is not None and sku.product_id != product.pk:
        raise NotFound.of("sku", identifier)
    return sku


def skus_of(product: Product) -> QuerySet[Sku]:
    """The living SKUs of a product, oldest first."""
    return Sku.objects.filter(product=product, deleted_at=None).order_by("created_at", "pk")


def upsert(*, project: Project, data: Mapping[str, Any], at: datetime) -> Product:
    """Create a product, or change the one with this `id`, else with this `source_id`.

    data: the wire's properties, of checked shape. Raises DuplicateFound (an id or source id of something else),
    MetadataValidationFailed.
    """
    return _upsert(Product, project, data, at, {})


def update(*, project: Project, product: Product, data: Mapping[str, Any], at: datetime) -> Product:
    """Change what was sent; ids stay, metadata is merged at its first level. Raises MetadataValidationFailed."""
    return _change(project, product, data, at)


def delete(*, project: Project, product: Product, at: datetime, force: bool = False) -> None:
    """Take a product and its SKUs away, with `force` for good. Raises ResourceInUse, ResourceProtected."""
    if product.public_id == SHIPPING_ID:
        raise ResourceProtected(f"Resource product with id {SHIPPING_ID} is protected and cannot be modified")
    skus = Sku.objects.of(project).filter(product=product, deleted_at=None)
    sku_ids = list(skus.values_list("public_id", flat=True))
    uses.require_unused(project=project, resource_type="product", public_id=product.public_id, also=sku_ids)
    with transaction.atomic():
        if force:
            product.delete()
        else:
            skus.update(deleted_at=at, updated_at=at)
            Product.objects.of(project).filter(pk=product.pk).update(deleted_at=at, updated_at=at)


def upsert_sku(*, project: Project, product: Product, data: Mapping[str, Any], at: datetime) -> Sku:
    """Create a SKU of the product, or change the one with this `id`, else with this `source_id`.

    Raises DuplicateFound (also a SKU of another product), MetadataValidationFailed.
    """
    return _upsert(Sku, project, data, at, {"product": product})


def update_sku(*, project: Project, sku: Sku, data: Mapping[str, Any], at: datetime) -> Sku:
    """Change what was sent; ids and the product stay, metadata is merged at its first level."""
    return _change(project, sku, data, at)


def delete_sku(*, project: Project, sku: Sku, at: datetime, force: bool = False) -> None:
    """Take a SKU away, with `force` for good. Raises ResourceInUse."""
    uses.require_unused(project=project, resource_type="sku", public_id=sku.public_id)
    if force:
        sku.delete()
    else:
        Sku.objects.of(project).filter(pk=sku.pk).update(deleted_at=at, updated_at=at)


def upsert_each(*, project: Project, items: Sequence[Mapping[str, Any]], at: datetime) -> list[Done]:
    """Upsert products one after the other in the caller's transaction; each has a source id, later ones win."""
    known = set(
        Product.objects.of(project)
        .filter(source_id__in=[item["source_id"] for item in items], deleted_at=None)
        .values_list("source_id", flat=True)
    )
    outcomes = []
    for item in items:
        source_id = item["source_id"]
        try:
            with transaction.atomic():
                upsert(project=project, data=item, at=at)
        except DomainError as error:
            outcomes.append(refused(source_id, source_id in known, error))
        else:
            outcomes.append(Done(source_id, source_id in known, True))
            known.add(source_id)
    return outcomes


def find_or_none(model: type[Stored], *, project: Project, identifier: str) -> Stored | None:
    """The living product or SKU of this id, else of this source id."""
    return find_many(model, project=project, identifiers=[identifier]).get(identifier)


def find_many(model: type[Stored], *, project: Project, identifiers: Iterable[str]) -> dict[str, Stored]:
    """The living products or SKUs of these ids, else source ids, by the identifier that meant them; one query."""
    wanted = {identifier for identifier in identifiers if identifier and "\0" not in identifier}
    if not wanted:
        return {}
    rows = model.objects.of(project).filter(Q(public_id__in=wanted) | Q(source_id__in=wanted), deleted_at=None)
    if model is Sku:
        rows = rows.filter(product__deleted_at=None).select_related("product")
    found = list(rows)
    by_source = {row.source_id: row for row in found if row.source_id in wanted}
    return {str(name): row for name, row in by_source.items()} | {
        row.public_id: row for row in found if row.public_id in wanted
    }


def replace(*, project: Project, row: Stored, data: Mapping[str, Any], at: datetime) -> Stored:
    """Change what is given; metadata is replaced as a whole. Raises MetadataValidationFailed."""
    return _change(project, row, data, at, merges=False)


def _found(model: type[Stored], project: Project, identifier: str, name: str) -> Stored:
    found = find_or_none(model, project=project, identifier=identifier)
    if found is None:
        raise NotFound.of(name, identifier)
    return found


def _upsert(
    model: type[Stored], project: Project, data: Mapping[str, Any], at: datetime, parent: Mapping[str, Product]
) -> Stored:
    """The row after `data`; whoever creates the same source id at the same moment makes it an update."""
    for last in (False, True):
        stored = _stored(model, project, data, parent)
        if stored is not None:
            return _change(project, stored, data, at, source_id=data.get("source_id"))
        try:
            with transaction.atomic():
                return _create(model, project, data, at, parent)
        except IntegrityError as error:
            if last:
                raise _duplicate(model, data) from error
    raise AssertionError("unreachable")


def _stored(
    model: type[Stored], project: Project, data: Mapping[str, Any], parent: Mapping[str, Product]
) -> Stored | None:
    rows = model.objects.of(project)
    found = None
    if public_id := data.get("id"):
        found = rows.filter(public_id=public_id).first()
        if found is not None and found.deleted_at is not None:
            raise _duplicate(model, data)
    if found is None and (source_id := data.get("source_id")):
        found = rows.filter(source_id=source_id, deleted_at=None).first()
    if isinstance(found, Sku) and found.product_id != parent["product"].pk:
        raise _duplicate(model, data)
    return found


def _create(
    model: type[Stored], project: Project, data: Mapping[str, Any], at: datetime, parent: Mapping[str, Product]
) -> Stored:
    row = model(project=project, created_at=at, source_id=data.get("source_id") or None, **parent)
    if data.get("id"):
        row.public_id = data["id"]
    _fill(project, row, data)
    row.save(force_insert=True)
    return row


def _change(
    project: Project,
    row: Stored,
    data: Mapping[str, Any],
    at: datetime,
    source_id: str | None = None,
    *,
    merges: bool = True,
) -> Stored:
    with transaction.atomic():
        locked = type(row).objects.of(project).select_for_update(no_key=True).get(pk=row.pk)
        changed: list[str] = _fill(project, locked, data, merges=merges)
        if source_id and locked.source_id is None:
            locked.source_id = source_id
            changed.append("source_id")
        locked.updated_at = at
        try:
            with transaction.atomic():
                locked.save(update_fields=[*changed, "updated_at"])
        except IntegrityError as error:
            raise DuplicateFound.of(_name(type(row)), str(source_id), by="source_id") from error
    return locked


def _fill(project: Project, row: Product | Sku, data: Mapping[str, Any], *, merges: bool = True) -> list[str]:
    """Set what was sent; returns the names of the columns."""
    names = PRODUCT_FIELDS if isinstance(row, Product) else SKU_FIELDS
    changed: list[str] = []
    for name in names:
        if name not in data or (data[name] is None and name in NEVER_NULL):
            continue
        value = {**row.metadata, **data[name]} if name == "metadata" and merges else data[name]
        setattr(row, name, value)
        changed.append(name)
    if "metadata" in changed or row._state.adding:
        schemas.require(project, _name(type(row)), row.metadata, whole=True)
    return changed


def _name(model: type[Product | Sku]) -> str:
    return "product" if model is Product else "sku"


def _duplicate(model: type[Product | Sku], data: Mapping[str, Any]) -> DuplicateFound:
    by = "id" if data.get("id") else "source_id"
    return DuplicateFound.of(_name(model), str(data.get(by)), by=by)
