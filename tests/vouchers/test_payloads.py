"""What comes in to validate and redeem: read as meant, or refused with the property's name."""

from __future__ import annotations

from typing import Any

import pytest

from config.kernel.errors import DomainError, InvalidPayload, InvalidQueryParams
from customers.payloads import CustomerData
from tracking.payloads import ItemData, OrderData
from vouchers.engine.sessions import Session
from vouchers.errors import DuplicatedRedeemables, InvalidAmount, InvalidRedeemables
from vouchers.payloads import Redeemable, parse_legacy, parse_query, parse_stackable

TEN = {"object": "voucher", "id": "TEN"}


def test_a_whole_stackable_request() -> None:
    request = parse_stackable(
        {
            "redeemables": [TEN, {"object": "voucher", "id": "GIFT", "gift": {"credits": "200"}}],
            "order": {"amount": "20050", "items": [{"product_id": "prod_1", "quantity": "2", "price": 10000}]},
            "customer": {"source_id": "c-17", "name": "Ada"},
            "tracking_id": "track_x",
            "metadata": {"till": "web-1"},
            "options": {"expand": ["order", "include_orders"]},
            "something": "else",
        },
        cookie="track_y",
    )
    assert request.redeemables == (Redeemable("TEN"), Redeemable("GIFT", credits=200))
    assert request.order == OrderData(amount=20050, items=(ItemData(product_id="prod_1", quantity=2, price=10000),))
    assert request.customer == CustomerData(source_id="c-17", name="Ada")
    assert (request.source_id, request.customer_id, request.tracking_id) == ("c-17", None, "track_x")
    assert (request.metadata, request.expand, request.cookie) == ({"till": "web-1"}, {"order"}, "track_y")


