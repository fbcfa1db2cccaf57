"""Two people spend each other's gift cards while credits come and go: nobody waits in a circle, balances stay exact."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest

from config.kernel.errors import DomainError
from config.project import transactions
from config.project.models import Project
from customers.models import Customer
from tests.concurrency.test_redemptions import AT, redeem_once
from tests.concurrency.threads import at_once
from tests.factories import make_customer, make_project, make_voucher
from tracking.services import recounts
from vouchers.models import Redemption, Voucher
from vouchers.services import balances, holders, rollbacks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.slow]
THREADS = 60


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Project:
    project = make_project()
    for index in range(2):
        customer = make_customer(project=project, source_id=f"c-{index}")
        make_voucher(project=project, code=f"CARD-{index}", gift_amount=100_000, holder=customer, publish_count=1)
    monkeypatch.setattr(transactions, "AGAIN", frozenset())  # a deadlock is an outcome here, not tried again
    return project


def work(project: Project, index: int) -> str:
    """Most spend the other one's card; some add or take credits, some give back."""
    other = f"CARD-{1 - index % 2}"
    try:
        if index % 6 == 4:
            balances.adjust(project=project, voucher=Voucher.objects.get(code=other), amount=index * 7 - 100, at=AT)
            return "adjusted"
        if index % 6 == 5 and (row := Redemption.objects.filter(status="SUCCEEDED", kind="redemption").first()):
            rollbacks.roll_back(project=project, redemption=row, at=AT)
            return "rolled back"
        return redeem_once(project, index % 2, other, redeemable={"gift": {"credits": 10}})
    except DomainError as refused:
        return refused.key


def test_two_people_spend_each_others_cards_and_nobody_waits_in_a_circle(project: Project) -> None:
    outcomes = at_once(THREADS, lambda index: work(project, index))
    assert set(outcomes) <= {"redeemed", "adjusted", "rolled back", "already_rolled_back", "multiple_requests"}
    assert outcomes["redeemed"] >= THREADS // 4
    assert list(recounts.differences(project=project, at=AT, fix=False)) == []
    balance = {row.holder_id: row.gift_balance for row in Voucher.objects.all()}
    assert balance == dict(Customer.objects.values_list("pk", "gift_amount_to_go"))


def test_control_who_just_waits_for_the_holder_does_so_in_a_circle(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(vouchers: Iterable[Voucher], *, own: int | None, locked_first: Collection[int]) -> None:
        holders.lock({row.holder_id for row in vouchers if row.holder_id is not None})

    monkeypatch.setattr(holders, "keep", waits)
    outcomes: Any = at_once(THREADS, lambda index: redeem_once(project, index % 2, f"CARD-{1 - index % 2}"))
    assert any("deadlock detected" in outcome for outcome in outcomes)
