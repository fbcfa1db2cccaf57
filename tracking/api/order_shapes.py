"""The shapes of orders for the published schema: `tracking.payloads` reads what comes in."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.kernel.amounts import GREATEST
from customers.api.serializers import CustomerCreateBody

Shape = serializers.Serializer[Any]
MAYBE: dict[str, Any] = {"required": False}
MAYBE_NULL: dict[str, Any] = {"required": False, "allow_null": True}


class Money(serializers.IntegerField):
    """Minor units."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=GREATEST, **kwargs)


class PlacedProductBody(Shape):
    """A product as the line tells of it; `override` stores it."""

    id = serializers.CharField(max_length=500, **MAYBE_NULL)
    source_id = serializers.CharField(max_length=500, **MAYBE_NULL)
    override = serializers.BooleanField(**MAYBE_NULL)
    name = serializers.CharField(max_length=500, **MAYBE_NULL)
    price = Money(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)


class PlacedSkuBody(Shape):
    """A SKU as the line tells of it; `override` stores it."""

    id = serializers.CharField(max_length=500, **MAYBE_NULL)
    source_id = serializers.CharField(max_length=500, **MAYBE_NULL)
    override = serializers.BooleanField(**MAYBE_NULL)
    sku = serializers.CharField(max_length=500, **MAYBE_NULL)
    price = Money(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)


class PlacedItemBody(Shape):
    """One line."""

    product_id = serializers.CharField(max_length=500, **MAYBE_NULL)
    sku_id = serializers.CharField(max_length=500, **MAYBE_NULL)
    source_id = serializers.CharField(max_length=500, **MAYBE_NULL)
    related_object = serializers.ChoiceField(choices=["product", "sku"], **MAYBE_NULL)
    quantity = serializers.IntegerField(min_value=1, max_value=GREATEST, **MAYBE_NULL)
    initial_quantity = serializers.IntegerField(min_value=1, max_value=GREATEST, **MAYBE_NULL)
    discount_quantity = Money(**MAYBE_NULL)
    price = Money(**MAYBE_NULL)
    amount = Money(**MAYBE_NULL)
    initial_amount = Money(**MAYBE_NULL)
    discount_amount = Money(**MAYBE_NULL)
    product = PlacedProductBody(**MAYBE_NULL)
    sku = PlacedSkuBody(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)


class PlacedOrderBody(Shape):
    """An order to be stored. With an `id` or `source_id` that exists, that order is changed."""

    id = serializers.CharField(max_length=500, **MAYBE_NULL)
    source_id = serializers.CharField(max_length=500, **MAYBE_NULL)
    status = serializers.ChoiceField(choices=["CREATED", "PAID", "FULFILLED", "CANCELED"], **MAYBE_NULL)
    amount = Money(**MAYBE_NULL)
    initial_amount = Money(**MAYBE_NULL)
    discount_amount = Money(**MAYBE_NULL)
    items = serializers.ListField(child=PlacedItemBody(), max_length=500, **MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)
    created_at = serializers.DateTimeField(**MAYBE_NULL)
    customer = CustomerCreateBody(**MAYBE_NULL)
    referrer = CustomerCreateBody(**MAYBE_NULL)
    referrer_id = serializers.CharField(max_length=500, **MAYBE_NULL)


class WhoShape(Shape):
    id = serializers.CharField()
    object = serializers.ChoiceField(choices=["customer"])


class StoredItemShape(Shape):
    """One line; amounts that nobody knows are absent."""

    object = serializers.ChoiceField(choices=["order_item"])
    product_id = serializers.CharField(**MAYBE)
    sku_id = serializers.CharField(**MAYBE)
    source_id = serializers.CharField(**MAYBE)
    related_object = serializers.ChoiceField(choices=["product", "sku"], **MAYBE)
    quantity = serializers.IntegerField()
    initial_quantity = serializers.IntegerField(**MAYBE)
    discount_quantity = serializers.IntegerField(**MAYBE)
    amount = serializers.IntegerField(**MAYBE)
    initial_amount = serializers.IntegerField(**MAYBE)
    discount_amount = serializers.IntegerField(**MAYBE)
    subtotal_amount = serializers.IntegerField(**MAYBE)
    price = serializers.IntegerField(**MAYBE)
    product = serializers.DictField(**MAYBE)
    sku = serializers.DictField(**MAYBE)
    metadata = serializers.DictField(**MAYBE)


class StoredOrderShape(Shape):
    """An order; amounts of a kind that was not used are absent."""

    id = serializers.CharField()
    source_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)
    status = serializers.CharField()
    amount = serializers.IntegerField(**MAYBE)
    initial_amount = serializers.IntegerField(**MAYBE)
    discount_amount = serializers.IntegerField(**MAYBE)
    items_discount_amount = serializers.IntegerField(**MAYBE)
    total_discount_amount = serializers.IntegerField(**MAYBE)
    total_amount = serializers.IntegerField(**MAYBE)
    items = StoredItemShape(many=True, **MAYBE)
    metadata = serializers.DictField(**MAYBE)
    customer = WhoShape(**MAYBE)
    referrer = WhoShape(**MAYBE)
    customer_id = serializers.CharField(allow_null=True)
    referrer_id = serializers.CharField(allow_null=True)
    object = serializers.ChoiceField(choices=["order"])
    redemptions = serializers.DictField(**MAYBE)
