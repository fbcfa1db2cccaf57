"""Counters after any history equal what the facts say: recounting finds nothing."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.kernel.errors import DomainError
from config.project.models import Project
from customers.models import Customer
from tests.factories import NOW, make_customer, make_project, make_voucher
from tracking.models import Order
from tracking.services import events, orders, recounts
from vouchers.models import Redemption
from vouchers.payloads import parse_stackable
from vouchers.services import redemptions

pytestmark = pytest.mark.django_db
PEOPLE = ("crm-1", "crm-2", "new", "track_unknown")
CODES = ("TEN", "ONCE", "GIFT", "OFF", "NONE")
AMOUNTS = (0, 1, 999, 2000, 10_000)

steps = st.one_of(
    st.tuples(
        st.just("redeem"),
        st.sampled_from(PEOPLE),
        st.lists(st.sampled_from(CODES), min_size=1, max_size=2, unique=True),
        st.sampled_from(AMOUNTS),
        st.sampled_from([None, 0, 1, 300, 9000]),
    ),
    st.tuples(
        st.just("order"),
        st.sampled_from(("crm-1", "crm-2", None)),
        st.sampled_from(("CREATED", "PAID", "FULFILLED", "CANCELED")),
        st.sampled_from(AMOUNTS),
    ),
    st.tuples(
        st.just("change"),
        st.integers(0, 5),
        st.sampled_from(("PAID", "FULFILLED", "CANCELED", None)),
        st.sampled_from((*AMOUNTS, None)),
    ),
    st.tuples(st.just("event"), st.sampled_from(("crm-1", "crm-2")), st.sampled_from(("seen", "bought"))),
)


@pytest.fixture
def project() -> Project:
    project = make_project()
    for source_id in ("crm-1", "crm-2"):
        make_customer(project=project, source_id=source_id)
    make_voucher(project=project, code="TEN")
    make_voucher(project=project, code="ONCE", quantity=1)
    make_voucher(project=project, code="GIFT", gift_amount=3000, discount=None)
    make_voucher(project=project, code="OFF", active=False)
    return project


def play(project: Project, step: tuple[Any, ...], at: Any) -> None:
    """One thing that happens; refusals are a part of life."""
    match step:
        case ("redeem", person, codes, amount, credits):
            gift = {} if credits is None else {"gift": {"credits": credits}}
            redeemables = [{"object": "voucher", "id": code, **(gift if code == "GIFT" else {})} for code in codes]
            body = {"redeemables": redeemables, "customer": {"source_id": person}, "order": {"amount": amount}}
            redemptions.redeem(project=project, request=parse_stackable(body), at=at)
        case ("order", person, status, amount):
            customer = Customer.objects.filter(source_id=person).first()
            orders.save_order(project=project, order={"amount": amount}, customer=customer, at=at, status=status)
        case ("change", index, status, amount):
            known = list(Order.objects.order_by("pk"))
            if known:
                order = {"id": known[index % len(known)].public_id, **({} if amount is None else {"amount": amount})}
                orders.save_order(project=project, order=order, customer=None, at=at, status=status)
        case ("event", person, name):
            customer = Customer.objects.get(source_id=person)
            events.record(project=project, type=events.CUSTOM_EVENT, name=name, customer=customer, at=at, data={})


def test_recounting_finds_no_difference_after_any_history(project: Project) -> None:
    seen: set[str] = set()

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(history=st.lists(steps, max_size=12))
    def check(history: list[tuple[Any, ...]]) -> None:
        with transaction.atomic():
            for index, step in enumerate(history):
                with contextlib.suppress(DomainError):  # a refused attempt is recorded before it is raised
                    play(project, step, NOW + timedelta(minutes=index))
            seen.update(Redemption.objects.values_list("result", flat=True))
            assert list(recounts.differences(project=project, at=NOW, fix=False)) == []
            transaction.set_rollback(True)

    check()
    assert seen == {"SUCCESS", "FAILURE"}, "histories in which nothing happens prove nothing"
