"""Publications as the wire shows them. Source: campaigns and promotions, sections 7 and 13."""

from __future__ import annotations

from typing import Any

from config.kernel.instants import to_wire
from customers.payloads import UNSET, CustomerData
from customers.rendering import render_simple
from vouchers.models import Publication, Voucher
from vouchers.rendering.vouchers import render_gift, render_voucher


def render_publication(publication: Publication, *, in_full: bool) -> dict[str, Any]:
    """in_full: as its creation answers it, with the whole voucher; else as lists do. Absent: what there is none of."""
    customer = publication.customer
    wire: dict[str, Any] = {
        "id": publication.public_id,
        "object": "publication",
        "created_at": to_wire(publication.created_at),
    }
    if customer is not None:
        wire["customer_id"] = customer.public_id
    if publication.tracking_id:
        wire["tracking_id"] = publication.tracking_id
    wire |= {
        "metadata": publication.metadata,
        "channel": publication.channel,
        "source_id": publication.source_id,
        "result": publication.result,
    }
    if customer is not None:
        wire["customer"] = render_simple(customer)
    if publication.result == Publication.Result.FAILURE:
        return wire | {"failure_code": publication.failure_code, "failure_message": publication.failure_message}
    wire["vouchers_id"] = publication.voucher_ids
    voucher = publication.voucher
    if len(publication.codes) > 1 or not in_full:
        wire["vouchers"] = publication.codes
    if voucher is not None:
        wire["voucher"] = render_voucher(voucher) if in_full else _short(voucher)
    return wire


def for_browser(wire: dict[str, Any], sent: CustomerData) -> dict[str, Any]:
    """The answer without what is stored of the person: only ids, and what the request itself said."""

    def said(value: Any) -> Any:
        return None if value is UNSET else value

    customer = wire.get("customer")
    if customer is None:
        return wire
    shown = {**customer, "name": said(sent.name), "email": said(sent.email), "metadata": said(sent.metadata) or {}}
    return wire | {"customer": shown}


def _short(voucher: Voucher) -> dict[str, Any]:
    wire: dict[str, Any] = {"code": voucher.code, "campaign": voucher.campaign.name if voucher.campaign else None}
    if voucher.type == Voucher.Type.GIFT:
        wire["gift"] = render_gift(voucher)
    elif voucher.type == Voucher.Type.LOYALTY:
        wire["loyalty_card"] = voucher.loyalty_card
    else:
        wire["discount"] = voucher.discount
    return wire | {"is_referral_code": voucher.is_referral_code, "object": "voucher"}
