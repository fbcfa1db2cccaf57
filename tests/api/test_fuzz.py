"""Fuzzing by the published schema: however odd a request is, its answer has a published status and shape.

`FUZZ_EXAMPLES` sets how many requests each operation gets.
"""

from __future__ import annotations

import os
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
from tests.factories import ORIGIN, Shop, make_customer, make_rule, make_segment, make_shop, make_voucher
from vouchers.models import RuleAssignment

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


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
    voucher = make_voucher(project=project, code="TEN", quantity=5)
    gift = make_voucher(project=project, code="GIFT/1", gift_amount=5000, discount=None)
    rule = make_rule(voucher, rules={})
    segment = make_segment(project=project)
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
            "id": [customer.public_id, "crm/1", segment.public_id],
        },
    )


@pytest.fixture
def published(target: Target) -> Iterator[Any]:
    yield schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    connections.close_all()


def headers_for(target: Target, path: str) -> dict[str, str]:
    return next((keys for prefix, keys in target.headers.items() if path.startswith(prefix + "/")), {})


def fuzz(operation: Any, target: Target, mode: GenerationMode) -> None:
    """Send EXAMPLES requests of one operation; path parameters are now and then ones that exist."""
    names = sorted(set(target.known) & {parameter.name for parameter in operation.path_parameters})
    known = st.fixed_dictionaries({name: st.sampled_from(target.known[name]) for name in names})

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
            case.path_parameters = {**(case.path_parameters or {}), **real}
        case.headers = {**(case.headers or {}), **headers_for(target, operation.path)}
        case.call_and_validate(checks=CHECKS)

    send()


def describe(error: BaseException) -> str:
    """The failures of one operation, without what makes each run different."""
    inner = getattr(error, "exceptions", (error,))
    return "; ".join(f"{type(part).__name__}: {str(part)[:1200]}" for part in inner) + f"\n{str(error)[-400:]}"


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["meant", "bent"])
def test_every_operation_answers_as_published(published: Any, target: Target, mode: GenerationMode) -> None:
    failures: list[str] = []
    for result in published.get_all_operations():
        operation = result.ok()
        try:
            fuzz(operation, target, mode)
        except (Exception, FailureGroup) as error:  # noqa: BLE001  # all operations are tried before the test fails
            failures.append(f"{operation.label}: {describe(error)}")
    assert not failures, f"{len(failures)} operations:\n\n" + "\n\n".join(failures)
