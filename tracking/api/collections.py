"""`/v1/product-collections`. Source: products-orders.md §4."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as rest
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note
from config.api.fields import parse
from config.api.lists import PagePagination, envelope, parse_limit, parse_order, parse_page
from config.api.parameters import path_id
from config.api.resources import ScopedViewSet
from config.kernel import instants
from config.kernel.errors import InvalidQueryParams
from tracking import audited
from tracking.api import serializers
from tracking.api.catalogue import LIST_ORDERS
from tracking.models import Product, ProductCollection, Sku
from tracking.rendering import render_collection, render_product, render_sku_with_product
from tracking.services import collections

PAGING = (
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}),
    OpenApiParameter("page", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1}),
    OpenApiParameter("order", str, enum=[sign + name for name in LIST_ORDERS for sign in ("", "-")]),
    OpenApiParameter("starting_after", str, description="Go on after this time of creation; beats `page`."),
)


class MembersShape(serializers.Shape):
    """A page of what is in a collection."""

    object = rest.ChoiceField(choices=["list"])
    data_ref = rest.ChoiceField(choices=["data"])
    data = serializers.MemberShape(many=True)  # type: ignore[assignment]
    total = rest.IntegerField()


@extend_schema(tags=["product-collections"], responses=serializers.CollectionShape)
class CollectionViewSet(ScopedViewSet):
    """Named sets of products and SKUs, listed or described by a filter."""

    scope = "product-collections"
    lookup_field = "collection_id"
    queryset = ProductCollection.objects.all()
    filterset_class = None
    pagination_class = PagePagination
    orders: ClassVar[Mapping[str, str]] = {**LIST_ORDERS, "name": "name"}

    def found(self) -> ProductCollection:
        """The collection of the path."""
        return collections.find(project=self.project, public_id=self.kwargs["collection_id"])

    @extend_schema(responses=serializers.CollectionShape(many=True))
    def list(self, request: Request) -> Response:
        return self.get_paginated_response([render_collection(row) for row in self.page(request, self.get_queryset())])

    @extend_schema(operation_id="create_product_collection", request=serializers.CollectionBody)
    def create(self, request: Request) -> Response:
        body = parse(serializers.CollectionBody, request.data)
        with transaction.atomic():
            collection = collections.create(project=self.project, data=body, at=instants.now())
            after = audited.of_collection(collection)
            note(request, "product_collection.created", "product_collection", collection.public_id, after=after)
        return Response(render_collection(collection))

    @extend_schema(operation_id="get_product_collection", parameters=[path_id("collection_id")])
    def retrieve(self, request: Request, collection_id: str) -> Response:
        return Response(render_collection(self.found()))

    @extend_schema(
        operation_id="update_product_collection",
        request=serializers.CollectionUpdateBody,
        parameters=[path_id("collection_id")],
    )
    def update(self, request: Request, collection_id: str) -> Response:
        body, stored = parse(serializers.CollectionUpdateBody, request.data), self.found()
        before = audited.of_collection(stored)
        with transaction.atomic():
            collection = collections.update(project=self.project, collection=stored, data=body, at=instants.now())
            after = audited.of_collection(collection)
            note(
                *(request, "product_collection.changed", "product_collection", collection.public_id),
                before=before,
                after=after,
            )
        return Response(render_collection(collection))

    @extend_schema(
        operation_id="delete_product_collection", parameters=[path_id("collection_id")], responses={204: None}
    )
    def destroy(self, request: Request, collection_id: str) -> Response:
        collection = self.found()
        public_id, before = collection.public_id, audited.of_collection(collection)
        with transaction.atomic():
            collections.delete(project=self.project, collection=collection)
            note(request, "product_collection.deleted", "product_collection", public_id, before=before)
        return Response(status=204)

    @extend_schema(
        operation_id="list_products_in_collection",
        parameters=[path_id("collection_id"), *PAGING],
        responses=MembersShape,
        filters=False,
    )
    @action(detail=True, methods=["get"])
    def products(self, request: Request, collection_id: str) -> Response:
        """Products and SKUs that belong to it now."""
        query, collection, at = request.query_params, self.found(), instants.now()
        limit, page = parse_limit(query), parse_page(query)
        order, column = parse_order(query, LIST_ORDERS, "-created_at")
        sign = "-" if order.startswith("-") else ""
        rows = collections.members(project=self.project, collection=collection, at=at)
        total, start = rows.count(), (page - 1) * limit
        if after := query.get("starting_after"):
            bound = {"created_at__lt" if sign else "created_at__gt": self._instant(after)}
            rows = collections.members(project=self.project, collection=collection, at=at, created=bound)
            start = 0
        named = F(column.removeprefix("-"))
        by = named.desc(nulls_last=True) if sign else named.asc(nulls_last=True)
        shown = rows.order_by(by, f"{sign}object", f"{sign}key")[start : start + limit]
        return Response(envelope("data", self._members(shown), total))

    @staticmethod
    def _instant(text: str) -> datetime:
        try:
            return instants.parse_instant(text)
        except ValueError:
            problem = "Property .starting_after cannot be recognized as a ISO-8601 compliant date"
            raise InvalidQueryParams(problem) from None

    def _members(self, rows: Iterable[Mapping[str, Any]]) -> Sequence[dict[str, Any]]:
        rows = [*rows]
        keys: dict[str, builtins.list[int]] = {"product": [], "sku": []}
        for row in rows:
            keys[row["object"]].append(row["key"])
        products = Product.objects.of(self.project).in_bulk(keys["product"]) if keys["product"] else {}
        skus = Sku.objects.of(self.project).select_related("product").in_bulk(keys["sku"]) if keys["sku"] else {}
        return [
            render_product(products[row["key"]])
            if row["object"] == "product"
            else render_sku_with_product(skus[row["key"]])
            for row in rows
        ]
