"""A project's data is nobody else's: every operation with keys of a second project, of the wrong kind, and with none.

The first project is full of canaries: texts that may not come back in any body, header or cookie of anybody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from tests.factories import (
    NOW,
    CampaignFactory,
    Shop,
    make_customer,
    make_rule,
    make_segment,
    make_shop,
    make_voucher,
)
from tracking.models import Order, Product, ProductCollection, Sku
from vouchers.models import Campaign, Category, PromotionStack, PromotionTier, Publication, Redemption, RuleAssignment

pytestmark = pytest.mark.django_db
CANARY = "canary-8f2b"
METHODS = ("get", "post", "put", "delete", "patch")
PATH_NAME = re.compile(r"{(\w+)}")


@pytest.fixture
def published() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture
def full() -> Shop:
    """A project with one of everything, and a canary in every text of it."""
    shop = make_shop("Full", client_side=("all",))
    project = shop.project
    customer = make_customer(
        project=project,
        source_id="known-customer",
        name=CANARY,
        email=f"{CANARY}@shop.example",
        phone=CANARY,
        address={"city": CANARY},
        metadata={"secret": CANARY},
    )
    category = Category.objects.create(project=project, name=CANARY, created_at=NOW)
    campaign = CampaignFactory.create(project=project, name=CANARY, category=category)
    promotion = CampaignFactory.create(project=project, name=f"{CANARY} promotion", campaign_type="PROMOTION")
    tier = PromotionTier.objects.create(project=project, campaign=promotion, name=CANARY, created_at=NOW)
    PromotionStack.objects.create(
        project=project, campaign=promotion, name=CANARY, tier_ids=[tier.public_id], created_at=NOW
    )
    voucher = make_voucher(
        project=project,
        code="KNOWN-CODE",
        campaign=campaign,
        holder=customer,
        additional_info=CANARY,
        metadata={"secret": CANARY},
    )
    make_rule(voucher, name=CANARY, error={"message": CANARY})
    Publication.objects.create(
        project=project, customer=customer, voucher=voucher, voucher_ids=[voucher.public_id], codes=["KNOWN-CODE"],
        result="SUCCESS", channel=CANARY, metadata={"secret": CANARY}, created_at=NOW,
    )  # fmt: skip
    make_segment(project=project, name=CANARY)
    product = Product.objects.create(project=project, name=CANARY, source_id="known-product", created_at=NOW)
    Sku.objects.create(project=project, product=product, sku=CANARY, source_id="known-sku", created_at=NOW)
    ProductCollection.objects.create(project=project, name=CANARY, created_at=NOW)
    order = Order.objects.create(
        project=project, source_id="known-order", customer=customer, metadata={"secret": CANARY}, created_at=NOW
    )
    Redemption.objects.create(
        project=project,
        public_id="r_13a0f2b6c4d1e08f55",
        voucher=voucher,
        campaign=campaign,
        customer=customer,
        order=order,
        code="KNOWN-CODE",
        result="SUCCESS",
        status="SUCCEEDED",
        metadata={"secret": CANARY},
        created_at=NOW,
    )
    return shop


@pytest.fixture
def known(full: Shop) -> dict[str, list[str]]:
    """Identifiers of the full project, by the name of the path parameter. Of exports and assets they are secrets."""
    project = full.project
    customer = project_row("customers.Customer", full)
    segment = project_row("segments.Segment", full)
    rule = project_row("vouchers.ValidationRule", full)
    return {
        "code": ["KNOWN-CODE", project_row("vouchers.Voucher", full)],
        "id": [customer, "known-customer", segment, "known-order", "known-product"],
        "rule_id": [rule],
        "assignment_id": [RuleAssignment.objects.get(project=project).public_id],
        "redemption_id": ["r_13a0f2b6c4d1e08f55"],
        "segment_id": [segment],
        "segmentId": [segment],
        "customer_id": [customer],
        "customerId": [customer],
        "order_id": ["known-order", project_row("tracking.Order", full)],
        "product_id": ["known-product"],
        "sku_id": ["known-sku"],
        "collection_id": [project_row("tracking.ProductCollection", full)],
        "project_id": [project.public_id],
        "category_id": [project_row("vouchers.Category", full)],
        "campaign_id": list(Campaign.objects.filter(project=project).values_list("public_id", flat=True)),
        "tier_id": [project_row("vouchers.PromotionTier", full)],
        "stack_id": [project_row("vouchers.PromotionStack", full)],
    }


def project_row(label: str, shop: Shop) -> str:
    return str(apps.get_model(label)._default_manager.get(project=shop.project).public_id)


def operations(published: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, item in published["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path


def filled(path: str, known: dict[str, list[str]]) -> Iterator[str]:
    """The path with identifiers that exist in the full project, once for each that may be meant."""
    names = PATH_NAME.findall(path)
    width = max((len(known.get(name, ())) for name in names), default=1) or 1
    for index in range(width):
        values = {name: (known.get(name) or ["unknown"])[index % len(known.get(name) or [1])] for name in names}
        yield PATH_NAME.sub(lambda match: values[match[1]], path)  # noqa: B023  used at once


def body_for(method: str, known: dict[str, list[str]]) -> dict[str, Any] | None:
    """One body that names the full project's things in every way an operation may ask for."""
    if method in ("get", "delete"):
        return None
    return {
        "redeemables": [{"object": "voucher", "id": "KNOWN-CODE"}],
        "customer": {"source_id": "known-customer"},
        "order": {"source_id": "known-order", "items": [{"source_id": "known-product"}, {"source_id": "known-sku"}]},
        "related_object_type": "voucher",
        "related_object_id": known["code"][1],
        "validation_rules": known["rule_id"],
        "name": "Mine",
        "type": "DISCOUNT_VOUCHER",
        "discount": {"type": "AMOUNT", "amount_off": 100},
        "exported_object": "customer",
        "event": "seen",
        "source_id": "known-customer",
        "rules": {"1": {"name": "customer.segment", "conditions": {"$is": known["segment_id"]}}},
    }


