"""Every answer about vouchers, promotions and orders can be read as the official client's own typed models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import voucherify
from voucherify import models

from tests.factories import Shop, make_shop
from tests.jobs import run_queued

pytestmark = pytest.mark.django_db
ANSWER = re.compile(r"\n    def (\w+)\((?:(?!\n    def ).)*?response_types_map: [^=]+= \{\s+'2\w\w': \"?(\w+)\"?", re.S)
CALL = re.compile(r"\n    def _(\w+)_serialize\((?:(?!\n    def ).)*?method='(\w+)',\s+resource_path='([^']+)'", re.S)


def _routes() -> Iterator[tuple[str, str, str]]:
    """(method, path, model) of each operation, out of the client's source: it keeps them nowhere else."""
    for file in (Path(voucherify.__file__).parent / "api").glob("*_api.py"):
        source = file.read_text()
        answers = dict(ANSWER.findall(source))
        for name, method, path in CALL.findall(source):
            if name in answers:
                yield method, path, answers[name]


ROUTES = sorted(_routes(), key=lambda route: route[1].count("{"))


def model_of(method: str, path: str) -> Any:
    """The model of an answer, None where the client reads none."""
    for wanted, pattern, model in ROUTES:
        if method == wanted and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return getattr(models, model, None)
    return None


class Reader:
    """Calls, and reads each good answer as the client would."""

    def __init__(self, shop: Shop) -> None:
        self.server, self.browser, self.read = shop.server(), shop.browser(), 0

    def __call__(self, method: str, address: str, body: Any = None) -> Any:
        caller = self.browser if address.startswith("/client") else self.server
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        response = getattr(caller, method.lower())(address, **sent)
        assert response.status_code < 300, f"{method} {address}: {response.status_code} {response.content!r}"
        wire = json.loads(response.content) if response.content else None
        model = model_of(method, address.partition("?")[0])
        if model is not None and isinstance(wire, dict):
            model.from_dict(wire)  # raises where a type or an enum is not what the client knows
            self.read += 1
        return wire


@pytest.fixture
def call(data_folder: Path) -> Reader:
    return Reader(make_shop(client_side=("redeem", "publish")))


TEN = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
AMOUNT = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 300, "effect": "APPLY_TO_ITEMS"}}
GIFT = {"type": "GIFT_VOUCHER", "gift": {"amount": 5000}}


def coupons(*codes: str) -> list[dict[str, str]]:
    return [{"object": "voucher", "id": code} for code in codes]


def test_vouchers_and_campaigns(call: Reader) -> None:
    category = call("POST", "/v1/categories", {"name": "C", "hierarchy": 1})["id"]
    call("PUT", f"/v1/categories/{category}", {"name": "D", "hierarchy": 2})
    call(
        "POST", "/v1/vouchers/TEN", {**TEN, "category_id": category, "validity_day_of_week": [1], "metadata": {"a": 1}}
    )
    call("POST", "/v1/vouchers/GIFT", GIFT)
    call("PUT", "/v1/vouchers/TEN", {"start_date": "2026-01-01"})
    for action in ("disable", "enable"):
        call("POST", f"/v1/vouchers/TEN/{action}")
    call("POST", "/v1/vouchers/GIFT/balance", {"amount": -10})
    bodies: dict[str, Any] = {
        "Coupons": {"campaign_type": "DISCOUNT_COUPONS", "type": "AUTO_UPDATE", "voucher": TEN, "vouchers_count": 2},
        "Gifts": {"campaign_type": "GIFT_VOUCHERS", "voucher": GIFT},
        "Cards": {
            "campaign_type": "LOYALTY_PROGRAM",
            "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 5}},
        },
        "Friends": {"campaign_type": "REFERRAL_PROGRAM", "voucher": TEN},
        "Promotion": {"campaign_type": "PROMOTION"},
    }
    for name, body in bodies.items():
        call("POST", "/v1/campaigns", {"name": name, **body})
        run_queued()
        call("GET", f"/v1/campaigns/{name}")
        call("GET", f"/v1/campaigns/{name}/summary")
        call("GET", f"/v1/campaigns/{name}/transactions")
        if name != "Promotion":
            call("POST", f"/v1/campaigns/{name}/vouchers", {})
            call("POST", f"/v1/campaigns/{name}/vouchers?vouchers_count=2", {})
            run_queued()
    call("PUT", "/v1/campaigns/Coupons", {"description": "d", "discount": TEN["discount"]})
    run_queued()
    for customer in ("ada", "bob"):
        call("POST", "/v1/publications", {"campaign": {"name": "Coupons"}, "customer": {"source_id": customer}})
    call("POST", "/v1/publications", {"campaign": {"name": "Coupons", "count": 2}, "customer": {"source_id": "eve"}})
    call("POST", "/client/v1/publish", {"campaign": {"name": "Coupons"}, "customer": {"source_id": "web"}})
    for address in (
        "vouchers/TEN",
        "vouchers/GIFT/transactions",
        "vouchers",
        "campaigns",
        "publications",
        "categories",
    ):
        call("GET", f"/v1/{address}")
    call("POST", "/v1/vouchers/import", [{"code": "IN", **TEN}])
    call("DELETE", "/v1/vouchers/TEN")
    call("DELETE", "/v1/campaigns/Gifts")
    assert call.read > 45


