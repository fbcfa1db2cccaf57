"""What happens to vouchers, for webhooks and their holders' timelines. Source: webhooks §4, customers.md §14."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from config.kernel.causes import Cause
from config.project.models import Project
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from customers.rendering import render_simple
from tracking.services import events
from vouchers.models import Campaign, Voucher, VoucherTransaction
from vouchers.rendering.transactions import render_balance, render_transaction
from vouchers.rendering.vouchers import render_voucher


def told(project: Project, what: str, voucher: Voucher, at: datetime, cause: Cause) -> None:
    """Tell webhooks of `voucher.<what>`; inside the transaction of the change, with the voucher as it is then."""
    type = f"voucher.{what}"
    outbox.record(project, lambda: _happening(type, voucher, data_of(voucher), at, cause), type=type)


def deleted(project: Project, voucher: Voucher, at: datetime, cause: Cause) -> None:
    """The voucher goes: webhooks are told, and its holder's timeline keeps it."""
    told(project, "deleted", voucher, at, cause)
    if voucher.holder is not None:
        data = {"customer": render_simple(voucher.holder), **data_of(voucher)}
        _on_timeline(project, "customer.voucher.deleted", voucher, data, at, cause)


def balance_moved(project: Project, row: VoucherTransaction, at: datetime, cause: Cause) -> None:
    """Credits were added or taken by hand. row: its voucher as it is after it."""
    voucher = row.voucher
    about = {**data_of(voucher), "balance": render_balance(row), "transaction": render_transaction(row)}
    for type, more in (
        ("voucher.gift.balance_added", {}),
        (
            "voucher.gift.transaction.created",
            {
                "holder": None if voucher.holder is None else render_simple(voucher.holder),
                **{"order": None, "redemption": None, "rollback": None},
            },
        ),
    ):
        if type.endswith("created") or row.amount > 0:
            outbox.record(project, _happening(type, voucher, {**about, **more}, at, cause))
    if voucher.holder is not None and row.amount > 0:
        data = {"customer": render_simple(voucher.holder), **about}
        _on_timeline(project, "customer.voucher.gift.balance_added", voucher, data, at, cause)


def data_of(voucher: Voucher) -> dict[str, Any]:
    """The keys that all of these share."""
    return {"voucher": render_voucher(voucher), "campaign": campaign_of(voucher.campaign)}


def campaign_of(campaign: Campaign | None) -> dict[str, Any] | None:
    """The campaign as it stands beside what is told."""
    if campaign is None:
        return None
    return {
        "id": campaign.public_id,
        "name": campaign.name,
        "campaign_type": campaign.campaign_type,
        "type": campaign.type,
        "object": "campaign",
    }


def _happening(type: str, voucher: Voucher, data: Mapping[str, Any], at: datetime, cause: Cause) -> Happening:
    return Happening(
        type=type,
        at=at,
        data=data,
        entity_id=voucher.public_id,
        group_id=cause.group_id,
        source=cause.source,
        customer_id=voucher.holder_id,
    )


def _on_timeline(
    project: Project, type: str, voucher: Voucher, data: Mapping[str, Any], at: datetime, cause: Cause
) -> None:
    campaign = voucher.campaign
    events.record(
        project=project,
        type=type,
        at=at,
        data=data,
        customer=voucher.holder,
        category="EFFECT",
        group_id=cause.group_id,
        source=cause.source,
        campaign=None if campaign is None else (campaign.pk, campaign.campaign_type),
    )