def call(client: APIClient, method: str, path: str, body: Any) -> Any:
    return getattr(client, method)(path, body, format="json") if body is not None else getattr(client, method)(path)


def call_and_forget(client: APIClient, method: str, path: str, body: Any) -> Any:
    """The answer; what the call stored in its own project is undone, so that calls do not meet each other's rows."""
    with transaction.atomic():
        response = call(client, method, path, body)
        transaction.set_rollback(True)
    return response


def everything(response: Any) -> str:
    """Body, headers and cookies."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return f"{content!r} {dict(response.items())} {response.cookies.output()}"


def client_for(shop: Shop, path: str) -> APIClient:
    if path.startswith("/client/"):
        return shop.browser()
    return shop.management() if path.startswith("/management/") else shop.server()


def test_every_route_of_the_api_is_published(published: dict[str, Any]) -> None:
    """What is not in the schema is not fuzzed and not tried here."""

    def shape(path: str) -> str:
        return PATH_NAME.sub("{}", path).rstrip("/")

    routed = {shape(path) for path in routes() if path.startswith(("/v1/", "/client/", "/management/"))}
    assert routed - {shape(path) for path in published["paths"]} == set()


def routes(patterns: Any = None, prefix: str = "/") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + re.sub(r"^\\^|/\\?|\\$$|\\^", "", unnamed(str(pattern.pattern)))
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path


def unnamed(pattern: str) -> str:
    """A route's regular expression with its groups as `{name}`."""
    out, depth, name = "", 0, ""
    index = 0
    while index < len(pattern):
        if match := re.match(r"\(\?P<(\w+)>", pattern[index:]):
            name, depth, index = match[1], 1, index + match.end()
            while depth:
                depth += {"(": 1, ")": -1}.get(pattern[index], 0)
                index += 1
            out += f"{{{name}}}"
        elif match := re.match(r"<(?:\w+:)?(\w+)>", pattern[index:]):
            out, index = out + f"{{{match[1]}}}", index + match.end()
        else:
            out, index = out + pattern[index], index + 1
    return out


