"""Hostile values in every property of what vouchers, promotions and orders are told: refused, or kept exactly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import NOW, CampaignFactory, ProductFactory, Shop, SkuFactory, make_rule, make_shop, make_voucher
from tracking.models import Order, ProductCollection
from vouchers.models import PromotionTier

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HOSTILE: list[Any] = [
    *(None, True, 0, -1, 1.5, 1e300, 2**31, 2**53, 2**63, 10**22, "", "\0", "a\0b", "\ud800", "x" * 10_000),
    *("' OR 1=1 --", "${7*7}", "2026-13-45", "9999-12-31T23:59:59.999Z", "0001-01-01"),
    *([], {}, [None], [[[[[[1]]]]]], {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, {"": 1}, {"\0": 1}),
]
VOUCHER = {
    "type": "DISCOUNT_VOUCHER",
    "discount": {"type": "PERCENT", "percent_off": 10, "amount_limit": 5, "percent_off_formula": "5"},
    **{"redemption": {"quantity": 5}, "category": "New", "category_id": None, "start_date": "2026-01-01"},
    **{"expiration_date": "2026-12-31", "validity_timeframe": {"duration": "PT1H", "interval": "P1D"}},
    **{"validity_day_of_week": [1], "active": True, "additional_info": "x", "metadata": {"a": 1}, "campaign": None},
    **{"campaign_id": None, "validation_rules": [], "code_config": {"length": 9, "pattern": "##-####"}},
}
GIFT = {"type": "GIFT_VOUCHER", "gift": {"amount": 500, "effect": "APPLY_TO_ORDER"}}
PRODUCT = {
    **{"id": None, "source_id": "p", "name": "P", "price": 5, "attributes": ["a"], "metadata": {"a": 1}},
    "image_url": "https://a.example/b.png",
}
SKU = {
    **{"id": None, "source_id": "s", "sku": "S", "price": 5, "currency": "EUR", "attributes": {"a": 1}},
    **{"metadata": {"a": 1}, "image_url": "https://a.example/b.png"},
}
LINE = {
    **{"product_id": "p", "sku_id": "s", "source_id": "x", "related_object": "sku", "quantity": 1, "price": 5},
    **{"amount": 5, "initial_quantity": 1, "discount_quantity": 1, "initial_amount": 5, "discount_amount": 1},
    "product": {"id": "p", "source_id": "p", "name": "P", "price": 5, "override": True, "metadata": {"a": 1}},
    "sku": {"id": "s", "source_id": "s", "sku": "S", "price": 5, "override": True, "metadata": {"a": 1}},
    "metadata": {"a": 1},
}
ORDER = {
    **{"id": None, "source_id": "o", "status": "PAID", "amount": 5, "initial_amount": 5, "discount_amount": 1},
    **{"items": [LINE], "metadata": {"a": 1}, "created_at": "2026-01-01", "referrer_id": None},
    "customer": {"source_id": "c", "name": "N", "email": "n@shop.example", "metadata": {"a": 1}},
    "referrer": {"source_id": "r"},
}
TIER = {
    **{"name": "T", "banner": "b", "action": {"discount": VOUCHER["discount"]}, "metadata": {"a": 1}, "hierarchy": 1},
    "validation_rule_assignments": {"data": []},
}
CART = {"customer": ORDER["customer"], "order": {**ORDER, "source_id": None}, "tracking_id": "t", "metadata": {"a": 1}}
STACKABLE = {
    **CART,
    "redeemables": [{"object": "voucher", "id": "GIFT", "gift": {"credits": 5}}],
    "session": {"type": "LOCK", "key": "k", "ttl": 5, "ttl_unit": "DAYS"},
    "options": {"expand": ["order"]},
}
FILTER = {"junction": "and", "price": {"conditions": {"$more_than": [5]}}}
ENDPOINTS: dict[str, tuple[str, Any]] = {
    "/v1/vouchers": ("post", VOUCHER),
    "/v1/vouchers/GIFT-2": ("post", GIFT),
    "/v1/vouchers/TEN": ("put", VOUCHER),
    "/v1/vouchers/GIFT": ("put", GIFT),
    "/v1/vouchers/GIFT/balance": ("post", {"amount": 5, "source_id": "x", "reason": "y"}),
    "/v1/vouchers/GIFT/transactions/export": (
        "post",
        {"parameters": {"order": "created_at", "fields": ["id"], "filters": {"junction": "and"}}},
    ),
    "/v1/vouchers/import": ("post", [{**VOUCHER, "code": "A"}]),
    "/v1/vouchers/bulk/async": ("post", [{"code": "A", "metadata": {"a": 1}}]),
    "/v1/vouchers/metadata/async": ("post", {"codes": ["A"], "metadata": {"a": 1}}),
    "/v1/vouchers/disable": ("post", {"vouchers": ["TEN"]}),
    "/v1/products": ("post", PRODUCT),
    "/v1/products/mug": ("put", PRODUCT),
    "/v1/products/bulk/async": ("post", [PRODUCT]),
    "/v1/products/metadata/async": ("post", {"source_ids": ["p"], "metadata": {"a": 1}}),
    "/v1/products/mug/skus": ("post", SKU),
    "/v1/products/mug/skus/red": ("put", SKU),
    "/v1/product-collections": ("post", {"name": "C", "type": "AUTO_UPDATE", "filter": FILTER}),
    "/v1/product-collections#static": (
        "post",
        {"name": "C", "type": "STATIC", "products": [{"id": "prod_5h1pp1ng", "object": "product"}]},
    ),
    "/v1/orders": ("post", ORDER),
    "/v1/orders/known": ("put", ORDER),
    "/v1/orders/import": ("post", [ORDER]),
    "/v1/orders/export": ("post", {"parameters": {"order": "created_at", "fields": ["id"], "filters": FILTER}}),
    "/v1/validation-rules": (
        "post",
        {
            **{"name": "R", "type": "expression", "context_type": "global", "error": {"message": "No"}},
            "rules": {"1": {"name": "order.amount", "conditions": {"$more_than": [5]}, "rules": {}}, "logic": "1"},
            "applicable_to": {
                "included": [{"object": "product", "id": "p", "price": 1, "price_formula": "5", "repeat": 1}],
                "included_all": False,
            },
        },
    ),
    "/v1/campaigns": (
        "post",
        {
            **{
                "name": "N",
                "campaign_type": "DISCOUNT_COUPONS",
                "type": "STATIC",
                "join_once": True,
                "description": "d",
            },
            **{"vouchers_count": 1, "activity_duration_after_publishing": "P1D", "metadata": {"a": 1}, "category": "c"},
            "voucher": {name: VOUCHER[name] for name in ("type", "discount", "redemption", "code_config")},
        },
    ),
    "/v1/campaigns/Coupons": ("put", {"description": "d", "start_date": "2026-01-01", "discount": VOUCHER["discount"]}),
    "/v1/campaigns/Coupons/vouchers": ("post", {"code": "X", "metadata": {"a": 1}, "redemption": {"quantity": 1}}),
    "/v1/campaigns/Coupons/import": ("post", [{"code": "X", "metadata": {"a": 1}, "redemption": {"quantity": 1}}]),
    "/v1/promotions/Promotion/tiers": ("post", TIER),
    "/v1/promotions/Promotion/stacks": ("post", {"name": "S", "tiers": {"ids": ["promo_1"]}, "category": "c"}),
    "/v1/publications": (
        "post",
        {"campaign": {"name": "Coupons", "count": 1}, "customer": ORDER["customer"], "channel": "c", "source_id": "s"},
    ),
    "/v1/qualifications": ("post", {**CART, "scenario": "ALL", "options": {"limit": 5, "sorting_rule": "DEFAULT"}}),
    "/v1/vouchers/qualification": ("post", CART),
    "/v1/validations": ("post", STACKABLE),
    "/v1/redemptions": ("post", STACKABLE),
    "/v1/vouchers/GIFT/redemption": ("post", {**CART, "gift": {"credits": 5}}),
}


@pytest.fixture
def shop(data_folder: object) -> Shop:
    shop = make_shop()
    voucher = make_voucher(project=shop.project, code="TEN")
    make_voucher(project=shop.project, code="GIFT", gift_amount=5000, discount=None)
    make_rule(voucher)
    SkuFactory.create(product=ProductFactory.create(project=shop.project, source_id="mug"), source_id="red")
    Order.objects.create(project=shop.project, source_id="known", created_at=NOW)
    template = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
    CampaignFactory.create(project=shop.project, name="Coupons", type="AUTO_UPDATE", voucher=template)
    promotion = CampaignFactory.create(project=shop.project, name="Promotion", campaign_type="PROMOTION", voucher=None)
    PromotionTier.objects.create(
        project=shop.project, campaign=promotion, public_id="promo_1", name="T", created_at=NOW
    )
    ProductCollection.objects.create(project=shop.project, public_id="pc_1", name="C", created_at=NOW)
    return shop


EVERY = int(os.environ.get("HOSTILE_EVERY", "3"))
"""Each place gets every third value, the next place others; 1: every place gets them all."""


def bent(body: Any) -> Iterator[tuple[str, Any]]:
    """The body with one value of it replaced by a hostile one."""
    for number, path in enumerate(places(body)):
        for value in HOSTILE[number % EVERY :: EVERY]:
            yield f"{'.'.join(map(str, path))} = {str(value)[:40]!r}", replaced(body, path, value)


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(body, dict):
        for key, child in body.items():
            yield from places(child, (*path, key))
    if isinstance(body, list):
        for index, child in enumerate(body):
            yield from places(child, (*path, index))


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("address", ENDPOINTS)
def test_no_value_in_any_place_is_a_fault(shop: Shop, address: str) -> None:
    method, body = ENDPOINTS[address]
    server = shop.server()
    server.raise_request_exception = False
    wrong = []
    for case, sent in bent(body):
        try:
            response = getattr(server, method)(address.partition("#")[0], sent)
        except UnicodeEncodeError:
            continue  # a lone surrogate cannot be sent by this client
        if response.status_code not in (200, 202, 400, 404, 409):
            wrong.append(f"{case}: {response.status_code} {response.content[:200]!r}")
        elif response.status_code >= 400 and not response.json().get("message"):
            wrong.append(f"{case}: {response.content[:200]!r}")
    assert wrong == []
    for path in (
        "vouchers",
        "products",
        "product-collections",
        "orders",
        "validation-rules",
        "campaigns",
        "redemptions",
    ):
        assert server.get(f"/v1/{path}?limit=100").status_code == 200, path