@pytest.mark.parametrize(
    ("body", "error", "details"),
    [
        ([], InvalidPayload, "Payload should be object"),
        ({}, InvalidPayload, "Payload should have required property 'redeemables'"),
        ({"redeemables": {}}, InvalidPayload, "Property .redeemables should be array"),
        ({"redeemables": []}, InvalidPayload, "Property .redeemables should NOT have fewer than 1 items"),
        ({"redeemables": [{"object": "voucher", "id": str(n)} for n in range(31)]}, InvalidPayload,
         "Property .redeemables should NOT have more than 30 items"),
        ({"redeemables": [TEN, {"object": "voucher"}]}, InvalidPayload,
         "Property .redeemables[1] should have required property 'id'"),
        ({"redeemables": ["TEN"]}, InvalidPayload, "Property .redeemables[0] should be object"),
        ({"redeemables": [{"object": "coupon", "id": "x"}]}, InvalidPayload, "Property .redeemables[0].object should"),
        ({"redeemables": [{"object": "voucher", "id": 5}]}, InvalidPayload, ".redeemables[0].id should be string"),
        ({"redeemables": [{"object": "voucher", "id": "a\0"}]}, InvalidPayload, "Property .redeemables[0].id"),
        ({"redeemables": [TEN, TEN]}, DuplicatedRedeemables, "Duplicated redeemables detected in one redemption"),
        ({"redeemables": [TEN, {"object": "promotion_stack", "id": "stack_1"}]}, InvalidRedeemables,
         "Promotion Stack cannot be use with other redeemables"),
        ({"redeemables": [TEN | {"gift": 5}]}, InvalidPayload, "Property .redeemables[0].gift should be object"),
        ({"redeemables": [TEN | {"gift": {"credits": -1}}]}, InvalidPayload,
         "Property .redeemables[0].gift.credits cannot be lower than 0"),
        ({"redeemables": [TEN | {"gift": {"credits": 1.5}}]}, InvalidPayload, ".gift.credits should be integer"),
        ({"redeemables": [TEN], "order": 5}, InvalidPayload, "Property .order should be object"),
        ({"redeemables": [TEN], "order": {"amount": -1}}, InvalidPayload, "Property .order.amount"),
        ({"redeemables": [TEN], "order": {"amount": 10.5}}, InvalidPayload, "Property .order.amount should be integer"),
        ({"redeemables": [TEN], "order": {"amount": True}}, InvalidPayload, "Property .order.amount should be integer"),
        ({"redeemables": [TEN], "order": {"items": [{"quantity": 0}]}}, InvalidPayload,
         "Property .order.items[0].quantity"),
        ({"redeemables": [TEN], "customer": "c-17"}, InvalidPayload, "Property .customer should be object"),
        ({"redeemables": [TEN], "customer": {"email": 5}}, InvalidPayload, "Property .customer.email should be string"),
        ({"redeemables": [TEN], "tracking_id": 5}, InvalidPayload, "Property .tracking_id should be string"),
        ({"redeemables": [TEN], "metadata": []}, InvalidPayload, "Property .metadata should be object"),
        ({"redeemables": [TEN], "options": {"expand": "order"}}, InvalidPayload, ".options.expand should be array"),
        ({"redeemables": [TEN], "session": {"type": "OPEN"}}, InvalidPayload, "Property .session.type should be equal"),
        ({"redeemables": [TEN], "session": {"ttl": 0}}, InvalidPayload, "Property .session.ttl cannot be lower than 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(body: Any, error: type[DomainError], details: str) -> None:
    with pytest.raises(error) as refused:
        parse_stackable(body)
    assert details in str(refused.value.details)


@pytest.mark.parametrize("body", [None, "", {}])
def test_a_legacy_call_may_come_without_a_body(body: Any) -> None:
    request = parse_legacy("AbC123", body, tracking_id="track_x")
    assert (request.redeemables, request.order, request.customer) == ((Redeemable("AbC123"),), None, None)
    assert request.tracking_id == "track_x"


def test_a_legacy_body_names_the_credits_and_wins_over_the_query() -> None:
    request = parse_legacy("GIFT", {"gift": {"credits": 5}, "tracking_id": "body"}, tracking_id="query")
    assert (request.redeemables[0].credits, request.tracking_id) == (5, "body")


def test_the_query_of_a_browser() -> None:
    request = parse_query(
        [
            ("code", "AbC123"),
            ("amount", "1000"),
            ("item[1][product_id]", "prod_2"),
            ("item[0][sku_id]", "sku_1"),
            ("item[0][quantity]", "2"),
            ("customer", "crm-1"),
            ("customer[metadata][visits]", "2"),
            ("metadata[shop]", "1"),
            ("order[metadata][k]", "v"),
            ("tracking_id", "new_five"),
            ("[object Object]", "x"),
        ]
    )
    assert request.redeemables == (Redeemable("AbC123"),)
    assert request.order == OrderData(
        amount=1000,
        items=(ItemData(sku_id="sku_1", quantity=2), ItemData(product_id="prod_2")),
        metadata={"k": "v"},
    )
    assert (request.shortcut, request.tracking_id, request.metadata) == ("crm-1", "new_five", {"shop": "1"})
    assert request.customer == CustomerData(metadata={"visits": "2"})
    assert (request.anonymous, request.items_decide) == (True, True)


@pytest.mark.parametrize("key", ["customer[id]", "customer[source_id]", "customer"])
def test_three_ways_to_name_the_customer_in_a_query(key: str) -> None:
    request = parse_query([("code", "X"), (key, "crm-1")])
    assert "crm-1" in (request.customer_id, request.source_id, request.shortcut)


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ([], InvalidQueryParams),
        ([("code", "")], InvalidQueryParams),
        ([("code", "X"), ("amount", "NaN")], InvalidAmount),
        ([("code", "X"), ("amount", "-5")], InvalidAmount),
        ([("code", "X"), ("amount", "10.5")], InvalidAmount),
        ([("code", "X"), ("item[x][product_id]", "p")], InvalidQueryParams),
        ([("code", "X"), ("item[0][quantity]", "0")], InvalidPayload),
        ([("code", "X"), ("session_type", "OPEN")], InvalidQueryParams),
        ([("code", "X"), ("session_type", "LOCK"), ("session_ttl", "soon")], InvalidQueryParams),
        ([("code", "X\0")], InvalidQueryParams),
    ],
)
def test_a_query_that_cannot_be_meant(pairs: list[tuple[str, str]], error: type[DomainError]) -> None:
    with pytest.raises(error):
        parse_query(pairs)


def test_without_order_data_a_query_has_no_order() -> None:
    assert parse_query([("code", "X")]).order is None


def test_a_session_in_a_query() -> None:
    parts = [("session_type", "LOCK"), ("session_key", "k"), ("session_ttl", "5"), ("session_ttl_unit", "MINUTES")]
    assert parse_query([("code", "X"), *parts]).session == Session("k", 5, "MINUTES")
    assert parse_query([("code", "X"), *parts[:1]]).session == Session()
    assert parse_query([("code", "X"), *parts[1:]]).session is None
