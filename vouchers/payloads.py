"""Pure: what comes in to validate and redeem, in each of the wire's forms → one frozen RedeemRequest.

Shape only; errors name the property. Unknown properties are ignored.
Source: validation and redemption, request; tracking, the legacy calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.kernel.errors import InvalidPayload, InvalidQueryParams
from config.project.metadata import is_storable, parse_metadata
from customers.payloads import CustomerData, Unset, parse_customer
from tracking.payloads import OrderData, parse_order, parse_whole
from vouchers.engine.sessions import Session, parse_session, read_session
from vouchers.errors import DuplicatedRedeemables, InvalidAmount, InvalidRedeemables, InvalidRollbackParams

MOST_REDEEMABLES: Final = 30
LONGEST_ID: Final = 500
LONGEST_REASON: Final = 16_000
OBJECTS: Final = ("voucher", "promotion_tier", "promotion_stack")
EXPANSIONS: Final = ("order", "redeemable", "redemption", "category")
_BRACKETS: Final = re.compile(r"[^\[\]]+")


@dataclass(frozen=True, slots=True)
class Redeemable:
    """One thing to redeem. id: a code or an id, as sent. credits: of a gift card; None is as much as possible."""

    id: str
    object: str = "voucher"
    credits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """Why something is rolled back, and what the caller believes it belongs to; None: not said."""

    reason: str | None = None
    tracking_id: str | None = None
    customer: CustomerData | None = None
    order: OrderData | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemRequest:
    """What was asked, whichever call it came by.

    order_customer_id: `order.customer.id`, which comes back. shortcut: `customer=<string>` of a query. cookie: the
    tracking cookie as sent. anonymous: whether to issue a token to nobody, as client calls do. items_decide: whether
    the lines' sum, where all are known, beats the sent amount (the client GET only). expand: None where not sent.
    echo: calculated fields of the order that come back as sent.
    """

    redeemables: tuple[Redeemable, ...]
    order: OrderData | None = None
    order_customer_id: str | None = None
    customer: CustomerData | None = None
    shortcut: str | None = None
    tracking_id: str | None = None
    cookie: str | None = None
    anonymous: bool = False
    metadata: Mapping[str, Any] | None = None
    expand: frozenset[str] | None = None
    session: Session | None = None
    items_decide: bool = False
    echo_discount: bool = False

    @property
    def customer_id(self) -> str | None:
        """`customer.id` as sent."""
        return _sent(self.customer.id) if self.customer else None

    @property
    def source_id(self) -> str | None:
        """`customer.source_id` as sent, raw or a token."""
        return _sent(self.customer.source_id) if self.customer else None


def _sent(value: str | Unset | None) -> str | None:
    return value if isinstance(value, str) and value else None


def parse_stackable(body: object, *, cookie: str | None = None, anonymous: bool = False) -> RedeemRequest:
    """The body of `/v1/validations` and `/v1/redemptions`. Raises InvalidPayload, DuplicatedRedeemables, …"""
    if not isinstance(body, dict):
        raise InvalidPayload("Payload should be object")
    return _request(_redeemables(body.get("redeemables")), body, cookie=cookie, anonymous=anonymous)


def parse_context(body: Mapping[str, Any], *, cookie: str | None = None, anonymous: bool = False) -> RedeemRequest:
    """Customer, order, tracking id and metadata of a body that names no redeemables. Raises InvalidPayload."""
    return _request((), body, cookie=cookie, anonymous=anonymous)


def parse_legacy(
    code: str,
    body: object,
    *,
    tracking_id: str | None = None,
    cookie: str | None = None,
    anonymous: bool = False,
) -> RedeemRequest:
    """The body, maybe none, of `/v1/vouchers/{code}/validate` and `…/redemption`. tracking_id: the query's."""
    body = {} if body is None or body == "" else body
    if not isinstance(body, dict):
        raise InvalidPayload("Payload should be object")
    if tracking_id:
        body = {"tracking_id": tracking_id, **{key: value for key, value in body.items() if value is not None}}
    redeemable = Redeemable(_identifier(code, ".code"), credits=_credits(body.get("gift"), ".gift"))
    return _request((redeemable,), body, cookie=cookie, anonymous=anonymous)


