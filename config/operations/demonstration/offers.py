"""What the made-up shop offers: two segments, their rules, and codes of every kind. Bodies as on the wire."""

from __future__ import annotations

from typing import Any, Final

CORPORATE: Final = {
    "name": "Corporate customers in California",
    "filter": {
        "junction": "and",
        "address.state": {"conditions": {"$is": ["California"]}},
        "metadata.customer_type": {"conditions": {"$is": ["Corporate"]}},
    },
}
REGULARS: Final = {
    "name": "Regulars",
    "filter": {"junction": "and", "summary.orders.total_count": {"conditions": {"$more_than_or_equal": [3]}}},
}
SEGMENTS: Final = (CORPORATE, REGULARS)


def segment_rule(segment_id: str, message: str) -> dict[str, Any]:
    """Only for members of the segment, with the marketer's own words for everybody else."""
    condition = {"name": "customer.segment", "conditions": {"$is": [segment_id]}, "error": {"message": message}}
    return {"name": "Only for a segment", "rules": {"1": condition, "logic": "1"}}


BIG_CART: Final = {
    "name": "Order of 100.00 or more",
    "rules": {
        "1": {
            "name": "order.amount",
            "conditions": {"$more_than_or_equal": [10_000]},
            "error": {"message": "For orders from 100.00"},
        },
        "logic": "1",
    },
}


def percent(code: str, percent_off: float, **more: Any) -> dict[str, Any]:
    """A code that takes a percentage off."""
    limit = {"amount_limit": more.pop("amount_limit")} if "amount_limit" in more else {}
    discount = {"type": "PERCENT", "percent_off": percent_off, **limit}
    return {"code": code, "type": "DISCOUNT_VOUCHER", "discount": discount, **more}


def amount(code: str, amount_off: int, **more: Any) -> dict[str, Any]:
    """A code that takes an amount off. amount_off: minor units."""
    discount = {"type": "AMOUNT", "amount_off": amount_off}
    return {"code": code, "type": "DISCOUNT_VOUCHER", "discount": discount, **more}


def gift(code: str, credits: int) -> dict[str, Any]:
    """A gift card. credits: minor units."""
    return {"code": code, "type": "GIFT_VOUCHER", "gift": {"amount": credits}}


def limit(name: str, most: int) -> dict[str, Any]:
    """A condition that a counter stays within `most`, this redemption included."""
    return {"name": name, "conditions": {"$less_than_or_equal": [most]}}


SEASON: Final = "SEASON15"
WELCOME, SUMMER, CORP, BIG, SPRING = "WELCOME10", "SUMMER20", "CORP20", "BIGCART15", "SPRING25"
GIFTS: Final = ("GIFT-7F3K", "GIFT-9Q2M", "GIFT-4T8W")
SINGLE: Final = tuple(f"THANKS-{letters}" for letters in ("A7K2", "B9M4", "C3P6", "D5R8", "E2T9"))
