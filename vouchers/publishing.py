"""Pure: what comes in to publish, as a body or as a query → one frozen PublishRequest. Unknown properties are ignored.

Source: campaigns and promotions, section 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.kernel.errors import InvalidPayload, InvalidQueryParams
from config.project.metadata import is_storable, parse_metadata
from customers.payloads import INDEXED_LENGTH, CustomerData, parse_customer
from vouchers.errors import MissingVouchers
from vouchers.payloads import tree_of

MOST: Final = 50
"""Codes of one publication."""
CHANNEL: Final = "API"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """What to publish to whom. voucher: a code or an id; else campaign: a name or an id, and how many codes of it.

    join_once: the query's; None leaves it to the campaign.
    """

    customer: CustomerData
    voucher: str | None = None
    campaign: str | None = None
    count: int = 1
    source_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    channel: str = CHANNEL
    join_once: bool | None = None

    @property
    def identifiers(self) -> tuple[str | None, str | None]:
        """`customer.id` and `customer.source_id` as sent."""
        sent = (self.customer.id, self.customer.source_id)
        return sent[0] if isinstance(sent[0], str) else None, sent[1] if isinstance(sent[1], str) else None


def parse_publish(body: object, *, join_once: str | None = None) -> PublishRequest:
    """The body of `POST /v1/publications`. Raises InvalidPayload, MissingVouchers, InvalidQueryParams."""
    if not isinstance(body, Mapping):
        raise InvalidPayload("Payload should be object")
    customer = body.get("customer")
    if customer is None:
        raise InvalidPayload("Payload should have required property 'customer'")
    voucher = _text(body.get("voucher"), ".voucher")
    campaign, count = (None, 1) if voucher else _campaign(body.get("campaign"))
    if not voucher and not campaign:
        raise MissingVouchers("Either Campaign or Voucher is required")
    metadata = body.get("metadata")
    return PublishRequest(
        customer=parse_customer(customer),
        voucher=voucher,
        campaign=campaign,
        count=count,
        source_id=_text(body.get("source_id"), ".source_id"),
        metadata={} if metadata is None else parse_metadata(metadata, ".metadata"),
        channel=_text(body.get("channel"), ".channel") or CHANNEL,
        join_once=_flag(join_once),
    )


def parse_legacy_publish(body: object) -> PublishRequest:
    """The body of `POST /v1/vouchers/publish`, whose customer may be a plain source id."""
    if not isinstance(body, Mapping):
        raise InvalidPayload("Payload should be object")
    customer = body.get("customer")
    return parse_publish({**body, "customer": {"source_id": customer} if isinstance(customer, str) else customer})


def parse_publish_query(pairs: Iterable[tuple[str, str]]) -> PublishRequest:
    """The query of `GET /v1/publications/create`: one voucher."""
    tree = tree_of(pairs)
    customer = tree.get("customer")
    if not isinstance(customer, dict) or not customer:
        raise InvalidQueryParams("Query should have required property 'customer'")
    customer.pop("", None)
    campaign = tree.get("campaign")
    if isinstance(campaign, dict):
        campaign = {"name": campaign.get("name")}
    body = {name: tree.get(name) for name in ("voucher", "source_id", "metadata", "channel")}
    join_once = tree.get("join_once")
    return parse_publish(
        {**body, "customer": customer, "campaign": campaign},
        join_once=join_once if isinstance(join_once, str) else None,
    )


def _campaign(value: object) -> tuple[str | None, int]:
    if value is None:
        return None, 1
    if isinstance(value, str):
        return _text(value, ".campaign"), 1
    if not isinstance(value, Mapping):
        raise InvalidPayload("Property .campaign should be object")
    name = _text(value.get("name"), ".campaign.name")
    if name is None:
        raise InvalidPayload("Property .campaign should have required property 'name'")
    count = value.get("count")
    if isinstance(count, str) and re.fullmatch(r"[0-9]{1,4}", count):
        count = int(count)
    if count is None:
        return name, 1
    if isinstance(count, bool) or not isinstance(count, int):
        raise InvalidPayload("Property .campaign.count should be integer")
    if not 1 <= count <= MOST:
        raise InvalidPayload(f"Property .campaign.count should be between 1 and {MOST}")
    return name, count


def _text(value: object, path: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidPayload(f"Property {path} should be string")
    if len(value) > INDEXED_LENGTH:
        raise InvalidPayload(f"Property {path} cannot be longer than {INDEXED_LENGTH} characters")
    if not is_storable(value):
        raise InvalidPayload(f"Property {path} contains a character that cannot be stored")
    return value or None


def _flag(value: str | None) -> bool | None:
    if not value:
        return None
    if value.lower() not in ("true", "false"):
        raise InvalidQueryParams("Property .join_once should be boolean")
    return value.lower() == "true"
