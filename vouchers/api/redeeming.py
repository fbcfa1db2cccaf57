"""What the redemption calls share: from the request to the service, and back to one of the two answers."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from config.api import request_id, tracking_cookie
from config.api.authentication import Access, access_of
from config.kernel import instants
from vouchers.models import PromotionTier, RuleAssignment
from vouchers.payloads import RedeemRequest, parse_legacy
from vouchers.rendering import render_redeemed, render_single
from vouchers.services import redemptions
from vouchers.services.channels import Channel
from vouchers.services.redemptions import Redeemed


def channel_of(access: Access) -> Channel:
    """Who calls, as redemptions and events note it."""
    return Channel("API", access.key.app_id, access.group_id, access.event_source())


def redeem(request: Request, asked: RedeemRequest) -> Redeemed:
    """Redeem now, in the project of the key."""
    access = access_of(request)
    return redemptions.redeem(
        project=access.project,
        request=asked,
        at=instants.now(),
        channel=channel_of(access),
        protect_customer=access.is_client and access.project.client_protects_customers,
    )


def redeem_stackable(request: Request, asked: RedeemRequest) -> dict[str, Any]:
    """Redeem what a stackable body names."""
    redeemed = redeem(request, asked)
    keys = {row.promotion_tier_id for row in redeemed.redemptions if row.promotion_tier_id is not None}
    tiers = {}
    if keys and "redeemable" in (asked.expand or ()):
        tiers = PromotionTier.objects.of(access_of(request).project).for_wire().in_bulk(keys)
    return render_redeemed(redeemed, request_id.current(), tiers)


def legacy_request(request: Request, code: str) -> RedeemRequest:
    """What an older redemption call asks: a code, a body that may be empty, a tracking id beside it."""
    return parse_legacy(
        code,
        request.data,
        tracking_id=request.query_params.get("tracking_id"),
        cookie=tracking_cookie.read(request),
    )


def redeem_one(request: Request, asked: RedeemRequest) -> dict[str, Any]:
    """Redeem one code; its voucher is answered in full."""
    redeemed = redeem(request, asked)
    voucher = redeemed.redemptions[0].voucher
    assignments = [] if voucher is None else list(RuleAssignment.objects.all().applying_to(voucher))
    return render_single(redeemed, assignments)