def parse_rollback(body: object, *, reason: str | None = None, tracking_id: str | None = None) -> RollbackRequest:
    """The body, maybe none, of a rollback. reason, tracking_id: the query's; the body's count more.

    Raises InvalidRollbackParams naming the property.
    """
    body = {} if body is None or body == "" else body
    if not isinstance(body, dict):
        raise InvalidRollbackParams("Payload should be object")
    try:
        customer, order, metadata = body.get("customer"), body.get("order"), body.get("metadata")
        return RollbackRequest(
            reason=_reason(body.get("reason")) or _reason(reason) or None,
            tracking_id=_tracking_id(body.get("tracking_id")) or tracking_id or None,
            customer=None if customer is None else parse_customer(customer),
            order=None if order is None else parse_order(order),
            metadata=None if metadata is None else parse_metadata(metadata, ".metadata"),
        )
    except InvalidPayload as wrong:
        raise InvalidRollbackParams(wrong.details) from wrong


def _reason(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_REASON or not is_storable(value):
        raise InvalidRollbackParams(f"Property .reason should be string of at most {LONGEST_REASON} characters")
    return value


def parse_query(pairs: Iterable[tuple[str, str]], *, cookie: str | None = None) -> RedeemRequest:
    """The query of `GET /client/v1/validate`, its keys with brackets: `item[0][sku_id]`, `customer[metadata][k]`.

    Raises InvalidQueryParams, InvalidAmount, and for what is inside an order or a customer InvalidPayload.
    """
    tree = tree_of(pairs)
    code = tree.get("code")
    if not isinstance(code, str) or not code:
        raise InvalidQueryParams("Query should have required property 'code'")
    customer, shortcut = tree.get("customer"), None
    if isinstance(customer, str):
        customer, shortcut = None, customer or None
    elif isinstance(customer, dict):
        shortcut = customer.pop("", None)
    body = {
        "customer": customer,
        "order": _order_of_query(tree),
        "tracking_id": _text_or_none(tree.get("tracking_id")),
        "metadata": tree.get("metadata") if isinstance(tree.get("metadata"), dict) else None,
        "session": _session_of_query(tree),
    }
    redeemables = (Redeemable(_identifier(code, ".code")),)
    return _request(redeemables, body, cookie=cookie, anonymous=True, shortcut=shortcut, items_decide=True)


def _request(
    redeemables: tuple[Redeemable, ...],
    body: Mapping[str, Any],
    *,
    cookie: str | None,
    anonymous: bool,
    shortcut: str | None = None,
    items_decide: bool = False,
) -> RedeemRequest:
    session = body.get("session")
    order, customer, metadata = body.get("order"), body.get("customer"), body.get("metadata")
    return RedeemRequest(
        redeemables=redeemables,
        order=None if order is None else parse_order(order),
        order_customer_id=_order_customer(order),
        customer=None if customer is None else parse_customer(customer),
        shortcut=shortcut,
        tracking_id=_tracking_id(body.get("tracking_id")),
        cookie=cookie,
        anonymous=anonymous,
        metadata=None if metadata is None else parse_metadata(metadata, ".metadata"),
        expand=_expand(body.get("options")),
        session=session if isinstance(session, Session) else parse_session(session),
        items_decide=items_decide,
        echo_discount=isinstance(order, dict)
        and parse_whole(order.get("discount_amount"), ".order.discount_amount") == 0,
    )


def _redeemables(value: object) -> tuple[Redeemable, ...]:
    if value is None:
        raise InvalidPayload("Payload should have required property 'redeemables'")
    if not isinstance(value, list):
        raise InvalidPayload("Property .redeemables should be array")
    if not value:
        raise InvalidPayload("Property .redeemables should NOT have fewer than 1 items")
    if len(value) > MOST_REDEEMABLES:
        raise InvalidPayload(f"Property .redeemables should NOT have more than {MOST_REDEEMABLES} items")
    found = tuple(_redeemable(item, f".redeemables[{index}]") for index, item in enumerate(value))
    if len({(item.object, item.id) for item in found}) < len(found):
        raise DuplicatedRedeemables("Duplicated redeemables detected in one redemption")
    if len(found) > 1 and any(item.object == "promotion_stack" for item in found):
        raise InvalidRedeemables("Promotion Stack cannot be use with other redeemables")
    return found


def _redeemable(item: object, path: str) -> Redeemable:
    if not isinstance(item, dict):
        raise InvalidPayload(f"Property {path} should be object")
    for name in ("object", "id"):
        if item.get(name) is None:
            raise InvalidPayload(f"Property {path} should have required property '{name}'")
    if item["object"] not in OBJECTS:
        raise InvalidPayload(f"Property {path}.object should be equal to one of the allowed values")
    identifier = _identifier(item["id"], f"{path}.id")
    return Redeemable(identifier, item["object"], credits=_credits(item.get("gift"), f"{path}.gift"))


def _identifier(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidPayload(f"Property {path} should be string")
    if not value or len(value) > LONGEST_ID or not is_storable(value):
        raise InvalidPayload(f"Property {path} should be 1 to {LONGEST_ID} characters that can be stored")
    return value


def _credits(gift: object, path: str) -> int | None:
    if gift is None:
        return None
    if not isinstance(gift, dict):
        raise InvalidPayload(f"Property {path} should be object")
    return parse_whole(gift.get("credits"), f"{path}.credits")


def _order_customer(order: object) -> str | None:
    """`order.customer.id`; the customer of the redemption is named beside the order, not in it."""
    customer = order.get("customer") if isinstance(order, dict) else None
    if customer is None:
        return None
    return _sent(parse_customer(customer, ".order.customer").id)


def _tracking_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidPayload("Property .tracking_id should be string")
    return value or None


def _expand(options: object) -> frozenset[str] | None:
    """The known words of `options.expand`; older and unknown ones are ignored."""
    if options is None:
        return None
    if not isinstance(options, dict):
        raise InvalidPayload("Property .options should be object")
    expand = options.get("expand")
    if expand is None:
        return None
    if not isinstance(expand, list):
        raise InvalidPayload("Property .options.expand should be array")
    return frozenset(word for word in EXPANSIONS if word in expand)


def _session_of_query(tree: Mapping[str, Any]) -> Session | None:
    """`session_type`, `session_key`, `session_ttl`, `session_ttl_unit`; None without the first."""
    if not tree.get("session_type"):
        return None
    parts = {name: tree.get(f"session_{name}") for name in ("type", "key", "ttl", "ttl_unit")}
    try:
        return read_session(parts, lambda name: f".session_{name}")
    except InvalidPayload as wrong:
        raise InvalidQueryParams(wrong.details) from wrong


def _order_of_query(tree: Mapping[str, Any]) -> dict[str, Any] | None:
    """`amount`, `item[i]` and `order[metadata]` as an order; None where nothing of an order came in."""
    order: dict[str, Any] = {}
    if (amount := _text_or_none(tree.get("amount"))) is not None:
        if not re.fullmatch(r"[0-9]{1,16}", amount):
            raise InvalidAmount("Property .amount should be a whole number of minor units, 0 or more")
        order["amount"] = amount
    items = tree.get("item") or tree.get("items")
    if isinstance(items, dict):
        if not all(re.fullmatch(r"[0-9]{1,6}", index) for index in items):
            raise InvalidQueryParams("Property .item should be numbered: item[0][product_id]")
        order["items"] = [items[index] for index in sorted(items, key=int)]
    sent = tree.get("order")
    if isinstance(sent, dict):
        order |= {name: sent[name] for name in ("id", "source_id", "metadata") if name in sent}
    return order or None


def tree_of(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Keys with brackets as nested objects; of a key sent twice the last counts; text beside brackets is under ""."""
    tree: dict[str, Any] = {}
    for key, value in pairs:
        if not is_storable(key) or not is_storable(value):
            raise InvalidQueryParams("The query contains a character that cannot be stored")
        names = _BRACKETS.findall(key)
        if not 1 <= len(names) <= 4:
            continue
        node = tree
        for name in names[:-1]:
            child = node.get(name)
            if not isinstance(child, dict):
                child = {} if child is None else {"": child}
                node[name] = child
            node = child
        if isinstance(node.get(names[-1]), dict):
            node[names[-1]][""] = value
        else:
            node[names[-1]] = value
    return tree


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
