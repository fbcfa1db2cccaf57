"""`/v1/products`, the SKUs below them, `/v1/skus`. Source: products-orders.md §3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note, note_started
from config.api.authentication import access_of
from config.api.fields import parse, parse_each
from config.api.filters import CreatedFilterSet
from config.api.parameters import path_id
from config.api.parsing import WireJsonParser
from config.api.resources import ScopedViewSet
from config.api.uploads import UploadBody, file_of
from config.filters.fields import FieldTable
from config.imports import doors
from config.kernel import instants
from config.kernel.errors import InvalidPayload
from config.project.models import Project
from customers.payloads import INDEXED_LENGTH
from tracking import audited, bulk, tasks
from tracking.api import serializers
from tracking.catalogue_fields import PRODUCTS, SKUS
from tracking.models import Product, Sku
from tracking.rendering import render_product, render_sku, render_sku_with_product
from tracking.services import importing, products

FORCE = OpenApiParameter("force", bool, description="Delete for good.")
LIST_ORDERS: Mapping[str, str] = {
    **{"created_at": "created_at", "updated_at": "updated_at"},
    **dict.fromkeys(("type", "code", "campaign", "category"), "created_at"),
}
"""The contract's enum is one for many lists; what products do not have leaves them in order of time."""


def forced(request: Request) -> bool:
    """Whether `force=true` was asked for."""
    return request.query_params.get("force", "").lower() == "true"


def answer_started(public_id: str, code: int = status.HTTP_202_ACCEPTED) -> Response:
    """The answer to what goes on in the background."""
    return Response({"async_action_id": public_id}, status=code)


class ProductFilterSet(CreatedFilterSet):
    """`GET /v1/products`"""

    class Meta:
        model = Product
        fields: ClassVar[list[str]] = []


class SkuFilterSet(CreatedFilterSet):
    """`GET /v1/products/{id}/skus`"""

    class Meta:
        model = Sku
        fields: ClassVar[list[str]] = []


