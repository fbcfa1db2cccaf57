"""Orders as the wire shows them, with its rules of presence: kinds of discounts not used so far have no fields.

Source: validation-and-redemption, sections 4.2 and 7.1.
"""

from __future__ import annotations

from typing import Any

from tracking.models import Order
from tracking.rendering import render_stored_order
from vouchers.engine.order_state import Line, OrderState

CUMULATIVE = ("amount", "initial_amount", "discount_amount", "items_discount_amount", "total_discount_amount")
LINE_FIELDS = (
    *("initial_quantity", "discount_quantity", "applied_discount_quantity", "amount", "initial_amount", "price"),
    *("discount_amount", "applied_discount_amount", "subtotal_amount"),
)
APPLIED = ("applied_discount_amount", "items_applied_discount_amount", "total_applied_discount_amount")


def render_amounts(state: OrderState) -> dict[str, Any]:
    """The amounts that are known; `total_amount` wherever there is an amount."""
    wire = {name: value for name in CUMULATIVE if (value := getattr(state, name)) is not None}
    if not state.initial_amount_is_news:
        wire.pop("initial_amount", None)
    if state.amount is not None:
        wire["total_amount"] = state.total_amount
    return wire | {name: value for name in APPLIED if (value := getattr(state, name)) is not None}


def render_line(line: Line) -> dict[str, Any]:
    """One order line; what was sent or found in the catalogue comes back beside the amounts."""
    wire: dict[str, Any] = {"object": "order_item", **line.data, "quantity": line.quantity}
    for name in LINE_FIELDS:
        value = getattr(line, name)
        if value is not None:
            wire[name] = value
    return wire


def render_order_state(state: OrderState) -> dict[str, Any]:
    """The short form: amounts, lines, metadata. For validations and the children of a stacked redemption."""
    wire = {name: value for name, value in state.data.items() if name not in ("customer", "metadata")}
    wire |= render_amounts(state)
    if state.lines:
        wire["items"] = [render_line(line) for line in state.lines]
    wire["metadata"] = state.data.get("metadata") or {}
    wire["object"] = "order"
    return wire


def render_validated_order(state: OrderState) -> dict[str, Any]:
    """An order inside a validation: nobody's yet, unless the request's own order named a customer by id."""
    wire = render_order_state(state)
    customer = state.data.get("customer")
    customer_id = customer.get("id") if isinstance(customer, dict) else None
    if customer_id:
        wire["customer"] = {"id": customer_id, "object": "customer"}
    return wire | {"customer_id": customer_id or None, "referrer_id": None}


def render_order(order: Order, applied: OrderState | None = None) -> dict[str, Any]:
    """A stored order in full. applied: what this request took off, for the answer to a redemption."""
    wire = render_stored_order(order)
    if applied is not None:
        wire |= {name: value for name in APPLIED if (value := getattr(applied, name)) is not None}
        if applied.lines:
            wire["items"] = [render_line(line) for line in applied.lines]
    return wire
