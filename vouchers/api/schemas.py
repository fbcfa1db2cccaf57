"""The shape of what goes out, for the published schema only: answers are rendered by plain functions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

Shape = serializers.Serializer[Any]
NULL: dict[str, Any] = {"allow_null": True}
MAYBE: dict[str, Any] = {"required": False}
MAYBE_NULL: dict[str, Any] = {"required": False, "allow_null": True}


class Count(serializers.IntegerField):
    """A count or an amount in minor units."""


class GiftShape(Shape):
    amount = Count()
    balance = Count()
    subtracted_amount = Count(**MAYBE)
    effect = serializers.ChoiceField(choices=["APPLY_TO_ORDER", "APPLY_TO_ITEMS"], **NULL)


class CategoryShape(Shape):
    id = serializers.CharField()
    name = serializers.CharField()
    hierarchy = serializers.IntegerField()
    object = serializers.ChoiceField(choices=["category"])
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**MAYBE)


class AssetShape(Shape):
    id = serializers.CharField()
    url = serializers.CharField()


class AssetsShape(Shape):
    qr = AssetShape()
    barcode = AssetShape()


class PublishShape(Shape):
    object = serializers.ChoiceField(choices=["list"])
    count = Count()
    url = serializers.CharField()


class CountersShape(Shape):
    quantity = Count(**NULL)
    redeemed_quantity = Count()
    redeemed_amount = Count(**MAYBE)
    redeemed_points = Count(**MAYBE)
    object = serializers.ChoiceField(choices=["list"], **MAYBE)
    url = serializers.CharField(**MAYBE)


class AssignmentShape(Shape):
    id = serializers.CharField()
    rule_id = serializers.CharField()
    related_object_id = serializers.CharField()
    related_object_type = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**MAYBE)
    object = serializers.ChoiceField(choices=["validation_rules_assignment"])


class AssignmentsShape(Shape):
    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = AssignmentShape(many=True)  # type: ignore[assignment]
    total = Count()


class SimpleCustomerShape(Shape):
    id = serializers.CharField(**MAYBE)
    name = serializers.CharField(**MAYBE_NULL)
    email = serializers.CharField(**MAYBE_NULL)
    source_id = serializers.CharField(**MAYBE_NULL)
    metadata = serializers.DictField(**MAYBE)
    object = serializers.ChoiceField(choices=["customer"])


class VoucherBaseShape(Shape):
    id = serializers.CharField()
    code = serializers.CharField()
    campaign = serializers.CharField(**NULL)
    campaign_id = serializers.CharField(**NULL)
    category_id = serializers.CharField(**NULL)
    type = serializers.ChoiceField(choices=["DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD"])
    start_date = serializers.DateTimeField(**NULL)
    expiration_date = serializers.DateTimeField(**NULL)
    active = serializers.BooleanField()
    metadata = serializers.DictField()
    is_referral_code = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**NULL)
    holder_id = serializers.CharField(**MAYBE)
    referrer_id = serializers.CharField(**MAYBE)
    object = serializers.ChoiceField(choices=["voucher"])
    redemption = CountersShape()


class VoucherShape(VoucherBaseShape):
    """A voucher in full."""

    category = serializers.CharField(**NULL)
    categories = CategoryShape(many=True)
    discount = serializers.DictField(**NULL)
    gift = GiftShape(**NULL)
    loyalty_card = serializers.DictField(**NULL)
    validity_timeframe = serializers.DictField(**NULL)
    validity_day_of_week = serializers.ListField(child=serializers.IntegerField(), **NULL)
    validity_hours = serializers.DictField(**NULL)
    additional_info = serializers.CharField(**NULL)
    assets = AssetsShape()
    publish = PublishShape()
    validation_rules_assignments = AssignmentsShape(**MAYBE)
    holder = SimpleCustomerShape(**MAYBE)


class SimpleVoucherShape(VoucherBaseShape):
    """A voucher inside a redemption."""

    discount = serializers.DictField(**MAYBE_NULL)
    gift = GiftShape(**MAYBE_NULL)
    loyalty_card = serializers.DictField(**MAYBE_NULL)


class RuleShape(Shape):
    id = serializers.CharField()
    name = serializers.CharField()
    rules = serializers.DictField()
    bundle_rules = serializers.DictField(**MAYBE)
    error = serializers.DictField(**MAYBE)
    applicable_to = serializers.DictField(**NULL)
    type = serializers.CharField()
    context_type = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**MAYBE)
    assignments_count = Count(**MAYBE)
    object = serializers.ChoiceField(choices=["validation_rules"])


class CustomerIdShape(Shape):
    id = serializers.CharField()
    object = serializers.ChoiceField(choices=["customer"])


class OrderItemShape(Shape):
    object = serializers.ChoiceField(choices=["order_item"])
    id = serializers.CharField(**MAYBE)
    product_id = serializers.CharField(**MAYBE)
    sku_id = serializers.CharField(**MAYBE)
    source_id = serializers.CharField(**MAYBE)
    related_object = serializers.ChoiceField(choices=["product", "sku"], **MAYBE)
    quantity = Count()
    amount = Count(**MAYBE)
    price = Count(**MAYBE)
    discount_amount = Count(**MAYBE)
    applied_discount_amount = Count(**MAYBE)
    subtotal_amount = Count(**MAYBE)
    product = serializers.DictField(**MAYBE)
    sku = serializers.DictField(**MAYBE)
    metadata = serializers.DictField(**MAYBE)


class OrderShape(Shape):
    """An order; amounts of a kind that was not used are absent."""

    id = serializers.CharField(**MAYBE)
    source_id = serializers.CharField(**MAYBE_NULL)
    created_at = serializers.DateTimeField(**MAYBE)
    updated_at = serializers.DateTimeField(**MAYBE_NULL)
    status = serializers.CharField(**MAYBE)
    amount = Count(**MAYBE)
    initial_amount = Count(**MAYBE)
    discount_amount = Count(**MAYBE)
    items_discount_amount = Count(**MAYBE)
    total_discount_amount = Count(**MAYBE)
    total_amount = Count(**MAYBE)
    applied_discount_amount = Count(**MAYBE)
    items_applied_discount_amount = Count(**MAYBE)
    total_applied_discount_amount = Count(**MAYBE)
    items = OrderItemShape(many=True, **MAYBE)
    metadata = serializers.DictField(**MAYBE)
    customer = CustomerIdShape(**MAYBE)
    customer_id = serializers.CharField(**MAYBE_NULL)
    referrer_id = serializers.CharField(**MAYBE_NULL)
    object = serializers.ChoiceField(choices=["order"])
    redemptions = serializers.DictField(**MAYBE)


class ChannelShape(Shape):
    channel_id = serializers.CharField()
    channel_type = serializers.CharField()


class GiftUsedShape(Shape):
    amount = serializers.IntegerField()


class RedemptionBaseShape(Shape):
    id = serializers.CharField()
    object = serializers.ChoiceField(choices=["redemption", "redemption_rollback"])
    date = serializers.DateTimeField()
    customer_id = serializers.CharField(**MAYBE_NULL)
    tracking_id = serializers.CharField(**MAYBE_NULL)
    metadata = serializers.DictField(**NULL)
    amount = serializers.IntegerField(**MAYBE)
    redemption = serializers.CharField(**MAYBE)
    reason = serializers.CharField(**MAYBE_NULL)
    result = serializers.ChoiceField(choices=["SUCCESS", "FAILURE"])
    status = serializers.ChoiceField(choices=["SUCCEEDED", "FAILED", "ROLLED_BACK"])
    session = serializers.DictField(**MAYBE)
    related_redemptions = serializers.DictField(**MAYBE)
    failure_code = serializers.CharField(**MAYBE)
    failure_message = serializers.CharField(**MAYBE)
    order = OrderShape(**NULL)
    channel = ChannelShape(**MAYBE)
    customer = SimpleCustomerShape(**MAYBE_NULL)
    related_object_type = serializers.CharField(**MAYBE)
    related_object_id = serializers.CharField(**MAYBE)
    gift = GiftUsedShape(**MAYBE)


class RedemptionShape(RedemptionBaseShape):
    """An attempt to redeem, as lists and look-ups show it."""

    voucher = SimpleVoucherShape(**NULL)
    promotion_tier = serializers.DictField(**MAYBE)


class LegacyRedemptionShape(RedemptionBaseShape):
    """What the older redemption calls answer."""

    voucher = VoucherShape()


class RollbackShape(RedemptionBaseShape):
    """What a rollback did to one redemption."""

    voucher = SimpleVoucherShape(**MAYBE)
    promotion_tier = serializers.DictField(**MAYBE)


class RollbacksShape(Shape):
    """`POST /v1/redemptions/{id}/rollbacks`."""

    rollbacks = RollbackShape(many=True)
    parent_rollback = RollbackShape(**MAYBE)
    order = OrderShape(**MAYBE)


class RedeemedShape(Shape):
    """`POST /v1/redemptions`."""

    redemptions = RedemptionShape(many=True)
    parent_redemption = serializers.DictField(**MAYBE)
    order = OrderShape(**MAYBE_NULL)
    inapplicable_redeemables = serializers.ListField(child=serializers.DictField())
    skipped_redeemables = serializers.ListField(child=serializers.DictField())


class RedeemableShape(Shape):
    status = serializers.ChoiceField(choices=["APPLICABLE", "INAPPLICABLE", "SKIPPED"])
    id = serializers.CharField()
    object = serializers.CharField()
    order = OrderShape(**MAYBE)
    applicable_to = serializers.DictField(**MAYBE)
    inapplicable_to = serializers.DictField(**MAYBE)
    result = serializers.DictField()
    metadata = serializers.DictField(**MAYBE)
    categories = serializers.ListField(child=serializers.DictField(), **MAYBE)
    campaign_name = serializers.CharField(**MAYBE_NULL)
    campaign_id = serializers.CharField(**MAYBE_NULL)
    name = serializers.CharField(**MAYBE)


class ValidationShape(Shape):
    """`POST /v1/validations`."""

    id = serializers.CharField()
    valid = serializers.BooleanField()
    redeemables = RedeemableShape(many=True)
    inapplicable_redeemables = RedeemableShape(many=True, **MAYBE)
    skipped_redeemables = RedeemableShape(many=True, **MAYBE)
    order = OrderShape(**MAYBE)
    tracking_id = serializers.CharField(**MAYBE)
    session = serializers.DictField(**MAYBE)
    stacking_rules = serializers.DictField(**MAYBE)


class LegacyGiftShape(Shape):
    amount = Count()
    balance = Count()
    effect = serializers.CharField(**MAYBE_NULL)
    credits = Count(**MAYBE)


class LegacyValidationShape(Shape):
    """`GET /client/v1/validate` and `POST /v1/vouchers/{code}/validate`: flat, with the newer form beside it."""

    valid = serializers.BooleanField()
    code = serializers.CharField()
    discount = serializers.DictField(**MAYBE)
    gift = LegacyGiftShape(**MAYBE)
    reason = serializers.CharField(**MAYBE)
    error = serializers.DictField(**MAYBE)
    order = OrderShape(**MAYBE)
    applicable_to = serializers.DictField(**MAYBE)
    inapplicable_to = serializers.DictField(**MAYBE)
    metadata = serializers.DictField()
    campaign = serializers.CharField(**MAYBE)
    campaign_id = serializers.CharField(**MAYBE)
    start_date = serializers.DateTimeField(**MAYBE)
    expiration_date = serializers.DateTimeField(**MAYBE)
    tracking_id = serializers.CharField(**MAYBE)
    customer_id = serializers.CharField(**MAYBE)
    redeemables = RedeemableShape(many=True)


class VoucherRedemptionsShape(Shape):
    """`GET /v1/vouchers/{code}/redemption`."""

    quantity = Count(**NULL)
    redeemed_quantity = Count()
    redeemed_amount = Count(**MAYBE)
    redeemed_points = Count(**MAYBE)
    object = serializers.ChoiceField(choices=["list"])
    url = serializers.CharField()
    data_ref = serializers.ChoiceField(choices=["redemption_entries"])
    total = Count()
    redemption_entries = RedemptionShape(many=True)
