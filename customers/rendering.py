"""A customer as the wire shows it. Source: customers.md sections 2 to 4, with its rules of presence."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from config.kernel.instants import to_wire
from customers.models import Customer, Erasure
from customers.payloads import ADDRESS_KEYS

PROFILE_FIELDS: Final = ("name", "description", "email", "phone", "birthdate", "birthday")


def render_customer(customer: Customer) -> dict[str, Any]:
    """The full object.

    An unset standard field is left out unless it was set to null explicitly; `address` is always there; `metadata` is
    absent until a first key was given; `source_id` and `updated_at` are absent while there is none.
    """
    wire: dict[str, Any] = {"id": customer.public_id}
    if customer.source_id is not None:
        wire["source_id"] = customer.source_id
    for name in PROFILE_FIELDS:
        value = getattr(customer, name)
        if value is not None:
            wire[name] = value.isoformat() if isinstance(value, date) else value
        elif name in customer.nulled_fields:
            wire[name] = None
    wire["address"] = render_address(customer.address)
    wire["summary"] = render_summary(customer)
    wire["loyalty"] = {
        "points": customer.loyalty_points,
        "referred_customers": customer.referred_customers,
        "campaigns": {},
    }
    wire["referrals"] = {"total": 0, "campaigns": []}
    if customer.metadata is not None:
        wire["metadata"] = customer.metadata
    wire["system_metadata"] = customer.system_metadata
    wire["created_at"] = to_wire(customer.created_at)
    if customer.updated_at is not None:
        wire["updated_at"] = to_wire(customer.updated_at)
    wire["object"] = "customer"
    return wire


def render_simple(customer: Customer) -> dict[str, Any]:
    """The form embedded in redemptions, events and activity: six keys, nulls explicit."""
    return {
        "id": customer.public_id,
        "name": customer.name,
        "email": customer.email,
        "source_id": customer.source_id,
        "metadata": customer.metadata or {},
        "object": "customer",
    }


SIMPLE_IN_SQL: Final = """jsonb_build_object('id', c.public_id, 'name', c.name, 'email', c.email,
    'source_id', c.source_id, 'metadata', coalesce(c.metadata, '{}'), 'object', 'customer')"""
"""What `render_simple` makes of the row `c`, for a statement that reads and writes at once."""


def render_erasure(erasure: Erasure) -> dict[str, Any]:
    """The certificate of a permanent deletion; `object` is spelt as the wire spells it."""
    return {
        "id": erasure.public_id,
        "created_at": to_wire(erasure.created_at),
        "related_object_id": erasure.customer_id,
        "related_object": "customer",
        "status": "DONE",
        "data_json": erasure.data,
        "object": "pernament_deletion",
    }


def render_address(address: dict[str, str | None] | None) -> dict[str, str | None] | None:
    """The keys that were ever sent, in the contract's order."""
    return None if address is None else {key: address[key] for key in ADDRESS_KEYS if key in address}


def render_summary(customer: Customer) -> dict[str, Any]:
    """`summary` from the counters. The average is rounded half up to a whole minor unit."""
    count, total = customer.orders_total_count, customer.orders_total_amount
    orders: dict[str, Any] = {
        "total_amount": total,
        "total_count": count,
        "average_amount": (2 * total + count) // (2 * count) if count > 0 else 0,
        "last_order_amount": customer.orders_last_amount,
    }
    if customer.orders_last_at is not None:
        orders["last_order_date"] = to_wire(customer.orders_last_at)
    succeeded, failed = customer.redemptions_succeeded, customer.redemptions_failed
    undone, not_undone = customer.rollbacks_succeeded, customer.rollbacks_failed
    return {
        "redemptions": {
            "total_redeemed": succeeded + failed,
            "total_failed": failed,
            "total_succeeded": succeeded,
            "total_rolled_back": undone + not_undone,
            "total_rollback_failed": not_undone,
            "total_rollback_succeeded": undone,
            "gift": {"redeemed_amount": customer.gift_redeemed_amount, "amount_to_go": customer.gift_amount_to_go},
            "loyalty_card": {
                "redeemed_points": customer.loyalty_redeemed_points,
                "points_to_go": customer.loyalty_points_to_go,
            },
        },
        "orders": orders,
    }
