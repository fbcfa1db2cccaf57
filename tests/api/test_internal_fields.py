"""T14, the API's half: what only we write (ids, balances, counters, dates, owners) is sent to every write, in vain.

Each body is one that succeeds. Every object in it also gets all the internal fields, with values that nothing else has;
then no row of the database may hold any of those values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from config.project.models import MetadataSchema
from config.webhooks.models import Webhook
from tests.api.test_tenancy import PATH_NAME, call, client_for, full, known, operations, published
from tests.factories import NOW, Shop, make_voucher
from tests.jobs import run_queued
from tracking.models import EventSchema, Product
from vouchers.models import StackingRules

__all__ = ["full", "known", "published"]
pytestmark = pytest.mark.django_db

TEXT, NUMBER, DATE = "poison-4711", 711_711_711_711, "2001-02-03T04:05:06.789Z"
TEXTS = (
    *("public_id", "object", "project", "project_id", "customer_id", "holder_id", "account_id", "user_id"),
    *(
        "created_by",
        "result",
        "failure_code",
        "secret_hash",
        "tracking_secret",
        "webhook_token",
        "code_key",
        "email_key",
    ),
    *("vouchers_generation_status", "creation_status", "group_id", "payload", "disabled_reason", "token_hash"),
)
NUMBERS = (
    *("pk", "redeemed_quantity", "redeemed_amount", "redeemed_points", "balance", "vouchers_count", "version", "held"),
    *("rules_count", "assignments_count", "customers_count", "member_count", "published_count", "redeemed_count"),
    *("initial_amount", "discount_amount", "total_discount_amount", "total_amount", "applied_discount_amount"),
    *("total_applied_discount_amount", "items_discount_amount", "items_applied_discount_amount", "attempts"),
    *("total_redeemed", "total_spent", "orders_count", "redemptions_count", "subtracted_amount", "number"),
)
DATES = ("created_at", "updated_at", "deleted_at", "disabled_at", "date", "last_seen_at", "held_until", "published_at")
OBJECTS = {
    "summary": {"redemptions": {"total_redeemed": NUMBER}, "orders": {"total_amount": NUMBER, "total_count": NUMBER}},
    "loyalty": {"points": NUMBER, "referred_customers": NUMBER},
    "referrals": {"total": NUMBER, "campaigns": [{"referrer_id": TEXT}]},
    "system_metadata": {"source": TEXT},
    "assets": {"qr": {"id": TEXT, "url": TEXT}},
    "publish": {"object": TEXT, "count": NUMBER, "url": TEXT},
    "redemptions": {TEXT: {"date": DATE, "related_object_id": TEXT}},
    "validation_rules_assignments": {"total": NUMBER, "data": [{"rule_id": TEXT}]},
}
POISON = {
    **dict.fromkeys(TEXTS, TEXT),
    **dict.fromkeys(NUMBERS, NUMBER),
    **dict.fromkeys(DATES, DATE),
    **OBJECTS,
}
FREE = {"metadata", "rules", "headers", "schema", "properties", "filter", "parameters", "discount", "attributes"}
"""Objects whose keys are the project's own."""

TINY = {"type": "AMOUNT", "amount_off": 100}
CODE = {"redeemables": [{"object": "voucher", "id": "OPEN"}]}
ORDER = {"source_id": "new-order", "amount": 1000, "items": [{"product_id": "known-product", "quantity": 1}]}
SCHEMA = {"properties": {"n": {"type": "number", "optional": True}}}
NORA = {"source_id": "known-customer", "name": "Nora"}

