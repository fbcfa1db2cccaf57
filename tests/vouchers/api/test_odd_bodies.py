"""Bodies that no client means, for campaigns, promotions, publications and qualifications: never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.factories import NOW, CampaignFactory, Shop, make_shop
from vouchers.models import Campaign, PromotionTier

pytestmark = pytest.mark.django_db
LONG, HUGE = "x" * 10_000, 2**63
ODD: tuple[Any, ...] = (
    *("", LONG, "\ud800", 0, -1, 1.5, HUGE, 1e308, True, [], {}, [[]], [None], {"": None}, [{}], {"type": []}),
    *({"ids": [1]}, {"name": []}, {"discount": []}, {"discount": {"type": "AMOUNT", "amount_off": HUGE}}),
    *({"discount": {"type": "UNIT", "unit_type": []}}, {"daily": 5}, {"duration": 5, "interval": []}, ["a"], [9]),
    *({"points": "x"}, {"points": HUGE}, {"amount": "x"}, {"pattern": "#" * 300}, {"charset": []}),
)
CAMPAIGN = {
    "name": "New",
    "campaign_type": "DISCOUNT_COUPONS",
    "voucher": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 1}},
}
CALLS: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    ("post", "/v1/campaigns", CAMPAIGN, (
        "name", "campaign_type", "type", "voucher", "vouchers_count", "metadata", "validation_rules", "category_id",
        "activity_duration_after_publishing", "validity_timeframe", "validity_day_of_week", "validity_hours",
        "start_date", "promotion", "referral_program", "access_settings", "description",
    )),
    ("post", "/v1/campaigns", {"name": "L", "voucher": {"type": "LOYALTY_CARD"}}, ("loyalty_card",)),
    ("put", "/v1/campaigns/Camp", {}, (
        "discount", "metadata", "unset_metadata_fields", "category", "type", "validity_hours", "gift", "join_once",
    )),
    ("post", "/v1/campaigns/Camp/vouchers", {}, ("code", "code_config", "redemption", "category", "metadata")),
    ("post", "/v1/campaigns/Camp/vouchers?vouchers_count=2", {}, ("code_config", "redemption", "start_date")),
    ("post", "/v1/promotions/Promo/tiers", {"name": "T"}, (
        "name", "action", "banner", "hierarchy", "validation_rules", "validity_hours", "metadata", "category_id",
    )),
    ("put", "/v1/promotions/tiers/{tier}", {}, ("name", "action", "hierarchy", "validation_rules", "active")),
    ("post", "/v1/promotions/Promo/stacks", {"name": "S"}, ("name", "tiers", "category_id")),
    ("post", "/v1/publications", {"campaign": "Camp", "customer": {"source_id": "a"}}, (
        "voucher", "campaign", "customer", "source_id", "metadata", "channel",
    )),
    ("post", "/v1/vouchers/publish", {"campaign": "Camp"}, ("customer", "voucher")),
    ("post", "/v1/qualifications", {}, ("scenario", "options", "customer", "order", "tracking_id", "metadata")),
    ("post", "/v1/campaigns/qualification", {}, ("customer", "order", "options")),
    ("post", "/v1/promotions/validation", {}, ("customer", "order", "metadata", "options", "tracking_id")),
    ("post", "/v1/promotions/tiers/{tier}/validation", {}, ("customer", "order")),
    ("post", "/v1/categories", {"name": "C", "hierarchy": 1}, ("name", "hierarchy")),
)  # fmt: skip


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    CampaignFactory.create(project=shop.project, name="Camp", type="AUTO_UPDATE", voucher=CAMPAIGN["voucher"],
                           vouchers_count=0)  # fmt: skip
    promotion: Campaign = CampaignFactory.create(
        project=shop.project, name="Promo", campaign_type="PROMOTION", voucher=None
    )
    PromotionTier.objects.create(project=shop.project, campaign=promotion, name="T", created_at=NOW)
    return shop


def send(client: APIClient, method: str, address: str, body: Any) -> Any:
    """As escaped JSON, which can say halves of surrogate pairs."""
    return getattr(client, method)(address, json.dumps(body), content_type="application/json")


@pytest.mark.parametrize(("method", "path", "body", "names"), CALLS)
def test_odd_values_are_survived(
    shop: Shop, method: str, path: str, body: dict[str, Any], names: tuple[str, ...]
) -> None:
    client = shop.server()
    address = path.replace("{tier}", PromotionTier.objects.get().public_id)
    wrong = []
    for name in names:
        for odd in ODD:
            response = send(client, method, address, {**body, name: odd})
            if response.status_code >= 500:
                wrong.append((name, repr(odd)[:80], response.status_code))
    for whole in (None, [], [1], "x", 5):
        response = send(client, method, address, whole)
        if response.status_code >= 500:
            wrong.append(("body", repr(whole), response.status_code))
    assert wrong == []


@pytest.mark.parametrize("column", ["Code", "Active", "Gift Amount", "Redemption Limit", "Start Date", "Région", ""])
def test_odd_files_are_survived(shop: Shop, column: str) -> None:
    for cell in ("", '"', "\ud7ff", "-1", "1e999", "NaN", "9" * 400, "=1+1", "\x00", LONG):
        file = SimpleUploadedFile("x.csv", f"Code,{column}\nA,{cell}\n".encode())
        response = shop.server().post("/v1/campaigns/Camp/importCSV", {"file": file}, format="multipart")
        assert response.status_code in (200, 400), (cell, response.content)
