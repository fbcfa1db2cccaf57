"""The shape of what comes in and goes out for campaigns, promotion tiers and stacks."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.api.fields import Body, Choice, Flag, Instant, JsonList, JsonObject, Metadata, Text, Texts, Whole
from vouchers.api import schemas
from vouchers.api.serializers import CodeConfigBody, GiftBody, LoyaltyCardBody, RedemptionBody
from vouchers.models import Campaign, Voucher

COUNT_MOST = 20_000_000
"""Codes of one request; more come with a second one."""
INTEGER_MOST = 2**31 - 1


def _optional(**more: Any) -> dict[str, Any]:
    return {"required": False, "allow_null": True, **more}


class ValidityBody(Body):
    """When something may be redeemed."""

    start_date = Instant(**_optional())
    expiration_date = Instant(**_optional())
    validity_timeframe = JsonObject(**_optional())
    validity_day_of_week = JsonList(most=7, **_optional())
    validity_hours = JsonObject(**_optional())


class TemplateBody(ValidityBody):
    """What the codes of a campaign are like."""

    type = Choice(choices=Voucher.Type.values, **_optional())
    discount = JsonObject(**_optional())
    gift = GiftBody(**_optional())
    loyalty_card = JsonObject(**_optional())
    redemption = RedemptionBody(**_optional())
    code_config = CodeConfigBody(**_optional())
    is_referral_code = Flag(**_optional())
    code = Text(max_length=200, **_optional())


class TierUpdateBody(ValidityBody):
    """`PUT /v1/promotions/tiers/{id}`: what is not sent stays; null clears a limit."""

    name = Text(max_length=500, allow_blank=False, **_optional())
    banner = Text(**_optional())
    action = JsonObject(**_optional())
    metadata = Metadata(**_optional())
    validation_rules = Texts(most=100, **_optional())
    validation_rule_assignments = JsonObject(**_optional())
    active = Flag(**_optional())
    hierarchy = Whole(most=INTEGER_MOST, **_optional())
    category = Text(max_length=500, **_optional())
    category_id = Text(max_length=64, **_optional())


class TierBody(TierUpdateBody):
    """A tier of a promotion; everything but its name may come later."""

    name = Text(max_length=500, allow_blank=False)


class PromotionBody(Body):
    """The tiers of a new promotion."""

    tiers = serializers.ListField(child=TierBody(), max_length=100, **_optional())


class CampaignUpdateBody(ValidityBody):
    """`PUT /v1/campaigns/{id}`: what is not sent stays, null clears, what cannot change is skipped."""

    description = Text(**_optional())
    category = Text(max_length=500, **_optional())
    category_id = Text(max_length=64, **_optional())
    metadata = Metadata(**_optional())
    unset_metadata_fields = Texts(most=1000, **_optional())
    activity_duration_after_publishing = Text(max_length=40, **_optional())
    join_once = Flag(**_optional())
    auto_join = Flag(**_optional())
    type = Choice(choices=["AUTO_UPDATE", "STATIC"], **_optional())
    discount = JsonObject(**_optional())
    gift = GiftBody(**_optional())
    loyalty_card = LoyaltyCardBody(**_optional())
    referral_program = JsonObject(**_optional())
    loyalty_tiers_expiration = JsonObject(**_optional())
    access_settings = JsonObject(**_optional())


class CampaignBody(ValidityBody):
    """`POST /v1/campaigns`"""

    name = Text(max_length=500, allow_blank=False)
    description = Text(**_optional())
    campaign_type = Choice(choices=Campaign.CampaignType.values, **_optional())
    type = Choice(choices=Campaign.Type.values, **_optional())
    join_once = Flag(**_optional())
    auto_join = Flag(**_optional())
    use_voucher_metadata_schema = Flag(**_optional())
    vouchers_count = Whole(most=COUNT_MOST, **_optional())
    activity_duration_after_publishing = Text(max_length=40, **_optional())
    category = Text(max_length=500, **_optional())
    category_id = Text(max_length=64, **_optional())
    metadata = Metadata(**_optional())
    validation_rules = Texts(most=1, **_optional())
    voucher = TemplateBody(**_optional())
    promotion = PromotionBody(**_optional())
    referral_program = JsonObject(**_optional())
    loyalty_tiers_expiration = JsonObject(**_optional())
    access_settings = JsonObject(**_optional())


class AddedBody(Body):
    """What new codes of a campaign have of their own; the rest is its template's."""

    code = Text(max_length=200, **_optional())
    code_config = CodeConfigBody(**_optional())
    category = Text(max_length=500, **_optional())
    category_id = Text(max_length=64, **_optional())
    metadata = Metadata(**_optional())
    redemption = RedemptionBody(**_optional())
    additional_info = Text(**_optional())
    start_date = Instant(**_optional())
    expiration_date = Instant(**_optional())


class ImportedGiftBody(Body):
    amount = Whole(**_optional())


class ImportedBody(ValidityBody):
    """One code of an import."""

    code = Text(max_length=200, **_optional())
    redemption = RedemptionBody(**_optional())
    active = Flag(**_optional())
    metadata = Metadata(**_optional())
    category = Text(max_length=500, **_optional())
    additional_info = Text(**_optional())
    gift = ImportedGiftBody(**_optional())
    loyalty_card = LoyaltyCardBody(**_optional())
    discount = JsonObject(**_optional())


