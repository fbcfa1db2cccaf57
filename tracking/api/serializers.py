"""The shapes of products, SKUs, collections and orders: strict ones for what comes in, plain ones for what goes out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.api.fields import Body, Choice, JsonList, JsonObject, Metadata, Text, Texts, Whole

Shape = serializers.Serializer[Any]
OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}
NULL: dict[str, Any] = {"allow_null": True}
MAYBE: dict[str, Any] = {"required": False}
LONGEST_ID = 500
LONGEST_URL = 2_000


class StoredProductUpdateBody(Body):
    """What of a product can be changed."""

    name = Text(max_length=500, **OPTIONAL)
    price = Whole(**OPTIONAL)
    attributes = Texts(most=100, **OPTIONAL)
    metadata = Metadata(**OPTIONAL)
    image_url = Text(max_length=LONGEST_URL, **OPTIONAL)


class StoredProductBody(StoredProductUpdateBody):
    """With an `id` or `source_id` that exists, that product is changed."""

    id = Text(max_length=64, **OPTIONAL)
    source_id = Text(max_length=LONGEST_ID, **OPTIONAL)


class ProductBulkItem(StoredProductUpdateBody):
    """One product of a bulk call."""

    source_id = Text(max_length=LONGEST_ID, allow_blank=False)


class SourceIdsBody(Body):
    """The same metadata for each."""

    source_ids = Texts(most=100_000)
    metadata = Metadata()


class StoredSkuUpdateBody(Body):
    """What of a SKU can be changed."""

    sku = Text(max_length=500, **OPTIONAL)
    price = Whole(**OPTIONAL)
    currency = Text(max_length=3, **OPTIONAL)
    attributes = JsonObject(**OPTIONAL)
    image_url = Text(max_length=LONGEST_URL, **OPTIONAL)
    metadata = Metadata(**OPTIONAL)


class StoredSkuBody(StoredSkuUpdateBody):
    """With an `id` or `source_id` that exists, that SKU is changed."""

    id = Text(max_length=64, **OPTIONAL)
    source_id = Text(max_length=LONGEST_ID, **OPTIONAL)


class CollectionUpdateBody(Body):
    """A static collection's `name`; also the `filter` of one that updates itself."""

    name = Text(max_length=500, allow_blank=False, **OPTIONAL)
    filter = JsonObject(**OPTIONAL)


class CollectionBody(CollectionUpdateBody):
    """STATIC with `products`, or AUTO_UPDATE with a `filter`."""

    name = Text(max_length=500, allow_blank=False)
    type = Choice(choices=["STATIC", "AUTO_UPDATE"])
    products = JsonList(most=10_000, **OPTIONAL)


class StartedShape(Shape):
    """Ask `GET /v1/async-actions/{id}` for what became of it."""

    async_action_id = serializers.CharField()


class SkuShape(Shape):
    id = serializers.CharField()
    source_id = serializers.CharField(**NULL)
    product_id = serializers.CharField()
    sku = serializers.CharField(**NULL)
    price = serializers.IntegerField(**NULL)
    currency = serializers.CharField(**NULL)
    attributes = serializers.DictField()
    image_url = serializers.CharField(**NULL)
    metadata = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**NULL)
    object = serializers.ChoiceField(choices=["sku"])


class SkusShape(Shape):
    object = serializers.ChoiceField(choices=["list"], **MAYBE)
    data_ref = serializers.ChoiceField(choices=["data"], **MAYBE)
    data = SkuShape(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


class ProductShape(Shape):
    id = serializers.CharField()
    source_id = serializers.CharField(**NULL)
    name = serializers.CharField(**NULL)
    price = serializers.IntegerField(**NULL)
    attributes = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()
    image_url = serializers.CharField(**NULL)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**NULL)
    object = serializers.ChoiceField(choices=["product"])
    skus = SkusShape(**MAYBE)


class SkuWithProductShape(SkuShape):
    """A SKU with its product."""

    product = ProductShape()


class MemberShape(Shape):
    """A product, or a SKU with its product."""

    id = serializers.CharField()
    object = serializers.ChoiceField(choices=["product", "sku"])


class CollectionItemShape(Shape):
    id = serializers.CharField()
    product_id = serializers.CharField(**MAYBE)
    object = serializers.ChoiceField(choices=["product", "sku"])


class CollectionShape(Shape):
    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["STATIC", "AUTO_UPDATE"])
    products = CollectionItemShape(many=True, **MAYBE)
    filter = serializers.DictField(required=False, allow_null=True)
    created_at = serializers.DateTimeField()
    object = serializers.ChoiceField(choices=["products_collection"])
