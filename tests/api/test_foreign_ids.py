"""Ids of another project inside a body are unknown, as `test_tenancy` shows it for those in paths; nothing changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps

from tests.factories import Shop, make_segment, make_shop

pytestmark = pytest.mark.django_db
TEN: dict[str, Any] = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
CAMPAIGN: dict[str, Any] = {"name": "New", "campaign_type": "DISCOUNT_COUPONS", "voucher": TEN}
MINE = [{"object": "voucher", "id": "MINE"}]
ASKED: list[tuple[str, str, Any]] = [
    ("post", "/v1/vouchers", {**TEN, "category_id": "{category}"}),
    ("post", "/v1/vouchers", {**TEN, "validation_rules": ["{rule}"]}),
    ("post", "/v1/vouchers", {**TEN, "campaign_id": "{campaign}"}),
    ("post", "/v1/vouchers", {**TEN, "campaign": "Theirs"}),
    ("put", "/v1/vouchers/MINE", {"category_id": "{category}", "active": False}),
    ("post", "/v1/campaigns", {**CAMPAIGN, "category_id": "{category}"}),
    ("post", "/v1/campaigns", {**CAMPAIGN, "validation_rules": ["{rule}"]}),
    ("post", "/v1/promotions/Promotion/tiers", {"name": "T", "validation_rules": ["{rule}"]}),
    ("post", "/v1/promotions/Promotion/tiers", {"name": "T", "category_id": "{category}"}),
    ("post", "/v1/promotions/Promotion/stacks", {"name": "S", "tiers": {"ids": ["{tier}"]}}),
    ("post", "/v1/publications", {"voucher": "THEIRS", "customer": {"source_id": "new"}}),
    ("post", "/v1/publications", {"campaign": {"name": "{campaign}"}, "customer": {"source_id": "new"}}),
    ("post", "/v1/publications", {"voucher": "MINE", "customer": {"id": "{customer}"}}),
    ("post", "/v1/validation-rules", {"name": "R", "rules": {"1": {"name": "customer.segment", "conditions": {
        "$is": ["{segment}"]}}}}),
    ("post", "/v1/validation-rules/{own_rule}/assignments", {"related_object_id": "{voucher}"}),
    ("post", "/v1/validation-rules/{own_rule}/assignments", {"related_object_type": "campaign",
                                                             "related_object_id": "{campaign}"}),
    ("post", "/v1/validation-rules/{own_rule}/assignments", {"related_object_type": "promotion_tier",
                                                             "related_object_id": "{tier}"}),
    ("post", "/v1/product-collections", {"type": "STATIC", "name": "C", "products": [
        {"id": "{product}", "object": "product"}]}),
    ("post", "/v1/orders", {"id": "{order}", "amount": 9}),
    ("post", "/v1/orders", {"customer": {"id": "{customer}"}}),
    ("post", "/v1/orders", {"referrer_id": "{customer}"}),
    ("post", "/v1/redemptions", {"redeemables": MINE, "order": {"id": "{order}"}}),
    ("post", "/v1/redemptions", {"redeemables": MINE, "customer": {"id": "{customer}"}}),
    ("post", "/v1/validations", {"redeemables": MINE, "order": {"id": "{order}"}}),
    ("post", "/v1/qualifications", {"order": {"id": "{order}"}}),
    ("post", "/v1/vouchers/publish", {"voucher": "THEIRS", "customer": "new"}),
    ("post", "/v1/vouchers/disable", {"vouchers": ["MINE", "THEIRS"]}),
]  # fmt: skip


@pytest.fixture
def names() -> dict[str, str]:
    """What another project has, by the names that the table uses."""
    other = make_shop("Other")
    server = other.server()

    def made(path: str, **body: Any) -> str:
        response = server.post(path, body)
        assert response.status_code == 200, response.json()
        return str(response.json()["id"])

    return {
        "category": made("/v1/categories", name="C", hierarchy=1),
        "rule": made("/v1/validation-rules", name="R"),
        "campaign": made("/v1/campaigns", **{**CAMPAIGN, "name": "Theirs", "type": "AUTO_UPDATE"}),
        "voucher": made("/v1/vouchers/THEIRS", **TEN),
        "product": made("/v1/products", name="P"),
        "order": made("/v1/orders", amount=500),
        "customer": made("/v1/customers", source_id="theirs"),
        "promotion": made("/v1/campaigns", name="P", campaign_type="PROMOTION"),
        "tier": made("/v1/promotions/P/tiers", name="T"),
        "segment": make_segment(project=other.project).public_id,
    }


@pytest.fixture
def shop(names: dict[str, str]) -> Shop:
    shop = make_shop()
    server = shop.server()
    server.post("/v1/vouchers/MINE", TEN)
    server.post("/v1/campaigns", {"name": "Promotion", "campaign_type": "PROMOTION"})
    names["own_rule"] = server.post("/v1/validation-rules", {"name": "R"}).json()["id"]
    return shop


def counted() -> dict[str, int]:
    """Rows of every table of the domain; but a tracking token is drawn for whoever a request names, refused or not."""
    apart = "tracking.TrackingIdentity"
    ours = [m for m in apps.get_models() if m._meta.app_label in ("vouchers", "tracking", "customers")]
    ours = [m for m in ours if m._meta.label != apart]
    return {model._meta.label: model._default_manager.count() for model in ours}


def test_ids_of_another_project_are_unknown_and_change_nothing(shop: Shop, names: dict[str, str]) -> None:
    server, before = shop.server(), counted()
    wrong = []
    for method, path, body in ASKED:
        text, address = json.dumps(body), path
        for name, value in names.items():
            text, address = text.replace(f"{{{name}}}", value), address.replace(f"{{{name}}}", value)
        response = getattr(server, method)(address, text, content_type="application/json")
        expected = (400, "invalid_validation_rules") if "segment" in text else (404, "not_found")
        if (response.status_code, response.json().get("key")) != expected:
            wrong.append(f"{method} {address} {text}: {response.status_code} {response.content!r}")
        if (now := counted()) != before:
            wrong.append(f"{method} {address} {text} changed {sorted(set(now.items()) - set(before.items()))}")
            before = now
    assert not wrong, "\n".join(wrong)
    assert server.get("/v1/vouchers/MINE").json()["active"] is True