class StackTiersBody(Body):
    """Tiers by id, in the order in which they are applied."""

    ids = Texts(most=1000)
    hierarchy_mode = Choice(choices=["MANUAL"], **_optional())


class StackUpdateBody(Body):
    name = Text(max_length=500, allow_blank=False, **_optional())
    tiers = StackTiersBody(**_optional())
    category = Text(max_length=500, **_optional())
    category_id = Text(max_length=64, **_optional())


class StackBody(StackUpdateBody):
    name = Text(max_length=500, allow_blank=False)
    tiers = StackTiersBody()


class EmptyShape(schemas.Shape):
    """`{}`"""


class LimitsShape(schemas.Shape):
    start_date = serializers.DateTimeField(**schemas.MAYBE)
    expiration_date = serializers.DateTimeField(**schemas.MAYBE)
    validity_timeframe = serializers.DictField(**schemas.MAYBE)
    validity_day_of_week = serializers.ListField(child=serializers.IntegerField(), **schemas.MAYBE)
    validity_hours = serializers.DictField(**schemas.MAYBE)


class TierShape(LimitsShape):
    """A promotion tier."""

    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**schemas.MAYBE)
    name = serializers.CharField()
    banner = serializers.CharField(**schemas.MAYBE)
    action = serializers.DictField(**schemas.MAYBE)
    metadata = serializers.DictField()
    hierarchy = serializers.IntegerField()
    promotion_id = serializers.CharField()
    campaign = serializers.DictField()
    campaign_id = serializers.CharField()
    active = serializers.BooleanField()
    summary = serializers.DictField()
    object = serializers.ChoiceField(choices=["promotion_tier"])
    validation_rule_assignments = schemas.AssignmentsShape(**schemas.MAYBE)
    category_id = serializers.CharField(**schemas.NULL)
    categories = schemas.CategoryShape(many=True)


class TiersShape(schemas.Shape):
    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["tiers"])
    tiers = TierShape(many=True)
    total = schemas.Count()
    has_more = serializers.BooleanField(**schemas.MAYBE)


class StackShape(schemas.Shape):
    """Tiers that are redeemed together."""

    id = serializers.CharField()
    name = serializers.CharField()
    tiers = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**schemas.MAYBE)
    campaign_id = serializers.CharField()
    object = serializers.ChoiceField(choices=["promotion_stack"])
    category_id = serializers.CharField(**schemas.NULL)
    categories = schemas.CategoryShape(many=True)


class StacksShape(schemas.Shape):
    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = StackShape(many=True)  # type: ignore[assignment]
    total = schemas.Count()


class CampaignShape(LimitsShape):
    """A campaign; what is unset is absent."""

    id = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(**schemas.MAYBE)
    campaign_type = serializers.ChoiceField(choices=Campaign.CampaignType.values)
    type = serializers.ChoiceField(choices=Campaign.Type.values)
    voucher = serializers.DictField(**schemas.MAYBE)
    auto_join = serializers.BooleanField()
    join_once = serializers.BooleanField()
    use_voucher_metadata_schema = serializers.BooleanField()
    activity_duration_after_publishing = serializers.CharField(**schemas.MAYBE)
    vouchers_count = schemas.Count(**schemas.MAYBE)
    active = serializers.BooleanField()
    metadata = serializers.DictField(**schemas.MAYBE)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(**schemas.MAYBE)
    category = serializers.CharField(**schemas.MAYBE)
    creation_status = serializers.CharField()
    vouchers_generation_status = serializers.CharField()
    protected = serializers.BooleanField()
    category_id = serializers.CharField(**schemas.NULL)
    categories = schemas.CategoryShape(many=True)
    object = serializers.ChoiceField(choices=["campaign"])
    validation_rules_assignments = schemas.AssignmentsShape(**schemas.MAYBE)
    promotion = TiersShape(**schemas.MAYBE)


class SummaryShape(schemas.Shape):
    """A campaign in numbers; which there are depends on its kind."""

    object = serializers.ChoiceField(choices=["campaign_summary"])
    campaign = CampaignShape()
    redemptions = schemas.Count()
    redemptions_succeeded = schemas.Count()
    redemptions_failed = schemas.Count()


class TransactionShape(schemas.Shape):
    """A line of a ledger."""

    id = serializers.CharField()
    source_id = serializers.CharField(**schemas.NULL)
    voucher_id = serializers.CharField()
    campaign_id = serializers.CharField(**schemas.NULL)
    source = serializers.CharField(**schemas.NULL)  # type: ignore[assignment]
    reason = serializers.CharField(**schemas.NULL)
    type = serializers.CharField()
    details = serializers.DictField()
    related_transaction_id = serializers.CharField(**schemas.NULL)
    created_at = serializers.DateTimeField()


class TransactionsShape(schemas.Shape):
    object = serializers.ChoiceField(choices=["list"])
    data_ref = serializers.ChoiceField(choices=["data"])
    data = TransactionShape(many=True)  # type: ignore[assignment]
    total = schemas.Count(**schemas.MAYBE)
    has_more = serializers.BooleanField(**schemas.MAYBE)
    more_starting_after = serializers.CharField(**schemas.MAYBE)
