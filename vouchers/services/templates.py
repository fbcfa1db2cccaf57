"""The template of a campaign's codes: checked when it is stored, and what a code takes from it.

Source: campaigns and promotions, sections 1 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from config.kernel.amounts import GREATEST
from config.kernel.errors import InvalidPayload
from config.kernel.instants import parse_instant, to_wire
from config.project.models import Project
from vouchers.engine import codes, offers
from vouchers.engine.codes import CodeConfigError
from vouchers.engine.offers import OfferError
from vouchers.errors import InvalidCampaign, InvalidCodeConfig, InvalidGift, InvalidVoucher
from vouchers.models import Campaign, Voucher

Kind = Campaign.CampaignType
TERM: Final = {
    Voucher.Type.DISCOUNT: "discount",
    Voucher.Type.GIFT: "gift",
    Voucher.Type.LOYALTY: "loyalty_card",
}
"""The property that a kind of voucher is described by."""
KINDS: Final[Mapping[str, tuple[Voucher.Type, ...]]] = {
    Kind.DISCOUNT_COUPONS: (Voucher.Type.DISCOUNT,),
    Kind.GIFT_VOUCHERS: (Voucher.Type.GIFT,),
    Kind.LOYALTY_PROGRAM: (Voucher.Type.LOYALTY,),
    Kind.REFERRAL_PROGRAM: (Voucher.Type.DISCOUNT, Voucher.Type.GIFT, Voucher.Type.LOYALTY),
}
DERIVED: Final = {
    Voucher.Type.DISCOUNT: Kind.DISCOUNT_COUPONS,
    Voucher.Type.GIFT: Kind.GIFT_VOUCHERS,
    Voucher.Type.LOYALTY: Kind.LOYALTY_PROGRAM,
}
DATES: Final = ("start_date", "expiration_date")
RECURRING: Final = ("validity_timeframe", "validity_day_of_week", "validity_hours")


def campaign_type_of(data: Mapping[str, Any]) -> str:
    """The type that was sent, else the one that `voucher.type` implies. Raises InvalidPayload."""
    if data.get("campaign_type"):
        return str(data["campaign_type"])
    template = data.get("voucher") or {}
    kind = template.get("type") or next((kind for kind, term in TERM.items() if template.get(term)), None)
    if kind is None:
        raise InvalidPayload("Payload should have required property 'campaign_type'")
    return DERIVED[Voucher.Type(kind)]


def checked(project: Project, campaign_type: str, sent: Mapping[str, Any] | None) -> dict[str, Any]:
    """The template as it is stored and answered. Raises InvalidCampaign, InvalidVoucher, InvalidGift, …"""
    if not sent:
        raise InvalidCampaign(f"Property 'voucher' is required for {campaign_type} campaign")
    kind = _kind_of(campaign_type, sent)
    template: dict[str, Any] = {"type": kind, TERM[kind]: checked_term(kind, sent[TERM[kind]])}
    template["redemption"] = {"quantity": (sent.get("redemption") or {}).get("quantity")}
    template["code_config"] = config_of(sent.get("code_config") or project.default_code_config).to_wire()
    template["is_referral_code"] = campaign_type == Kind.REFERRAL_PROGRAM
    given = {name: sent[name] for name in (*DATES, *RECURRING) if sent.get(name) is not None}
    check_validity(given)
    template |= {name: to_wire(value) if isinstance(value, datetime) else value for name, value in given.items()}
    return template


def checked_term(kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """A discount, gift or loyalty card as it is stored. Raises InvalidVoucher or InvalidGift."""
    try:
        if kind == Voucher.Type.DISCOUNT:
            return offers.check_discount(value)
        if kind == Voucher.Type.GIFT:
            offers.check_gift_effect(value.get("effect"))
    except OfferError as error:
        raise (InvalidGift if kind == Voucher.Type.GIFT else InvalidVoucher)(str(error)) from error
    name = "amount" if kind == Voucher.Type.GIFT else "points"
    if value.get(name) is None:
        raise InvalidGift(f"Property .voucher.{TERM[Voucher.Type(kind)]} should have required property '{name}'")
    if isinstance(value[name], bool) or not isinstance(value[name], int) or not 0 <= value[name] <= GREATEST:
        raise InvalidGift(f"Property .voucher.{TERM[Voucher.Type(kind)]}.{name} should be integer, 0 or more")
    return {key: part for key, part in value.items() if part is not None}


def check_validity(terms: Mapping[str, Any]) -> None:
    """Raise InvalidPayload where dates and recurring limits do not fit together."""
    try:
        offers.check_validity(terms)
    except OfferError as error:
        raise InvalidPayload(str(error)) from error


def config_of(sent: Mapping[str, Any] | None) -> codes.CodeConfig:
    """How codes are made. Raises InvalidCodeConfig."""
    try:
        return codes.parse_config(sent)
    except CodeConfigError as error:
        raise InvalidCodeConfig(str(error)) from error


def inherited(campaign: Campaign | None) -> dict[str, Any]:
    """What a new code takes from its campaign, as `issuing.create` reads it; {} for none."""
    template = {} if campaign is None else campaign.voucher or {}
    taken = {key: value for key, value in template.items() if value is not None}
    return taken | {name: parse_instant(taken[name]) for name in DATES if isinstance(taken.get(name), str)}


def require_kind(campaign_type: str, kind: Voucher.Type) -> None:
    """Raise InvalidCampaign where codes of such a campaign are of other kinds."""
    if kind not in KINDS[campaign_type]:
        raise InvalidCampaign(f"Voucher type {kind} is not allowed for {campaign_type} campaign")


def _kind_of(campaign_type: str, sent: Mapping[str, Any]) -> Voucher.Type:
    allowed = KINDS[campaign_type]
    named = sent.get("type")
    kind = Voucher.Type(named) if named else next((kind for kind in allowed if sent.get(TERM[kind])), allowed[0])
    require_kind(campaign_type, kind)
    if not sent.get(TERM[kind]):
        raise InvalidCampaign(f"Property '{TERM[kind]}' is required for {campaign_type} campaign")
    return kind