BODIES: dict[tuple[str, str], Any] = {
    ("post", "/client/v1/customers"): {"source_id": "nora", "name": "Nora"},
    ("post", "/client/v1/events"): {"event": "seen", "customer": NORA},
    ("post", "/client/v1/publish"): {"campaign": {"name": "Codes"}, "customer": NORA},
    ("post", "/client/v1/qualifications"): {"customer": NORA, "order": ORDER},
    ("post", "/client/v1/redeem"): {"customer": NORA, "order": ORDER},
    ("post", "/client/v1/redemptions"): {**CODE, "customer": NORA, "order": ORDER},
    ("post", "/client/v1/validations"): {**CODE, "customer": NORA, "order": ORDER},
    ("post", "/management/v1/projects"): {"name": "New"},
    ("put", "/management/v1/projects/{project_id}"): {"name": "Renamed"},
    ("post", "/management/v1/projects/{project_id}/custom-event-schemas"): {"name": "bought", "schema": SCHEMA},
    ("put", "/management/v1/projects/{project_id}/custom-event-schemas/{public_id}"): {"schema": SCHEMA},
    ("post", "/management/v1/projects/{project_id}/metadata-schemas"): {"related_object": "order", **SCHEMA},
    ("put", "/management/v1/projects/{project_id}/metadata-schemas/{public_id}"): SCHEMA,
    ("post", "/management/v1/projects/{project_id}/stacking-rules"): {"redeemables_limit": 3},
    ("put", "/management/v1/projects/{project_id}/stacking-rules/{public_id}"): {"redeemables_limit": 4},
    ("post", "/management/v1/projects/{project_id}/webhooks"): {
        "target_url": "https://shop.example/hook",
        "events": ["voucher.created"],
    },
    ("put", "/management/v1/projects/{project_id}/webhooks/{public_id}"): {"active": False},
    ("post", "/v1/campaigns"): {
        "name": "New", "campaign_type": "DISCOUNT_COUPONS",
        "voucher": {"type": "DISCOUNT_VOUCHER", "discount": TINY, "redemption": {"quantity": 1}},
    },
    ("put", "/v1/campaigns/{campaign_id}"): {"description": "Changed", "metadata": {"a": 1}},
    ("post", "/v1/campaigns/{campaign_id}/vouchers"): {"redemption": {"quantity": 2}},
    ("post", "/v1/campaigns/{campaign_id}/vouchers/{code}"): {"redemption": {"quantity": 2}},
    ("post", "/v1/categories"): {"name": "New", "hierarchy": 1},
    ("put", "/v1/categories/{category_id}"): {"name": "Renamed", "hierarchy": 2},
    ("post", "/v1/customers"): {"source_id": "nora", "name": "Nora"},
    ("put", "/v1/customers/{id}"): {"name": "Nora"},
    ("post", "/v1/events"): {"event": "seen", "customer": NORA},
    ("post", "/v1/exports"): {"exported_object": "customer"},
    ("post", "/v1/orders"): {**ORDER, "customer": NORA},
    ("put", "/v1/orders/{order_id}"): {"amount": 2000, "status": "PAID"},
    ("post", "/v1/product-collections"): {
        "name": "New", "type": "STATIC", "products": [{"id": "{product_id}", "object": "product"}],
    },
    ("put", "/v1/product-collections/{collection_id}"): {
        "name": "Renamed", "type": "STATIC", "products": [{"id": "{product_id}", "object": "product"}],
    },
    ("post", "/v1/products"): {"source_id": "cup", "name": "Cup"},
    ("put", "/v1/products/{product_id}"): {"name": "Cup"},
    ("post", "/v1/products/{product_id}/skus"): {"source_id": "cup-red", "sku": "Red"},
    ("put", "/v1/products/{product_id}/skus/{sku_id}"): {"sku": "Blue"},
    ("post", "/v1/products/bulk"): [{"source_id": "cup", "name": "Cup"}],
    ("post", "/v1/promotions/{campaign_id}/stacks"): {"name": "New", "tiers": {"ids": ["{tier_id}"]}},
    ("put", "/v1/promotions/{campaign_id}/stacks/{stack_id}"): {"name": "Renamed"},
    ("post", "/v1/promotions/{campaign_id}/tiers"): {"name": "New", "action": {"discount": TINY}},
    ("put", "/v1/promotions/tiers/{tier_id}"): {"name": "Renamed"},
    ("post", "/v1/promotions/tiers/{tier_id}/redemption"): {"customer": NORA, "order": ORDER},
    ("post", "/v1/promotions/tiers/{tier_id}/validation"): {"customer": NORA, "order": ORDER},
    ("post", "/v1/promotions/validation"): {"customer": NORA, "order": ORDER},
    ("post", "/v1/campaigns/qualification"): {"customer": NORA, "order": ORDER},
    ("post", "/v1/vouchers/qualification"): {"customer": NORA, "order": ORDER},
    ("post", "/v1/publications"): {"campaign": {"name": "Codes"}, "customer": NORA},
    ("post", "/v1/qualifications"): {"customer": NORA, "order": ORDER},
    ("post", "/v1/redemptions"): {**CODE, "customer": NORA, "order": ORDER},
    ("post", "/v1/redemptions/{redemption_id}/rollback"): {"reason": "returned"},
    ("post", "/v1/segments"): {"name": "New", "type": "static", "customers": ["{id}"]},
    ("post", "/v1/validation-rules"): {"name": "New", "rules": {}},
    ("put", "/v1/validation-rules/{rule_id}"): {"name": "Renamed"},
    ("post", "/v1/validation-rules/{rule_id}/assignments"): {
        "related_object_type": "voucher",
        "related_object_id": "OPEN",
    },
    ("post", "/v1/validations"): {**CODE, "customer": NORA, "order": ORDER},
    ("post", "/v1/vouchers"): {"type": "DISCOUNT_VOUCHER", "discount": TINY, "redemption": {"quantity": 2}},
    ("post", "/v1/vouchers/{code}"): {"type": "GIFT_VOUCHER", "gift": {"amount": 1000}},
    ("put", "/v1/vouchers/{code}"): {"additional_info": "Changed"},
    ("post", "/v1/vouchers/{code}/balance"): {"amount": 100},
    ("post", "/v1/vouchers/{code}/redemption"): {"customer": NORA, "order": ORDER},
    ("post", "/v1/vouchers/{code}/validate"): {"customer": NORA, "order": ORDER},
}  # fmt: skip
OF_ORDERS = ("initial_amount", "discount_amount", "created_at")
MEANT = {
    "/client/v1/events": ("loyalty",),
    "/v1/events": ("loyalty",),
    "/v1/campaigns": ("vouchers_count",),
    **dict.fromkeys(("/v1/orders", "/v1/orders/{order_id}"), OF_ORDERS),
    **dict.fromkeys(
        (
            *("/client/v1/redeem", "/client/v1/redemptions", "/v1/redemptions", "/v1/vouchers/{code}/redemption"),
            "/v1/promotions/tiers/{tier_id}/redemption",
        ),
        ("initial_amount",),
    ),
}
"""What is no internal field of these: the contract lets it be sent."""
QUERIES = {"/client/v1/publish": "?campaign=Codes", "/client/v1/redeem": "?code=OPEN"}
FRESH = {("post", "/v1/vouchers/{code}"): "FRESH", ("post", "/v1/campaigns/{campaign_id}/vouchers/{code}"): "FRESH"}
NO_BODY_OF_THEIR_OWN = ("/enable", "/disable", "CSV", "/oauth/", "/export", "/permanent-deletion")
LATER = ("/async", "/import", "/rollbacks", "/vouchers/publish")
"""Lists that a job stores with the services of the single writes, and twins of what is tried here."""