@extend_schema(tags=["products"], responses=serializers.ProductShape)
class ProductViewSet(ScopedViewSet):
    """Products; found by their id or source id."""

    scope = "products"
    lookup_field = "product_id"
    queryset = Product.objects.all()
    filterset_class = ProductFilterSet
    data_ref = "products"
    orders: ClassVar[Mapping[str, str]] = LIST_ORDERS
    default_order = "created_at"

    @staticmethod
    def filter_fields(project: Project) -> FieldTable:
        return PRODUCTS

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(deleted_at=None)

    def found(self) -> Product:
        """The product of the path."""
        return products.find(project=self.project, identifier=self.kwargs["product_id"])

    @extend_schema(responses=serializers.ProductShape(many=True))
    def list(self, request: Request) -> Response:
        skus = Prefetch("skus", Sku.objects.filter(deleted_at=None).order_by("created_at", "pk"), to_attr="living")
        rows = self.page(request, self.get_queryset().prefetch_related(skus))
        return self.get_paginated_response([render_product(row, row.living, listed=True) for row in rows])

    @extend_schema(operation_id="create_product", request=serializers.StoredProductBody)
    def create(self, request: Request) -> Response:
        """Create a product, or change the one with this `id` or `source_id`."""
        body = parse(serializers.StoredProductBody, request.data)
        with transaction.atomic():
            product = products.upsert(project=self.project, data=body, at=instants.now())
            done = "product.created" if product.updated_at is None else "product.changed"
            note(request, done, "product", product.public_id, after=audited.of_product(product))
        return Response(render_product(product))

    @extend_schema(operation_id="get_product", parameters=[path_id("product_id")])
    def retrieve(self, request: Request, product_id: str) -> Response:
        product = self.found()
        return Response(render_product(product, list(products.skus_of(product))))

    @extend_schema(
        operation_id="update_product", request=serializers.StoredProductUpdateBody, parameters=[path_id("product_id")]
    )
    def update(self, request: Request, product_id: str) -> Response:
        body = parse(serializers.StoredProductUpdateBody, request.data)
        stored = self.found()
        before = audited.of_product(stored)
        with transaction.atomic():
            product = products.update(project=self.project, product=stored, data=body, at=instants.now())
            after = audited.of_product(product)
            note(request, "product.changed", "product", product.public_id, before=before, after=after)
        return Response(render_product(product))

    @extend_schema(operation_id="delete_product", parameters=[path_id("product_id"), FORCE], responses={204: None})
    def destroy(self, request: Request, product_id: str) -> Response:
        product = self.found()
        public_id, before, force = product.public_id, audited.of_product(product), forced(request)
        with transaction.atomic():
            products.delete(project=self.project, product=product, force=force, at=instants.now())
            note(request, "product.deleted", "product", public_id, before=before, after={"force": force})
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="update_products",
        request=serializers.ProductBulkItem(many=True),
        responses={202: serializers.StartedShape},
    )
    @action(detail=False, methods=["post"], url_path="bulk/async")
    def bulk_update(self, request: Request) -> Response:
        """Create or change many products in the background, each named by its `source_id`."""
        return self._bulk(request)

    @extend_schema(
        operation_id="update_products_older",
        deprecated=True,
        request=serializers.ProductBulkItem(many=True),
        responses={202: serializers.StartedShape},
    )
    @action(detail=False, methods=["post"], url_path="bulk")
    def bulk_older(self, request: Request) -> Response:
        """The older address of `bulk/async`."""
        return self._bulk(request)

    def _bulk(self, request: Request) -> Response:
        access, items = access_of(request), parse_each(serializers.ProductBulkItem, request.data)
        with transaction.atomic():
            started = bulk.start_products(
                project=access.project, items=items, at=instants.now(), request_id=access.group_id
            )
            note_started(request, "product.bulk_started", started)
        return answer_started(started.public_id)

    @extend_schema(
        operation_id="update_products_metadata",
        request=serializers.SourceIdsBody,
        responses={202: serializers.StartedShape},
    )
    @action(detail=False, methods=["post"], url_path="metadata/async")
    def metadata_update(self, request: Request) -> Response:
        """Give many products the same metadata in the background; unknown ones are created."""
        access, body = access_of(request), parse(serializers.SourceIdsBody, request.data)
        for index, source_id in enumerate(body["source_ids"]):
            if not 0 < len(source_id) <= INDEXED_LENGTH:
                raise InvalidPayload(f"Property .source_ids[{index}] should be 1 to {INDEXED_LENGTH} characters")
        with transaction.atomic():
            started = bulk.start_products_metadata(
                project=access.project,
                source_ids=body["source_ids"],
                metadata=body["metadata"],
                at=instants.now(),
                request_id=access.group_id,
            )
            note_started(request, "product.metadata_started", started)
        return answer_started(started.public_id)

    @extend_schema(
        operation_id="import_products_csv",
        request={"multipart/form-data": UploadBody},
        responses={200: serializers.StartedShape},
    )
    @action(detail=False, methods=["post"], url_path="importCSV", parser_classes=[MultiPartParser, WireJsonParser])
    def import_csv(self, request: Request) -> Response:
        """Import a CSV file of products in the background; prices are in major units."""
        return start_import(request, importing.PRODUCT_SUBJECT, tasks.import_products_file)


def start_import(request: Request, subject: Any, task: Any) -> Response:
    """Keep the file of the request and queue its import."""
    access, (content, given_name) = access_of(request), file_of(request)
    started = doors.start_from_api(
        project=access.project,
        subject=subject,
        task=task,
        target_of=subject.table.target_of,
        content=content,
        given_name=given_name,
        at=instants.now(),
        limit=settings.BODY_LIMIT,
        request_id=access.group_id,
    )
    return answer_started(started.public_id, status.HTTP_200_OK)