def test_without_keys_or_with_keys_of_another_kind_nothing_is_told(
    published: dict[str, Any], full: Shop, known: dict[str, list[str]]
) -> None:
    wrong: list[str] = []
    for method, path in operations(published):
        own = client_for(full, path)
        others = [APIClient(), *(c for c in (full.server(), full.browser(), full.management()))]
        for number, client in enumerate(others):
            if client._credentials == own._credentials:
                continue
            for address in filled(path, known):
                response = call(client, method, address, body_for(method, known))
                public = method == "get" and PATH_NAME.search(path) and ("exports" in path or "/assets/" in path)
                if response.status_code != 401 and not (public and response.status_code in (401, 404)):
                    wrong.append(f"{number} {method} {address}: {response.status_code}")
                if CANARY in everything(response):
                    wrong.append(f"{number} {method} {address}: canary")
    assert wrong == []


def test_the_keys_of_another_project_meet_nothing_of_the_first(
    published: dict[str, Any], full: Shop, known: dict[str, list[str]]
) -> None:
    other = make_shop("Other", client_side=("all",))
    wrong: list[str] = []
    before = snapshot(full)
    for method, path in operations(published):
        client = client_for(other, path)
        for address in filled(path, known):
            response = call_and_forget(client, method, address, body_for(method, known))
            if CANARY in everything(response):
                wrong.append(f"{method} {address}: {response.status_code} canary")
            if response.status_code >= 500:
                wrong.append(f"{method} {address}: {response.status_code}")
            if (
                PATH_NAME.search(path)
                and (method, path) not in WELCOMES_STRANGERS
                and response.status_code not in (400, 401, 404)
            ):
                wrong.append(f"{method} {address}: {response.status_code} {response.content[:200]!r}")
    assert wrong == []
    assert snapshot(full) == before


WELCOMES_STRANGERS = {
    ("post", "/v1/vouchers/{code}"),
    ("post", "/v1/vouchers/{code}/validate"),
    ("get", "/v1/customers/{customer_id}/segments"),
}
"""Operations that succeed on an unknown name: they make what it names, or judge it."""


def test_the_owner_does_meet_the_canaries(published: dict[str, Any], full: Shop, known: dict[str, list[str]]) -> None:
    """The control: where nothing is hidden, the same calls find them."""
    met = {
        path
        for method, path in operations(published)
        for address in filled(path, known)
        if method == "get" and CANARY in everything(call_and_forget(client_for(full, path), method, address, None))
    }
    assert {
        *("/v1/customers", "/v1/customers/{id}", "/v1/vouchers", "/v1/vouchers/{code}", "/v1/validation-rules"),
        *("/v1/redemptions", "/v1/redemptions/{redemption_id}", "/v1/vouchers/{code}/redemption"),
    } <= met
    assert len(set(routes())) > 40


def snapshot(shop: Shop) -> str:
    """All that a foreign call could have changed."""
    server = shop.server()
    lists = ("/v1/customers", "/v1/vouchers", "/v1/redemptions", "/v1/validation-rules")
    return json.dumps([server.get(path).json() for path in lists], sort_keys=True)


def test_an_unknown_id_and_a_foreign_one_are_answered_alike(
    published: dict[str, Any], full: Shop, known: dict[str, list[str]]
) -> None:
    other = make_shop("Other", client_side=("all",))
    wrong: list[str] = []
    for method, path in operations(published):
        if not PATH_NAME.search(path) or (method, path) in WELCOMES_STRANGERS:
            continue
        client = client_for(other, path)
        nobody = {name: ["zzz-unknown"] for name in known}
        (unknown,) = filled(path, nobody)
        expected = call_and_forget(client, method, unknown, body_for(method, known)).status_code
        for address in filled(path, known):
            found = call_and_forget(client, method, address, body_for(method, known)).status_code
            if found != expected:
                wrong.append(f"{method} {address}: {found}, unknown: {expected}")
    assert wrong == []