def poisoned(value: Any, name: str = "", *, without: tuple[str, ...] = ()) -> Any:
    """The body with internal fields in every object that has a fixed shape. without: those that mean something here."""
    if isinstance(value, list):
        return [poisoned(item, name, without=without) for item in value]
    if not isinstance(value, dict) or name in FREE:
        return value
    poison = {key: wrong for key, wrong in POISON.items() if key not in without}
    return {**poison, **{key: poisoned(child, key, without=without) for key, child in value.items()}}


def holding_poison() -> list[str]:
    """Rows that hold one of the values, as `table: row`."""
    parts = [
        f"SELECT '{model._meta.db_table}', t::text FROM \"{model._meta.db_table}\" t"
        f" WHERE t::text ~ '{TEXT}|{NUMBER}|2001-02-03'"
        for model in apps.get_models()
        if model._meta.managed
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return [f"{table}: {row}" for table, row in cursor.fetchall()]


@pytest.fixture
def stocked(full: Shop, known: dict[str, list[str]]) -> dict[str, list[str]]:
    """What the bodies name beside the tenancy tests' project."""
    project = full.project
    make_voucher(project=project, code="OPEN")
    make_voucher(project=project, code="GIFT", gift_amount=500)
    codes = {"name": "Codes", "campaign_type": "DISCOUNT_COUPONS", "vouchers_count": 3}
    made = full.server().post("/v1/campaigns", {**codes, "voucher": {"type": "DISCOUNT_VOUCHER", "discount": TINY}})
    assert made.status_code == 200, made.json()
    run_queued()
    for number in range(3):
        answer = full.server().post(f"/v1/campaigns/{made.json()['id']}/vouchers/COUPON-{number}", {})
        assert answer.status_code == 200, answer.json()
    event = EventSchema.objects.create(project=project, name="sold", created_at=NOW)
    metadata = MetadataSchema.objects.create(project=project, related_object="voucher", created_at=NOW)
    hook = Webhook.objects.create(project=project, target_url="https://shop.example/", created_at=NOW)
    stacking = StackingRules.objects.create(project=project, created_at=NOW)
    redeemed = full.server().post("/v1/redemptions", CODE).json()["redemptions"][0]["id"]
    return {
        **known,
        "coupons": [made.json()["id"]],
        "custom-event-schemas": [event.public_id],
        "metadata-schemas": [metadata.public_id],
        "webhooks": [hook.public_id],
        "stacking-rules": [stacking.public_id],
        "redemption_id": [redeemed],
        "product_id": [Product.objects.get(project=project, source_id="known-product").public_id],
    }


def address_of(operation: tuple[str, str], stocked: dict[str, list[str]]) -> str:
    path = operation[1]
    values = {name: stocked[name][0] for name in PATH_NAME.findall(path) if stocked.get(name)}
    values["id"] = stocked["order_id" if "/orders" in path else "customer_id"][0]
    if "{public_id}" in path:
        values["public_id"] = next(iter(stocked[path.split("/")[-2]]), "missing")
    if operation in FRESH:
        values["code"] = FRESH[operation]
    elif path.endswith("/balance"):
        values["code"] = "GIFT"
    elif "{code}" in path:
        values["code"] = "OPEN"
    if "/campaigns/" in path:
        values["campaign_id"] = stocked["coupons"][0]
    if "/promotions/" in path and "campaign_id" in values:
        values["campaign_id"] = stocked["promotion"][0]
    return PATH_NAME.sub(lambda match: values[match[1]], path) + QUERIES.get(path, "")


def named(value: Any, stocked: dict[str, list[str]]) -> Any:
    """Placeholders in bodies."""
    if isinstance(value, list):
        return [named(item, stocked) for item in value]
    if isinstance(value, dict):
        return {key: named(child, stocked) for key, child in value.items()}
    if isinstance(value, str) and (match := PATH_NAME.fullmatch(value)):
        return stocked["customer_id" if match[1] == "id" else match[1]][0]
    return value


def writes(published: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for method, path in operations(published):
        apart = path.endswith(LATER) or any(part in path for part in NO_BODY_OF_THEIR_OWN)
        if method in ("post", "put", "patch") and not apart:
            yield method, path


def test_nothing_internal_can_be_written(published: dict[str, Any], full: Shop, stocked: dict[str, list[str]]) -> None:
    promotions = apps.get_model("vouchers.Campaign").objects.filter(project=full.project, campaign_type="PROMOTION")
    stocked["promotion"] = [promotions.get().public_id]
    wrong: list[str] = []
    assert not holding_poison()
    for operation in writes(published):
        method, path = operation
        if operation not in BODIES:
            wrong.append(f"{method} {path}: no body")
            continue
        body = poisoned(named(BODIES[operation], stocked), without=MEANT.get(path, ()))
        with transaction.atomic():
            if operation == ("post", "/management/v1/projects/{project_id}/stacking-rules"):
                StackingRules.objects.all().delete()  # a project has them once
            response = call(client_for(full, path), method, address_of(operation, stocked), body)
            run_queued()
            if response.status_code not in (200, 202):
                wrong.append(f"{method} {path}: {response.status_code} {response.content[:300]!r}")
            wrong += [f"{method} {path}: {row[:1500]}" for row in holding_poison()]
            transaction.set_rollback(True)
    assert not wrong, "\n".join(wrong)
