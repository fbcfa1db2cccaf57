"""The shape of what comes in to validate and redeem, for the published schema only: `vouchers.payloads` reads it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.api.fields import LARGEST
from vouchers.api.schemas import MAYBE_NULL
from vouchers.engine.sessions import NANOSECONDS

Shape = serializers.Serializer[Any]


class Amount(serializers.IntegerField):
    """Minor units."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST, **kwargs)


class AddressBody(Shape):
    city = serializers.CharField(**MAYBE_NULL)
    state = serializers.CharField(**MAYBE_NULL)
    line_1 = serializers.CharField(**MAYBE_NULL)
    line_2 = serializers.CharField(**MAYBE_NULL)
    country = serializers.CharField(**MAYBE_NULL)
    postal_code = serializers.CharField(**MAYBE_NULL)


class RedeemingCustomerBody(Shape):
    id = serializers.CharField(**MAYBE_NULL)
    source_id = serializers.CharField(**MAYBE_NULL)
    name = serializers.CharField(**MAYBE_NULL)
    description = serializers.CharField(**MAYBE_NULL)
    email = serializers.CharField(**MAYBE_NULL)
    phone = serializers.CharField(**MAYBE_NULL)
    birthdate = serializers.DateField(**MAYBE_NULL)
    address = AddressBody(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)


class ProductBody(Shape):
    override = serializers.BooleanField(**MAYBE_NULL)
    name = serializers.CharField(**MAYBE_NULL)
    price = Amount(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)


class SkuBody(Shape):
    override = serializers.BooleanField(**MAYBE_NULL)
    sku = serializers.CharField(**MAYBE_NULL)
    price = Amount(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)


class OrderItemBody(Shape):
    product_id = serializers.CharField(**MAYBE_NULL)
    sku_id = serializers.CharField(**MAYBE_NULL)
    source_id = serializers.CharField(**MAYBE_NULL)
    related_object = serializers.ChoiceField(choices=["product", "sku"], **MAYBE_NULL)
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000, **MAYBE_NULL)
    price = Amount(**MAYBE_NULL)
    amount = Amount(**MAYBE_NULL)
    product = ProductBody(**MAYBE_NULL)
    sku = SkuBody(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)


class OrderBody(Shape):
    id = serializers.CharField(**MAYBE_NULL)
    source_id = serializers.CharField(**MAYBE_NULL)
    status = serializers.ChoiceField(choices=["CREATED", "PAID", "CANCELED", "FULFILLED"], **MAYBE_NULL)
    amount = Amount(**MAYBE_NULL)
    initial_amount = Amount(**MAYBE_NULL)
    discount_amount = Amount(**MAYBE_NULL)
    items = serializers.ListField(child=OrderItemBody(), max_length=500, **MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)
    customer = RedeemingCustomerBody(**MAYBE_NULL)


class GiftCreditsBody(Shape):
    credits = Amount(**MAYBE_NULL)


class RedeemableBody(Shape):
    object = serializers.ChoiceField(choices=["voucher", "promotion_tier", "promotion_stack"])
    id = serializers.CharField(max_length=500)
    gift = GiftCreditsBody(**MAYBE_NULL)


class OptionsBody(Shape):
    expand = serializers.ListField(
        child=serializers.ChoiceField(choices=["order", "redeemable", "redemption", "category"]), **MAYBE_NULL
    )


class SessionBody(Shape):
    """A session holds what is applicable until it is redeemed with the same key, released, or over."""

    type = serializers.ChoiceField(choices=["LOCK"])
    key = serializers.CharField(max_length=200, **MAYBE_NULL)
    ttl = serializers.IntegerField(min_value=1, **MAYBE_NULL)
    ttl_unit = serializers.ChoiceField(choices=list(NANOSECONDS), **MAYBE_NULL)


class LegacyBody(Shape):
    """Everything is optional; the code stands in the address."""

    customer = RedeemingCustomerBody(**MAYBE_NULL)
    order = OrderBody(**MAYBE_NULL)
    gift = GiftCreditsBody(**MAYBE_NULL)
    tracking_id = serializers.CharField(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)
    options = OptionsBody(**MAYBE_NULL)
    session = SessionBody(**MAYBE_NULL)


class StackableBody(Shape):
    """One to thirty redeemables, tried in turn on one order."""

    redeemables = serializers.ListField(child=RedeemableBody(), min_length=1, max_length=30)
    customer = RedeemingCustomerBody(**MAYBE_NULL)
    order = OrderBody(**MAYBE_NULL)
    tracking_id = serializers.CharField(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)
    options = OptionsBody(**MAYBE_NULL)
    session = SessionBody(**MAYBE_NULL)


class RollbackBody(Shape):
    """Everything is optional; order and customer are only compared with those of the redemption."""

    reason = serializers.CharField(max_length=16_000, **MAYBE_NULL)
    tracking_id = serializers.CharField(**MAYBE_NULL)
    customer = RedeemingCustomerBody(**MAYBE_NULL)
    order = OrderBody(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE_NULL)
