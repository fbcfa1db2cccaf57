"""The shape of what comes in for vouchers and rules. What it means is decided by the services."""

from __future__ import annotations

from typing import Any

from config.api.fields import LARGEST, Body, Choice, Flag, Instant, JsonList, JsonObject, Metadata, Text, Texts, Whole
from vouchers.models import Voucher

QUANTITY_MOST = 2**31 - 1

_ITEM_EFFECTS = (
    *("apply_to_order", "apply_to_items", "apply_to_items_proportionally"),
    *("apply_to_items_proportionally_by_quantity", "apply_to_items_by_quantity"),
    *("fixed.apply_to_items", "percent.apply_to_items"),
)
_WITH_DISCOUNTS = (
    *("campaign.discount_coupons", "campaign.referral_program", "campaign.promotion", "voucher.discount_voucher"),
)
_WITH_GIFTS = ("campaign.gift_vouchers", "voucher.gift_voucher")
CONTEXT_TYPES = [
    "global",
    *_WITH_DISCOUNTS,
    *(f"{context}.discount.{effect}" for context in _WITH_DISCOUNTS for effect in _ITEM_EFFECTS),
    *_WITH_GIFTS,
    *(f"{context}.gift.apply_to_{what}" for context in _WITH_GIFTS for what in ("order", "items")),
    *("campaign.loyalty_program", "voucher.loyalty_card", "reward_assignment.pay_with_points"),
    *("earning_rule.order.paid", "earning_rule.custom_event", "earning_rule.customer.segment.entered"),
    *(f"earning_rule.customer.tier.{change}" for change in ("joined", "left", "upgraded", "downgraded", "prolonged")),
    *("distribution.custom_event", *(f"distribution.order.{s}" for s in ("paid", "created", "canceled", "updated"))),
]
"""Where a rule is meant to be used; it says so to people and changes nothing."""


ASSIGNABLE = ["voucher", "promotion_tier", "campaign", "earning_rule", "distribution", "reward_assignment"]
"""What the contract lets rules be assigned to; the last three do not exist yet, so none is ever found."""


def _optional(**more: Any) -> dict[str, Any]:
    return {"required": False, "allow_null": True, **more}


class GiftBody(Body):
    """Credits of a gift card."""

    amount = Whole()
    effect = Choice(choices=["APPLY_TO_ORDER", "APPLY_TO_ITEMS"], **_optional())


class LoyaltyCardBody(Body):
    """Points of a loyalty card."""

    points = Whole(most=QUANTITY_MOST)


class RedemptionBody(Body):
    """How often a code may be redeemed; null: without a limit."""

    quantity = Whole(least=0, most=QUANTITY_MOST, **_optional())


class CodeConfigBody(Body):
    """How a code is made; `pattern` wins over `length`."""

    length = Whole(least=1, most=200, **_optional())
    charset = Text(max_length=200, **_optional())
    prefix = Text(max_length=200, **_optional())
    postfix = Text(max_length=200, **_optional())
    pattern = Text(max_length=200, **_optional())


class VoucherTermsBody(Body):
    """What create and update share."""

    type = Choice(choices=Voucher.Type.values, **_optional())
    discount = JsonObject(**_optional())
    gift = GiftBody(**_optional())
    category = Text(max_length=500, **_optional())
    category_id = Text(max_length=64, **_optional())
    start_date = Instant(**_optional())
    expiration_date = Instant(**_optional())
    validity_timeframe = JsonObject(**_optional())
    validity_day_of_week = JsonList(most=7, **_optional())
    validity_hours = JsonObject(**_optional())
    active = Flag(**_optional())
    additional_info = Text(**_optional())
    metadata = Metadata(**_optional())


class VoucherCreateBody(VoucherTermsBody):
    """`POST /v1/vouchers` and `POST /v1/vouchers/{code}`."""

    code = Text(max_length=200, **_optional())
    code_config = CodeConfigBody(**_optional())
    loyalty_card = LoyaltyCardBody(**_optional())
    campaign = Text(max_length=500, **_optional())
    campaign_id = Text(max_length=64, **_optional())
    redemption = RedemptionBody(**_optional())
    validation_rules = Texts(most=100, **_optional())


class VoucherUpdateBody(VoucherTermsBody):
    """`PUT /v1/vouchers/{code}`: what is not sent stays; null clears; what cannot change is skipped."""


class VoucherImportItem(VoucherTermsBody):
    """One code of `POST /v1/vouchers/import`."""

    code = Text(max_length=200, allow_blank=False)
    loyalty_card = LoyaltyCardBody(**_optional())
    redemption = RedemptionBody(**_optional())


class VoucherMetadataItem(Body):
    """One code of `POST /v1/vouchers/bulk/async`."""

    code = Text(max_length=200, allow_blank=False)
    metadata = Metadata()


class CodesMetadataBody(Body):
    """`POST /v1/vouchers/metadata/async`: the same for each."""

    codes = Texts(most=100_000)
    metadata = Metadata()


class CodesBody(Body):
    """`POST /v1/vouchers/enable` and `/disable`, as older clients call them."""

    vouchers = Texts(most=1_000)


class BalanceBody(Body):
    """Credits to add, or with a minus to take."""

    amount = Whole(least=-LARGEST)
    source_id = Text(max_length=500, **_optional())
    reason = Text(max_length=2_000, **_optional())


class RuleErrorBody(Body):
    """The marketer's own words for a refusal."""

    message = Text(max_length=2000, **_optional())


class ApplicableToBody(Body):
    """Which order lines an item-level discount touches."""

    included = JsonList(**_optional())
    excluded = JsonList(**_optional())
    included_all = Flag(**_optional())


class RuleUpdateBody(Body):
    """`PUT /v1/validation-rules/{id}`: all optional, `rules` as a whole."""

    name = Text(max_length=500, allow_blank=False, **_optional())
    rules = JsonObject(**_optional())
    bundle_rules = JsonObject(**_optional())
    error = RuleErrorBody(**_optional())
    applicable_to = ApplicableToBody(**_optional())
    type = Choice(choices=["expression", "basic", "advanced", "complex"], **_optional())
    context_type = Choice(choices=CONTEXT_TYPES, **_optional())


class RuleCreateBody(RuleUpdateBody):
    """`POST /v1/validation-rules`."""

    name = Text(max_length=500, allow_blank=False)


class AssignmentCreateBody(Body):
    """`POST /v1/validation-rules/{id}/assignments`."""

    related_object_type = Choice(choices=ASSIGNABLE, **_optional())
    related_object_id = Text(max_length=500, allow_blank=False)
