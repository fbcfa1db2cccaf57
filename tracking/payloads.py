"""Pure: orders and their lines as the wire sends them.

Source: products-orders.md sections 5 to 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from config.kernel.amounts import GREATEST
from config.kernel.errors import InvalidPayload
from config.kernel.instants import parse_instant
from config.project.metadata import is_storable, parse_metadata
from customers.payloads import CustomerData, parse_customer

MOST_LINES: Final = 500
STATUSES: Final = ("CREATED", "PAID", "FULFILLED", "CANCELED", "PROCESSING")
LONGEST_ID: Final = 500
_WHOLE: Final = re.compile(r"[0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class ItemData:
    """One line as sent. None: not sent. product, sku: the objects inside the line, as sent."""

    product_id: str | None = None
    sku_id: str | None = None
    source_id: str | None = None
    related_object: str | None = None
    quantity: int = 1
    price: int | None = None
    amount: int | None = None
    product: Mapping[str, Any] | None = None
    sku: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    initial_quantity: int | None = None
    discount_quantity: int | None = None
    initial_amount: int | None = None
    discount_amount: int | None = None

    @property
    def overrides(self) -> bool:
        """Whether the line tells what to store of its product or SKU."""
        return any(sent is not None and sent.get("override") is True for sent in (self.product, self.sku))


@dataclass(frozen=True, slots=True)
class OrderData:
    """An order as sent. None: not sent."""

    id: str | None = None
    source_id: str | None = None
    status: str | None = None
    amount: int | None = None
    initial_amount: int | None = None
    items: tuple[ItemData, ...] | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """An order to be stored, as sent to `/v1/orders`. referrer_id: an id or source id. None: not sent."""

    data: OrderData = field(default_factory=OrderData)
    discount_amount: int | None = None
    created_at: datetime | None = None
    customer: CustomerData | None = None
    referrer: CustomerData | None = None
    referrer_id: str | None = None


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line with the catalogue beside it. price, amount: None where neither the line nor the catalogue knows it.

    data: everything else that the wire shows of the line, in its order: ids, `product`, `sku`, `metadata`.
    """

    quantity: int
    price: int | None
    amount: int | None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """An order with its lines priced. amount: as sent, else the sum of the lines; None where nothing says."""

    amount: int | None
    initial_amount: int | None = None
    lines: tuple[PricedLine, ...] = ()
    data: OrderData = field(default_factory=OrderData)


def parse_order(body: object, path: str = ".order") -> OrderData:
    """Return what the body says of an order. Raises InvalidPayload naming the property."""
    if not isinstance(body, dict):
        raise InvalidPayload(f"Property {path} should be object" if path else "Payload should be object")
    status = _text(body, "status", path)
    if status is not None and status not in STATUSES:
        raise InvalidPayload(f"Property {path}.status should be equal to one of the allowed values")
    items = body.get("items")
    return OrderData(
        id=_text(body, "id", path),
        source_id=_text(body, "source_id", path),
        status=status,
        amount=parse_whole(body.get("amount"), f"{path}.amount"),
        initial_amount=parse_whole(body.get("initial_amount"), f"{path}.initial_amount"),
        items=None if items is None else parse_items(items, f"{path}.items"),
        metadata=_mapping(body, "metadata", path),
    )


def parse_placed(body: object) -> PlacedOrder:
    """Return the body of `POST` or `PUT /v1/orders`. Raises InvalidPayload naming the property."""
    data = parse_order(body, "")
    if not isinstance(body, dict):
        raise InvalidPayload("Payload should be object")
    if data.status == "PROCESSING":
        raise InvalidPayload(
            f"Property .status should be equal to one of the allowed values [ {', '.join(STATUSES[:-1])} ]"
        )
    return PlacedOrder(
        data=data,
        discount_amount=parse_whole(body.get("discount_amount"), ".discount_amount"),
        created_at=_instant(body, "created_at"),
        customer=None if body.get("customer") is None else parse_customer(body["customer"]),
        referrer=None if body.get("referrer") is None else parse_customer(body["referrer"], ".referrer"),
        referrer_id=_text(body, "referrer_id", ""),
    )


