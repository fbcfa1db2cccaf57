"""Fuzzing by the published schema: however odd a request is, its answer has a published status and shape.

`FUZZ_EXAMPLES` sets how many requests each operation gets.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.db import connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import content_type_conformance, not_a_server_error, response_schema_conformance
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import status_code_conformance

from config.wsgi import application
from tests.factories import (
    NOW,
    ORIGIN,
    CampaignFactory,
    ProductFactory,
    Shop,
    SkuFactory,
    make_customer,
    make_rule,
    make_segment,
    make_shop,
    make_voucher,
)
from tracking.models import Order, ProductCollection
from vouchers.models import Category, PromotionStack, PromotionTier, RuleAssignment

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


MUST_SUCCEED = (
    *("POST /v1/customers", "PUT /v1/customers/{id}", "GET /v1/customers"),
    *("POST /v1/customers/bulk/async", "POST /v1/customers/metadata/async"),
    *("GET /v1/customers/{customer_id}/redeemables", "POST /v1/customers/{id}/permanent-deletion"),
    *("POST /v1/vouchers", "PUT /v1/vouchers/{code}", "POST /v1/vouchers/{code}/redemption"),
    *("POST /v1/validations", "POST /v1/redemptions", "GET /v1/redemptions", "POST /v1/validation-rules"),
    *("POST /v1/orders", "PUT /v1/orders/{order_id}", "GET /v1/orders"),
    *("POST /v1/products", "PUT /v1/products/{product_id}", "POST /v1/products/{product_id}/skus", "GET /v1/products"),
    *("GET /client/v1/validate", "POST /client/v1/validations", "POST /client/v1/redemptions"),
)
"""Operations that fuzzing must have got through at least once, or it proves little."""
SENSIBLE = {"exported_object": "customer", "related_object_type": "voucher", "object": "voucher"}
NAMED_BY = {
    **{"code": "code", "related_object_id": "code", "rule": "rule_id", "validation_rules": "rule_id"},
    **{"source_id": "id", "customer": "id", "tracking_id": "id"},
}
"""Which known identifier a property names."""


@dataclass
class Target:
    """The application with something in it, and identifiers that exist, by the name of the path parameter."""

    shop: Shop
    headers: dict[str, dict[str, str]]
    known: dict[str, list[str]]


@pytest.fixture
def target(transactional_db: None) -> Target:
    shop = make_shop(client_side=("all",))
    project = shop.project
    customer = make_customer(project=project, source_id="crm/1", email="nora@shop.example", metadata={"vip": True})
    voucher = make_voucher(project=project, code="TEN")
    gift = make_voucher(project=project, code="GIFT/1", gift_amount=5000, discount=None)
    rule = make_rule(voucher, rules={})
    segment = make_segment(project=project)
    product = ProductFactory.create(project=project, source_id="mug/1")
    SkuFactory.create(product=product, source_id="mug/red")
    collection = ProductCollection.objects.create(project=project, name="All", created_at=NOW)
    order = Order.objects.create(project=project, source_id="order/1", customer=customer, created_at=NOW)
    template = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
    campaign = CampaignFactory.create(
        project=project, name="Camp/1", type="AUTO_UPDATE", voucher=template, vouchers_count=0
    )
    promotion = CampaignFactory.create(project=project, campaign_type="PROMOTION", name="Promo")
    tier = PromotionTier.objects.create(
        project=project, campaign=promotion, name="Tier", action={"discount": template["discount"]}, created_at=NOW
    )
    stack = PromotionStack.objects.create(
        project=project, campaign=promotion, name="Stack", tier_ids=[tier.public_id], created_at=NOW
    )
    category = Category.objects.create(project=project, name="Category", created_at=NOW)
    secrets = shop.secrets
    return Target(
        shop=shop,
        headers={
            "/v1": {"X-App-Id": secrets["app_id"], "X-App-Token": secrets["app_token"]},
            "/client/v1": {
                "X-Client-Application-Id": secrets["client_app_id"],
                "X-Client-Token": secrets["client_token"],
                "Origin": ORIGIN,
            },
            "/management/v1": {
                "X-Management-Id": secrets["management_id"],
                "X-Management-Token": secrets["management_token"],
            },
        },
        known={
            "code": [voucher.code, gift.code, voucher.public_id],
            "rule_id": [rule.public_id],
            "assignment_id": [RuleAssignment.objects.get().public_id],
            "id": [customer.public_id, "crm/1"],
            "customer_id": [customer.public_id, "crm/1"],
            "segment_id": [segment.public_id],
            "project_id": [project.public_id],
            "order_id": ["order/1", order.public_id],
            "product_id": ["mug/1", product.public_id],
            "sku_id": ["mug/red"],
            "collection_id": [collection.public_id, "pc_a11pr0dUc75"],
            "related_object": ["customer"],
            "campaign_id": [campaign.public_id, "Camp/1", promotion.public_id],
            "tier_id": [tier.public_id],
            "stack_id": [stack.public_id],
            "category_id": [category.public_id],
        },
    )


@pytest.fixture
def published(target: Target) -> Iterator[Any]:
    yield schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    connections.close_all()


def headers_for(target: Target, path: str) -> dict[str, str]:
    return next((keys for prefix, keys in target.headers.items() if path.startswith(prefix + "/")), {})


def tame(value: Any, real: dict[str, str], key: str = "", depth: int = 0) -> Any:
    """The generated value, brought near enough to sense to get past the reading: known names, storable values."""
    match value:
        case dict():
            if key == "metadata" or depth > 3:
                return {}
            return {name: tame(child, real, name, depth + 1) for name, child in value.items() if "\0" not in name}
        case list():
            found = [tame(child, real, key, depth + 1) for child in value[:5]]
            return found[:1] if key == "redeemables" else found
        case str():
            return SENSIBLE.get(key, real.get(NAMED_BY.get(key, ""), value.replace("\0", "")))
        case bool() | None:
            return value
        case int() | float():
            return abs(int(value)) % 100_000 + 1
    return value


def sensible(body: Any, real: dict[str, str], path: str) -> Any:
    """A body that names what exists, and where a voucher is made has something to offer."""
    tamed = tame(body, real)
    if not isinstance(tamed, dict):
        return tamed
    for redeemable in tamed.get("redeemables") or []:
        redeemable |= {"object": "voucher", "id": real["code"]}
    for name, owner in (("id", tamed.get("customer")), ("id", tamed.get("order")), ("customer", tamed.get("order"))):
        if isinstance(owner, dict):
            owner.pop(name, None)
    if path.endswith(("/publications", "/publish")):
        tamed |= {"voucher": None, "campaign": {"name": "Camp/1"}, "source_id": None}
    if path.endswith("/tiers"):
        tamed = {"name": "Another", "hierarchy": tamed.get("hierarchy")}
    if path.endswith("/v1/qualifications"):
        tamed.pop("options", None)
    if path in ("/v1/vouchers", "/v1/vouchers/{code}"):
        for name in ("campaign", "campaign_id", "category_id", "code_config", "loyalty_card", "validity_hours"):
            tamed.pop(name, None)
        tamed.pop("validity_timeframe", None)
        tamed |= {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}, "gift": None}
    return tamed


def fuzz(operation: Any, target: Target, mode: GenerationMode) -> Counter[int]:
    """Send EXAMPLES requests of one operation, half of them about things that exist. Returns the statuses."""
    statuses: Counter[int] = Counter()
    known = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in target.known.items()})
    names = {parameter.name for parameter in operation.path_parameters}

    @seed(20260203)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.none() | known)
    def send(case: Any, real: dict[str, str] | None) -> None:
        if real:
            given_path = case.path_parameters or {}
            case.path_parameters = {**given_path, **{name: real[name] for name in names & set(real)}}
            if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
                case.body = sensible(case.body, real, operation.path)
            if "code" in (case.query or {}):
                case.query = {**case.query, "code": real["code"]}
        case.headers = {**(case.headers or {}), **headers_for(target, operation.path)}
        statuses[case.call_and_validate(checks=CHECKS).status_code] += 1

    send()
    return statuses


def takes_away(operation: Any) -> int:
    """How much of what others are tried with: nothing, something, or the project itself, and every key with it."""
    if operation.method == "delete" and operation.path.endswith("/projects/{project_id}"):
        return 2
    return int(operation.method == "delete" or operation.path.endswith("/permanent-deletion"))


def describe(error: BaseException) -> str:
    """The failures of one operation, without what makes each run different."""
    inner = getattr(error, "exceptions", (error,))
    return "; ".join(f"{type(part).__name__}: {str(part)[:1200]}" for part in inner) + f"\n{str(error)[-400:]}"


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["meant", "bent"])
def test_every_operation_answers_as_published(published: Any, target: Target, mode: GenerationMode) -> None:
    failures: list[str] = []
    accepted: Counter[str] = Counter()
    operations = [result.ok() for result in published.get_all_operations()]
    for operation in sorted(operations, key=takes_away):
        try:
            statuses = fuzz(operation, target, mode)
            accepted[operation.label] = sum(count for status, count in statuses.items() if status < 300)
        except (Exception, FailureGroup) as error:  # noqa: BLE001  all operations are tried before the test fails
            failures.append(f"{operation.label}: {describe(error)}")
    assert not failures, f"{len(failures)} operations:\n\n" + "\n\n".join(failures)
    if mode is GenerationMode.POSITIVE:
        assert [label for label in MUST_SUCCEED if not accepted[label]] == [], "refused whatever was sent"