def test_promotions_rules_and_the_catalogue(call: Reader) -> None:
    product = call("POST", "/v1/products", {"source_id": "mug", "name": "Mug", "price": 900, "attributes": ["color"]})
    sku = call("POST", "/v1/products/mug/skus", {"source_id": "red", "sku": "Red", "price": 950})
    sku_id = sku["id"]
    call("PUT", "/v1/products/mug", {"price": 800})
    call("PUT", f"/v1/products/mug/skus/{sku_id}", {"price": 700})
    static = {"type": "STATIC", "name": "S", "products": [{"id": product["id"], "object": "product"}]}
    collection = call("POST", "/v1/product-collections", static)["id"]
    entry = {"object": "products_collection", "id": collection, "effect": "APPLY_TO_EVERY", "quantity_limit": 2}
    conditions = {"1": {"name": "order.amount", "conditions": {"$more_than": [5]}, "rules": {}}, "logic": "1"}
    rule = call(
        "POST", "/v1/validation-rules", {"name": "R", "rules": conditions, "applicable_to": {"included": [entry]}}
    )
    call("PUT", f"/v1/validation-rules/{rule['id']}", {"name": "S"})
    call("POST", "/v1/campaigns", {"name": "Promotion", "campaign_type": "PROMOTION"})
    tier = call("POST", "/v1/promotions/Promotion/tiers", {"name": "T", "action": {"discount": TEN["discount"]}})["id"]
    call("POST", f"/v1/validation-rules/{rule['id']}/assignments",
         {"related_object_type": "promotion_tier", "related_object_id": tier})  # fmt: skip
    call("PUT", f"/v1/promotions/tiers/{tier}", {"banner": "B", "hierarchy": 3})
    stack = call("POST", "/v1/promotions/Promotion/stacks", {"name": "S", "tiers": {"ids": [tier]}})["id"]
    call("PUT", f"/v1/promotions/Promotion/stacks/{stack}", {"name": "Z"})
    order = {"items": [{"source_id": "red", "related_object": "sku", "quantity": "2"}], "source_id": "o-1"}
    call("POST", "/v1/orders", {**order, "customer": {"source_id": "ada"}})
    call("PUT", "/v1/orders/o-1", {"status": "PAID"})
    for address in (
        *(
            "products",
            "products/mug",
            "products/mug/skus",
            f"skus/{sku_id}",
            "product-collections",
            "orders",
            "orders/o-1",
        ),
        *(f"product-collections/{collection}", "validation-rules", f"validation-rules/{rule['id']}/assignments"),
        *("validation-rules-assignments", "promotions/tiers", "promotions/Promotion/tiers", "promotions/stacks"),
        *(f"promotions/tiers/{tier}", "promotions/Promotion/stacks", f"promotions/Promotion/stacks/{stack}"),
    ):
        call("GET", f"/v1/{address}")
    for scenario in ("ALL", "AUDIENCE_ONLY", "PRODUCTS", "PROMOTION_STACKS"):
        asked = {
            "scenario": scenario,
            "order": order,
            "options": {"expand": ["redeemable", "category", "validation_rules"]},
        }
        call("POST", "/v1/qualifications", asked)
    assert call.read > 30


def test_validations_redemptions_and_rollbacks(call: Reader) -> None:
    everything = call("POST", "/v1/validation-rules", {"name": "All", "applicable_to": {"included_all": True}})["id"]
    call("POST", "/v1/vouchers/TEN", {**TEN, "redemption": {"quantity": 9}})
    call("POST", "/v1/vouchers/EACH", {**AMOUNT, "validation_rules": [everything]})
    call("POST", "/v1/vouchers/GIFT", GIFT)
    call("POST", "/v1/vouchers/FREE", {
        "type": "DISCOUNT_VOUCHER",
        "discount": {"type": "UNIT", "unit_off": 1, "unit_type": "prod_5h1pp1ng", "effect": "ADD_MISSING_ITEMS"},
    })  # fmt: skip
    cart = {"customer": {"source_id": "ada"}, "order": {"items": [{"product_id": "p", "quantity": 2, "price": 2000}]}}
    for codes in (["TEN"], ["EACH", "GIFT"], ["FREE"], ["NOPE", "TEN"]):
        body = {"redeemables": coupons(*codes), **cart}
        call("POST", "/v1/validations", body)
        call("POST", "/v1/validations", {**body, "options": {"expand": ["redeemable", "category", "order"]}})
        call("POST", "/client/v1/validations", body)
    call("POST", "/v1/validations", {"redeemables": coupons("TEN"), **cart, "session": {"type": "LOCK"}})
    single = call("POST", "/v1/redemptions", {"redeemables": coupons("EACH"), **cart})["redemptions"][0]["id"]
    stacked = call("POST", "/v1/redemptions", {"redeemables": coupons("EACH", "GIFT"), **cart})["parent_redemption"][
        "id"
    ]
    call("POST", "/client/v1/redemptions", {"redeemables": coupons("FREE"), **cart})
    refused = call.server.post("/v1/redemptions", {"redeemables": coupons("NOPE")})
    assert refused.status_code == 404
    call("POST", f"/v1/redemptions/{single}/rollback", {"reason": "returned"})
    call("POST", f"/v1/redemptions/{stacked}/rollbacks", {})
    for address in (
        "redemptions",
        f"redemptions/{single}",
        f"redemptions/{stacked}",
        "vouchers/EACH/redemption",
        "orders",
    ):
        call("GET", f"/v1/{address}")
    assert call.read > 25