def parse_items(items: object, path: str = ".order.items") -> tuple[ItemData, ...]:
    """Return the lines in their order; equal ones are not merged. Raises InvalidPayload naming the property."""
    if not isinstance(items, list):
        raise InvalidPayload(f"Property {path} should be array")
    if len(items) > MOST_LINES:
        raise InvalidPayload(f"Property {path} cannot have more than {MOST_LINES} items")
    return tuple(parse_item(item, f"{path}[{index}]") for index, item in enumerate(items))


def parse_item(item: object, path: str) -> ItemData:
    """Return one line. A quantity that is no whole number above 0 is InvalidPayload, as is any other wrong type."""
    if not isinstance(item, dict):
        raise InvalidPayload(f"Property {path} should be object")
    related = _text(item, "related_object", path)
    if related not in (None, "product", "sku"):
        raise InvalidPayload(f"Property {path}.related_object should be equal to one of the allowed values")
    quantity = parse_whole(item.get("quantity"), f"{path}.quantity")
    if quantity == 0:
        raise InvalidPayload(f"Property {path}.quantity cannot be lower than 1")
    initial_quantity = parse_whole(item.get("initial_quantity"), f"{path}.initial_quantity")
    if initial_quantity == 0:
        raise InvalidPayload(f"Property {path}.initial_quantity cannot be lower than 1")
    product, sku = _mapping(item, "product", path), _mapping(item, "sku", path)
    for name, sent in (("product", product), ("sku", sku)):
        if sent is not None:
            parse_whole(sent.get("price"), f"{path}.{name}.price")
    return ItemData(
        product_id=_text(item, "product_id", path),
        sku_id=_text(item, "sku_id", path),
        source_id=_text(item, "source_id", path),
        related_object=related,
        quantity=1 if quantity is None else quantity,
        price=parse_whole(item.get("price"), f"{path}.price"),
        amount=parse_whole(item.get("amount"), f"{path}.amount"),
        product=product,
        sku=sku,
        metadata=_mapping(item, "metadata", path),
        initial_quantity=initial_quantity,
        discount_quantity=parse_whole(item.get("discount_quantity"), f"{path}.discount_quantity"),
        initial_amount=parse_whole(item.get("initial_amount"), f"{path}.initial_amount"),
        discount_amount=parse_whole(item.get("discount_amount"), f"{path}.discount_amount"),
    )


def parse_whole(value: object, path: str) -> int | None:
    """Return a whole number (an amount in minor units, a quantity), also from text (`"2"`); None for null.

    Raises InvalidPayload for anything else and outside 0 to 2^53 - 1.
    """
    if value is None:
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidPayload(f"Property {path} should be integer")
    if value < 0:
        raise InvalidPayload(f"Property {path} cannot be lower than 0")
    if value > GREATEST:
        raise InvalidPayload(f"Property {path} cannot be higher than {GREATEST}")
    return value


def priced(amount: int | None, lines: Sequence[PricedLine], data: OrderData) -> PricedOrder:
    """The order with the amount that counts: as sent, else the sum of the lines that have one."""
    known = [line.amount for line in lines if line.amount is not None]
    whole = amount if amount is not None else (sum(known) if known else None)
    if whole is not None and whole > GREATEST:
        raise InvalidPayload(f"Property .order.amount cannot be higher than {GREATEST}")
    return PricedOrder(amount=whole, initial_amount=data.initial_amount, lines=tuple(lines), data=data)


def _text(body: Mapping[str, Any], key: str, path: str) -> str | None:
    value = body.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidPayload(f"Property {path}.{key} should be string")
    if len(value) > LONGEST_ID:
        raise InvalidPayload(f"Property {path}.{key} cannot be longer than {LONGEST_ID} characters")
    if not is_storable(value):
        raise InvalidPayload(f"Property {path}.{key} contains a character that cannot be stored")
    return value


def _instant(body: Mapping[str, Any], key: str) -> datetime | None:
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidPayload(f"Property .{key} should be string")
    try:
        return parse_instant(value)
    except ValueError as error:
        raise InvalidPayload(f"Property .{key} cannot be recognized as a ISO-8601 compliant date") from error


def _mapping(body: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any] | None:
    return None if body.get(key) is None else parse_metadata(body[key], f"{path}.{key}")
