"""What happens to vouchers, for webhooks and their holders' timelines. Source: webhooks §4, customers.md §14."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from config.kernel.causes import Cause
from config.project.models import Project
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from customers.models import Customer
from customers.rendering import render_simple
from tracking.services import events
from tracking.services.events import NewEvent
from vouchers.models import Campaign, Publication, Redemption, Voucher, VoucherTransaction
from vouchers.rendering.held import render_held
from vouchers.rendering.transactions import render_balance, render_transaction
from vouchers.rendering.vouchers import render_simple_voucher, render_voucher


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
        data = _holding(voucher, voucher.holder, at)
        _on_timeline(project, "customer.holder.assignment.deleted", voucher, data, at, cause)


def assigned(project: Project, vouchers: Sequence[Voucher], publication: Publication, cause: Cause) -> None:
    """The vouchers have a holder from now on: the customer of their publication."""
    customer, campaign, at = publication.customer, publication.campaign, publication.created_at
    if customer is None:
        return
    new = [
        NewEvent(
            type="customer.holder.assignment.created",
            at=at,
            data=_holding(voucher, customer, at, publication.public_id),
            customer_id=customer.pk,
            category="EFFECT",
            group_id=cause.group_id,
            source=cause.source,
            campaign_id=None if campaign is None else campaign.pk,
            campaign_type="" if campaign is None else campaign.campaign_type,
        )
        for voucher in vouchers
    ]
    events.record_many(project=project, events=new)


def _holding(voucher: Voucher, holder: Customer, at: datetime, publication: str | None = None) -> dict[str, Any]:
    """publication: by which the customer got it, where that is at hand."""
    held = {name: value for name, value in render_held(voucher, holder, at).items() if name != "redeemable"}
    return {
        "holder": held | {"publication_id": publication, "object": "redeemable_holder"},
        "voucher": render_simple_voucher(voucher),
        "campaign": campaign_of(voucher.campaign),
        "customer": render_simple(holder),
    }


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


def spent(
    project: Project, rows: Sequence[VoucherTransaction], cause: Cause, rollback: Redemption | None = None
) -> None:
    """A redemption took credits of gift cards, or its rollback gave them back. rows: each with voucher and order."""
    type = "voucher.gift.transaction.created"
    for row in rows if outbox.is_wanted(project, type) else ():
        voucher, order, redemption = row.voucher, row.order, row.redemption
        data = {
            **data_of(voucher),
            "balance": render_balance(row),
            "transaction": render_transaction(row),
            "holder": None if voucher.holder is None else render_simple(voucher.holder),
            "order": None
            if order is None
            else {"id": order.public_id, "source_id": order.source_id, "object": "order"},
            "redemption": None if redemption is None else {"id": redemption.public_id, "object": "redemption"},
            "rollback": None if rollback is None else {"id": rollback.public_id, "object": "redemption_rollback"},
        }
        outbox.record(project, _happening(type, voucher, data, row.created_at, cause))


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
