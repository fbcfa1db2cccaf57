"""Rollbacks, sessions and orders under many hands at once, each guard with its control (reliability, T1 and T17)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from config.kernel.errors import DomainError
from config.project.models import Project
from tests.concurrency.test_redemptions import AT, redeem_once
from tests.concurrency.threads import at_once
from tests.factories import make_project, make_voucher
from tracking.models import Order
from tracking.services import recounts
from vouchers.models import Redemption, SessionLock, Voucher, VoucherTransaction
from vouchers.payloads import parse_stackable
from vouchers.services import redemptions, rollbacks, sessions, unhindered, validations

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.slow]
THREADS = 40


def assert_counters_are_the_rows() -> None:
    for voucher in Voucher.objects.all():
        rows = Redemption.objects.filter(voucher=voucher, kind="redemption", result="SUCCESS")
        assert voucher.redeemed_quantity == rows.exclude(status="ROLLED_BACK").count()
        ledger = VoucherTransaction.objects.filter(voucher=voucher).aggregate(paid=Sum("amount"))["paid"] or 0
        assert voucher.redeemed_amount == -ledger
    assert list(recounts.differences(project=make_project(), at=AT, fix=False)) == []


def roll_back(redemption: Redemption) -> str:
    try:
        rollbacks.roll_back(project=redemption.project, redemption=redemption, at=AT)
    except DomainError as refused:
        return refused.key
    return "rolled back"


def lock(project: Project, key: str, code: str = "CODE") -> str:
    request = parse_stackable(
        {"redeemables": [{"object": "voucher", "id": code}], "session": {"type": "LOCK", "key": key}}
    )
    done = validations.validate(project=project, request=request, at=AT)
    return "held" if done.valid else done.stack.outcomes[0].refusals[0].key


def test_one_redemption_is_rolled_back_once_while_others_wait_for_its_use() -> None:
    project = make_project()
    make_voucher(project=project, code="CODE", quantity=1)
    redeem_once(project, 0)
    first = Redemption.objects.get()
    outcomes = at_once(THREADS, lambda i: roll_back(first) if i % 4 == 0 else redeem_once(project, 1))
    assert outcomes["rolled back"] == 1
    assert outcomes["redeemed"] <= 1
    assert set(outcomes) <= {"rolled back", "redeemed", "quantity_exceeded", "already_rolled_back", "multiple_requests"}
    assert Redemption.objects.filter(kind="redemption_rollback", result="SUCCESS").count() == 1
    assert_counters_are_the_rows()


def test_a_gift_card_that_is_refunded_and_spent_at_once_balances() -> None:
    project = make_project()
    make_voucher(project=project, code="CODE", gift_amount=1000)
    for index in range(5):
        redeem_once(project, index, redeemable={"gift": {"credits": 200}})
    spent = list(Redemption.objects.order_by("pk"))
    outcomes = at_once(
        THREADS,
        lambda i: roll_back(spent[i % 5]) if i % 2 else redeem_once(project, i, redeemable={"gift": {"credits": 200}}),
    )
    assert outcomes["rolled back"] == 5
    assert outcomes["redeemed"] <= 5
    assert_counters_are_the_rows()


def test_control_without_the_lock_the_constraint_lets_only_one_rollback_in(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    project = make_project()
    make_voucher(project=project, code="CODE", quantity=1)
    redeem_once(project, 0)
    first, together = Redemption.objects.get(), threading.Barrier(4)

    def unlocked(attempt: Any) -> tuple[Redemption, list[Redemption]]:
        row = Redemption.objects.get(pk=attempt.redemption.pk)
        together.wait(timeout=30)
        return row, []

    monkeypatch.setattr(rollbacks, "_locked", unlocked)
    monkeypatch.setattr(rollbacks, "_locked_order", lambda root: Order.objects.filter(pk=root.order_id).first())
    outcomes = at_once(4, lambda _: roll_back(first))
    assert outcomes["rolled back"] == 1
    assert outcomes["rolled back"] + outcomes["multiple_requests"] == 4
    assert "has a hole" in caplog.text
    assert_counters_are_the_rows()


def test_one_use_goes_to_one_session_or_one_redemption() -> None:
    for turn in range(3):
        project = make_project(f"Shop {turn}")
        make_voucher(project=project, code="CODE", quantity=1)
        outcomes = at_once(THREADS, lambda i, p=project: lock(p, f"k{i}") if i % 2 else redeem_once(p, i))  # type: ignore[misc]
        assert outcomes["held"] + outcomes["redeemed"] == 1
        assert outcomes["quantity_exceeded"] == THREADS - 1
        locks = SessionLock.objects.of(project).count()
        assert locks + Voucher.objects.of(project).get().redeemed_quantity == 1


def test_ten_uses_go_to_ten_sessions_and_each_redeems_its_own() -> None:
    project = make_project()
    make_voucher(project=project, code="CODE", quantity=10)
    assert at_once(THREADS, lambda i: lock(project, f"k{i}")) == {"held": 10, "quantity_exceeded": THREADS - 10}
    session = {"session": {"type": "LOCK"}}
    keys = [row.key for row in SessionLock.objects.all()]

    def redeem(index: int) -> str:
        key = keys[index % 10] if index < 10 else f"stranger-{index}"
        return redeem_once(project, index, **{"session": {**session["session"], "key": key}})

    assert at_once(THREADS, redeem) == {"redeemed": 10, "quantity_exceeded": THREADS - 10}
    assert SessionLock.objects.count() == 0
    assert_counters_are_the_rows()


def test_control_when_locks_are_weighed_before_the_row_is_locked_a_use_is_given_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What one would write first: sums of other tables are read, and only then the row is waited for."""
    project = make_project()
    make_voucher(project=project, code="CODE", quantity=1)
    together = threading.Barrier(2)

    def early(vouchers: Any, **situation: Any) -> frozenset[int]:
        for row in vouchers:
            row.held = (SessionLock.objects.filter(voucher_id=row.pk).count(), 0)
        return frozenset()

    find = redemptions.candidates.find

    def unlocked(project: Project, redeemables: Any, **options: Any) -> Any:
        found = find(project, redeemables)
        early([entry.voucher for entry in found if entry.voucher])
        together.wait(timeout=30)
        return found

    monkeypatch.setattr(unhindered, "may_try", lambda attempt: False)
    monkeypatch.setattr(redemptions.candidates, "find", unlocked)
    monkeypatch.setattr(sessions, "weigh", lambda vouchers, **situation: frozenset())
    outcomes = at_once(2, lambda i: lock(project, f"k{i}") if i % 2 else redeem_once(project, i))
    assert outcomes == {"held": 1, "redeemed": 1}


def test_one_session_at_one_moment_is_used_by_one_request() -> None:
    project = make_project()
    make_voucher(project=project, code="CODE")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('session k', %s))", [project.pk])
        assert at_once(1, lambda _: redeem_once(project, 1, session={"type": "LOCK", "key": "k"})) == {
            "MultipleRequests: Another request is working in the same session": 1
        }
        cursor.execute("SELECT pg_advisory_unlock_all()")
    assert Redemption.objects.count() == 0


def test_one_order_is_redeemed_by_one_request_at_a_time() -> None:
    project = make_project()
    make_voucher(project=project, code="CODE", discount={"type": "AMOUNT", "amount_off": 10})

    def redeem(index: int) -> str:
        try:
            return redeem_once(project, 1, order={"source_id": "o-1", "amount": 1000})
        except DomainError as refused:
            return refused.key

    outcomes = at_once(THREADS, redeem)
    assert set(outcomes) <= {"redeemed", "multiple_requests"}
    order = Order.objects.get()
    assert order.discount_amount == 10 * outcomes["redeemed"]
    assert len(order.redemptions) == outcomes["redeemed"] == Voucher.objects.get().redeemed_quantity
    assert_counters_are_the_rows()
