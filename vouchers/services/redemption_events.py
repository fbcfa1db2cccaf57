"""Redemptions and rollbacks, for webhooks. Source: webhooks and events, section 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from config.kernel.instants import to_wire
from config.project import statements
from config.project.models import Project
from config.project.statements import Part
from config.webhooks import outbox
from config.webhooks.envelope import Happening
from customers.rendering import render_customer, render_simple
from vouchers.models import Redemption
from vouchers.rendering.redemptions import render_entry, render_redeemed_tier
from vouchers.rendering.vouchers import render_simple_voucher, render_voucher


def part(
    project: Project, rows: Sequence[Redemption], source: Mapping[str, Any], before: Sequence[Happening] = ()
) -> Part | None:
    """The deliveries as a part of one larger statement; None where nobody asked, and then nothing is rendered.

    before: what happened to the order.
    """
    told = outbox.rows_of(project, [*before, *_happenings(project, rows, source)])
    return statements.insert(told) if told else None


def told(project: Project, rows: Sequence[Redemption], source: Mapping[str, Any]) -> None:
    """The same as a statement of its own, in the caller's transaction."""
    outbox.record_many(project, _happenings(project, rows, source))


def _happenings(project: Project, rows: Sequence[Redemption], source: Mapping[str, Any]) -> list[Happening]:
    return [_happening(row, source) for row in rows if outbox.is_wanted(project, _type(row))]


def _type(row: Redemption) -> str:
    rollback = ".rollback" if row.kind == Redemption.Kind.ROLLBACK else ""
    return f"redemption{rollback}.{'succeeded' if row.result == Redemption.Result.SUCCESS else 'failed'}"


def _happening(row: Redemption, source: Mapping[str, Any]) -> Happening:
    return Happening(
        type=_type(row),
        at=row.created_at,
        data=_data(row),
        entity_id=row.public_id,
        group_id=row.request_id,
        source=source,
        customer_id=row.customer_id,
    )


def _data(row: Redemption) -> dict[str, Any]:
    """What does not apply is null. A rollback stands beside the redemption that it undid."""
    voucher, campaign = row.voucher, row.campaign
    shown = None if voucher is None else render_simple_voucher(voucher)
    entry = render_entry(row, shown)
    data: dict[str, Any] = {
        "campaign": None
        if campaign is None
        else {"id": campaign.public_id, "name": campaign.name, "object": "campaign"},
        "customer": None if row.customer is None else render_customer(row.customer),
        "holder": None if voucher is None or voucher.holder is None else render_simple(voucher.holder),
        "order": row.order_snapshot,
        "promotion_stack": None,
        "promotion_tier": None if row.promotion_tier is None else render_redeemed_tier(row.promotion_tier),
        "redemption": entry,
        "voucher": None if voucher is None else render_voucher(voucher),
    }
    if row.kind == Redemption.Kind.ROLLBACK:
        undone = row.rolls_back
        original = None if undone is None else {"id": undone.public_id, "object": "redemption", "result": undone.result}
        return data | {"redemption": original, "redemption_rollback": entry}
    return data | {"created_at": to_wire(row.created_at)}
