"""What exports of vouchers and redemptions may hold. Source: imports-exports-async.md §2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet, TextField

from config.exports.columns import Column, boolean, computed, instant, json, plain, text
from config.exports.kinds import ExportKind
from config.filters.sql import Param, Sql
from config.project.models import Project
from vouchers import fields
from vouchers.models import Redemption, Voucher

TEXT: Final = TextField()
_MAJOR: Final = "to_char(({})::numeric / 100, 'FM999999999999999990.00')"
"""Minor units as an amount with two decimals: the wire prints a voucher's value so."""


def _sql(name: str, template: str, *parts: str, free_text: bool = False) -> Column:
    return computed(name, lambda: Sql(template, *parts, output_field=TEXT), free_text=free_text)


def _address(kind: str) -> Sql:
    """Where the picture of a code is; complete where PUBLIC_URL is set."""
    return Sql("({} || {})", Param(f"{settings.PUBLIC_URL}/v1/assets/{kind}/", "text"), "asset_id", output_field=TEXT)


VALUE: Final = (
    "(CASE {} WHEN 'GIFT_VOUCHER' THEN " + _MAJOR.replace("{}", "{} - {} - {}") + " WHEN 'DISCOUNT_VOUCHER' THEN "
    "(CASE {} ->> 'type' WHEN 'AMOUNT' THEN " + _MAJOR.replace("{}", "{} ->> 'amount_off'") + " WHEN 'FIXED' THEN "
    + _MAJOR.replace("{}", "{} ->> 'fixed_amount'") + " WHEN 'PERCENT' THEN {} ->> 'percent_off'"
    " ELSE {} ->> 'unit_off' END) END)"
)  # fmt: skip
FORMULA: Final = (
    "COALESCE({} ->> 'amount_off_formula', {} ->> 'percent_off_formula', {} ->> 'fixed_amount_formula',"
    " {} ->> 'unit_off_formula')"
)
RULE_IDS: Final = (
    "(SELECT string_agg(rule.public_id, ',' ORDER BY assigned.id) FROM vouchers_ruleassignment AS assigned"
    " JOIN vouchers_validationrule AS rule ON rule.id = assigned.rule_id WHERE assigned.voucher_id = {})"
)

VOUCHER_COLUMNS: Final[tuple[Column, ...]] = (
    text("code"),
    plain("voucher_type", "type"),
    _sql(
        *("value", VALUE, "type", "gift_amount", "gift_subtracted_amount", "redeemed_amount"),
        *("discount", "discount", "discount", "discount", "discount"),
    ),
    _sql("formula", FORMULA, *(["discount"] * 4), free_text=True),
    _sql("discount_type", "({} ->> 'type')", "discount"),
    text("campaign", "campaign__name"),
    _sql("category", "COALESCE({}, {})", "category__name", "category_tag", free_text=True),
    instant("start_date"),
    instant("expiration_date"),
    _sql(
        *("gift_balance", "(CASE WHEN {} = 'GIFT_VOUCHER' THEN ({} - {} - {})::text END)"),
        *("type", "gift_amount", "gift_subtracted_amount", "redeemed_amount"),
    ),
    _sql("loyalty_balance", "({} ->> 'balance')", "loyalty_card"),
    plain("redemption_quantity", "quantity"),
    plain("redemption_count", "redeemed_quantity"),
    boolean("active"),
    computed("qr_code", lambda: _address("qr")),
    computed("bar_code", lambda: _address("barcode")),
    plain("id", "public_id"),
    boolean("is_referral_code"),
    instant("created_at"),
    instant("updated_at"),
    _sql("validity_timeframe_interval", "({} ->> 'interval')", "validity_timeframe"),
    _sql("validity_timeframe_duration", "({} ->> 'duration')", "validity_timeframe"),
    json("validity_day_of_week"),
    _sql("discount_amount_limit", "({} ->> 'amount_limit')", "discount"),
    plain("campaign_id", "campaign__public_id"),
    text("additional_info"),
    plain("customer_id", "holder__public_id"),
    _sql("discount_effect", "({} ->> 'effect')", "discount"),
    _sql("discount_unit_type", "({} ->> 'unit_type')", "discount", free_text=True),
    _sql("discount_unit_effect", "({} ->> 'effect')", "discount"),
    _sql("validation_rules_id", RULE_IDS, "id"),
    text("customer_source_id", "holder__source_id"),
)
REDEMPTION_COLUMNS: Final[tuple[Column, ...]] = (
    plain("id", "public_id"),
    plain("object", "kind"),
    instant("date", "created_at"),
    text("voucher_code", "code"),
    text("campaign", "campaign__name"),
    _sql(
        "promotion_tier_id", "(CASE WHEN {} = 'promotion_tier' THEN {} END)", "related_object_type", "related_object_id"
    ),
    plain("customer_id", "customer__public_id"),
    text("customer_source_id", "customer__source_id"),
    text("customer_name", "customer__name"),
    text("tracking_id", "token"),
    plain("order_id", "order__public_id"),
    plain("order_amount"),
    _sql("gift_amount", "(CASE WHEN {} = 'GIFT_VOUCHER' THEN {} END)", "voucher__type", "amount"),
    _sql("loyalty_points", "(CASE WHEN {} = 'LOYALTY_CARD' THEN {} END)", "voucher__type", "amount"),
    plain("result"),
    plain("failure_code"),
    text("failure_message"),
)


def _vouchers(project: Project) -> QuerySet[Any]:
    return Voucher.objects.of(project).alive()


def _redemptions(project: Project) -> QuerySet[Any]:
    return Redemption.objects.of(project)


def _filter_vouchers(project: Project, filters: Mapping[str, Any], at: datetime) -> Q:
    return fields.condition(fields.VOUCHERS, project, filters, at, path=".parameters.filters")


def _filter_redemptions(project: Project, filters: Mapping[str, Any], at: datetime) -> Q:
    return fields.condition(fields.REDEMPTIONS, project, filters, at, path=".parameters.filters")


VOUCHER: Final = ExportKind(
    name="voucher",
    columns={column.name: column for column in VOUCHER_COLUMNS},
    default_fields=("code", "voucher_type", "value", "discount_type"),
    rows=_vouchers,
    orders={"created_at": "created_at", "updated_at": "updated_at", "code": "code"},
    default_order="-created_at",
    keyset=frozenset({"created_at", "code"}),
    filter_q=_filter_vouchers,
)
REDEMPTION: Final = ExportKind(
    name="redemption",
    columns={column.name: column for column in REDEMPTION_COLUMNS},
    default_fields=("id", "object", "voucher_code", "customer_id", "date", "result"),
    rows=_redemptions,
    orders={
        **{"id": "public_id", "voucher_code": "code", "tracking_id": "token"},
        **{"customer_id": "customer__public_id", "created_at": "created_at"},
    },
    default_order="-created_at",
    keyset=frozenset({"created_at", "id"}),
    filter_q=_filter_redemptions,
)