@extend_schema(tags=["products"], responses=serializers.SkuShape, parameters=[path_id("product_id")])
class ProductSkuViewSet(ScopedViewSet):
    """The SKUs of a product."""

    scope = "skus"
    lookup_field = "sku_id"
    queryset = Sku.objects.all()
    filterset_class = SkuFilterSet
    data_ref = "skus"
    orders: ClassVar[Mapping[str, str]] = LIST_ORDERS
    default_order = "created_at"

    @staticmethod
    def filter_fields(project: Project) -> FieldTable:
        return SKUS

    def product(self) -> Product:
        """The product of the path."""
        return products.find(project=self.project, identifier=self.kwargs["product_id"])

    def found(self) -> Sku:
        """The SKU of the path."""
        return products.find_sku(project=self.project, identifier=self.kwargs["sku_id"], product=self.product())

    @extend_schema(operation_id="list_product_skus", responses=serializers.SkuShape(many=True))
    def list(self, request: Request, product_id: str) -> Response:
        product = self.product()
        rows = self.page(request, self.get_queryset().filter(product=product, deleted_at=None))
        return self.get_paginated_response([render_sku(row, product_id=product.public_id) for row in rows])

    @extend_schema(operation_id="create_sku", request=serializers.StoredSkuBody)
    def create(self, request: Request, product_id: str) -> Response:
        """Create a SKU of the product, or change the one with this `id` or `source_id`."""
        body, product = parse(serializers.StoredSkuBody, request.data), self.product()
        with transaction.atomic():
            sku = products.upsert_sku(project=self.project, product=product, data=body, at=instants.now())
            done = "sku.created" if sku.updated_at is None else "sku.changed"
            note(request, done, "sku", sku.public_id, after=audited.of_sku(sku))
        return Response(render_sku(sku, product_id=product.public_id))

    @extend_schema(operation_id="update_sku", request=serializers.StoredSkuUpdateBody, parameters=[path_id("sku_id")])
    def update(self, request: Request, product_id: str, sku_id: str) -> Response:
        body, stored = parse(serializers.StoredSkuUpdateBody, request.data), self.found()
        before = audited.of_sku(stored)
        with transaction.atomic():
            sku = products.update_sku(project=self.project, sku=stored, data=body, at=instants.now())
            note(request, "sku.changed", "sku", sku.public_id, before=before, after=audited.of_sku(sku))
        return Response(render_sku(sku, product_id=stored.product.public_id))

    @extend_schema(operation_id="delete_sku", parameters=[path_id("sku_id"), FORCE], responses={204: None})
    def destroy(self, request: Request, product_id: str, sku_id: str) -> Response:
        sku = self.found()
        public_id, before, force = sku.public_id, audited.of_sku(sku), forced(request)
        with transaction.atomic():
            products.delete_sku(project=self.project, sku=sku, force=force, at=instants.now())
            note(request, "sku.deleted", "sku", public_id, before=before, after={"force": force})
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["products"])
class SkuViewSet(ScopedViewSet):
    """`/v1/skus/{id}`"""

    scope = "skus"
    lookup_field = "sku_id"
    queryset = Sku.objects.all()
    filterset_class = None

    @extend_schema(operation_id="get_sku", responses=serializers.SkuWithProductShape, parameters=[path_id("sku_id")])
    def retrieve(self, request: Request, sku_id: str) -> Response:
        """One SKU, with its product."""
        return Response(render_sku_with_product(products.find_sku(project=self.project, identifier=sku_id)))

    @extend_schema(
        operation_id="import_skus_csv",
        request={"multipart/form-data": UploadBody},
        responses={200: serializers.StartedShape},
    )
    @action(detail=False, methods=["post"], url_path="importCSV", parser_classes=[MultiPartParser, WireJsonParser])
    def import_csv(self, request: Request) -> Response:
        """Import a CSV file of SKUs in the background; prices are in major units."""
        return start_import(request, importing.SKU_SUBJECT, tasks.import_skus_file)
