"""Many at once want the last use: exactly as many get it as there are (reliability, T1).

Each guard has its control: with the lock and the condition of the counter switched off the same race must go wrong, or
the test would prove nothing; and with only the CHECK constraint left it must still hold.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Sum
from rest_framework.test import APIClient

from config.kernel.errors import MultipleRequests
from config.project import keys
from config.project.models import Project
from config.project.statements import Part
from tests.concurrency.threads import at_once
from tests.factories import NOW, make_customer, make_project, make_shop, make_voucher
from tracking.services import recounts
from vouchers.errors import VoucherRefused
from vouchers.models import Redemption, Voucher, VoucherTransaction
from vouchers.payloads import parse_stackable
from vouchers.services import candidates, redemptions, unhindered, uses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.slow]
AT = NOW + timedelta(days=1)
THREADS = 100
TOGETHER = 6


def redeem_once(project: Project, index: int, code: str = "CODE", **body: Any) -> str:
    """One redemption in the words of its outcome."""
    redeemable = {"object": "voucher", "id": code, **body.pop("redeemable", {})}
    request = parse_stackable(
        {"redeemables": [redeemable], "customer": {"source_id": f"c-{index}"}, "order": {"amount": 1000}, **body}
    )
    try:
        redemptions.redeem(project=project, request=request, at=AT)
    except VoucherRefused as refused:
        return refused.key
    return "redeemed"


def race(threads: int = THREADS, **body: Any) -> Counter[str]:
    project = make_project()
    return at_once(threads, lambda index: redeem_once(project, index, **body))


def take_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every redemption holds what it decides by, also where it need not."""
    monkeypatch.setattr(unhindered, "may_try", lambda attempt: False)


def read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of redemptions that hold nothing, the first few have all read before one writes."""
    together, first, find = threading.Barrier(TOGETHER), itertools.count(), candidates.find

    def waiting(*given: Any, **options: Any) -> Any:
        found = find(*given, **options)
        if not options["lock"] and next(first) < TOGETHER:
            together.wait(timeout=30)
        return found

    monkeypatch.setattr(candidates, "find", waiting)


def switch_lock_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redemptions read the voucher without waiting for each other; the first few have all read before one writes."""
    take_locks(monkeypatch)
    together, first = threading.Barrier(TOGETHER), itertools.count()

    def unlocked(project: Project, keys: dict[str, str], customer_id: int | None) -> list[Voucher]:
        rows = candidates.matching(project, keys)
        if next(first) < TOGETHER:
            together.wait(timeout=30)
        return rows

    monkeypatch.setattr(candidates, "locked", unlocked)


def write_what_was_read(voucher: Voucher, credits: int, at: datetime) -> Part:
    """The counter as one would write it without thinking of others; `voucher` was counted up in memory."""
    sql = "UPDATE vouchers_voucher SET redeemed_quantity = %s, redeemed_amount = %s WHERE id = %s RETURNING id"
    return Part(sql, (voucher.redeemed_quantity, voucher.redeemed_amount, voucher.pk))


def assert_counters_are_the_rows(uses: int) -> None:
    assert Redemption.objects.filter(result="SUCCESS").count() == uses
    assert Voucher.objects.get().redeemed_quantity == uses
    assert list(recounts.differences(project=make_project(), at=AT, fix=False)) == []


@pytest.mark.parametrize("quantity", [1, 10])
@pytest.mark.parametrize("prepare", [take_locks, read_together])
def test_a_limited_code_is_redeemed_exactly_as_often_as_allowed(
    monkeypatch: pytest.MonkeyPatch, prepare: Callable[[pytest.MonkeyPatch], None], quantity: int
) -> None:
    prepare(monkeypatch)
    make_voucher(code="CODE", quantity=quantity)
    assert race() == {"redeemed": quantity, "quantity_exceeded": THREADS - quantity}
    assert_counters_are_the_rows(quantity)
    assert Redemption.objects.filter(result="FAILURE", failure_code="quantity_exceeded").count() == THREADS - quantity


def test_one_customer_redeeming_many_codes_at_once_loses_no_count() -> None:
    project = make_project()
    customer = make_customer(project=project, source_id="c-1")
    for index in range(20):
        make_voucher(project=project, code=f"CODE-{index}", quantity=1)
    outcomes = at_once(20, lambda index: redeem_once(project, 1, f"CODE-{index}"))
    customer.refresh_from_db()
    assert outcomes == {"redeemed": 20}
    assert (customer.redemptions_succeeded, customer.orders_total_count, customer.orders_total_amount) == (
        20,
        20,
        18000,
    )


def test_a_gift_card_never_pays_more_than_it_has() -> None:
    make_voucher(code="CODE", gift_amount=3000)
    outcomes = race(redeemable={"gift": {"credits": 300}})
    assert outcomes == {"redeemed": 10, "gift_amount_exceeded": THREADS - 10}
    card = Voucher.objects.get()
    ledger = VoucherTransaction.objects.aggregate(paid=Sum("amount"))["paid"]
    assert (card.gift_balance, card.redeemed_amount, ledger) == (0, 3000, -3000)
    assert_counters_are_the_rows(10)


def test_all_doors_end_in_the_same_guard() -> None:
    shop = make_shop(client_side=("redeem",))
    make_voucher(project=shop.project, code="CODE", quantity=10)
    doors: list[tuple[Callable[[], APIClient], str, dict[str, Any]]] = [
        (shop.server, "/v1/redemptions", {"redeemables": [{"object": "voucher", "id": "CODE"}]}),
        (shop.server, "/v1/vouchers/CODE/redemption", {}),
        (shop.browser, "/client/v1/redeem?code=CODE", {}),
        (shop.browser, "/client/v1/redemptions", {"redeemables": [{"object": "voucher", "id": "CODE"}]}),
    ]

    def knock(index: int) -> str:
        client, path, body = doors[index % len(doors)]
        answer = client().post(path, body | {"customer": {"source_id": f"c-{index}"}, "order": {"amount": 1000}})
        content = json.loads(answer.content)
        return f"{answer.status_code} {content.get('key', '')}".strip()

    assert at_once(60, knock) == {"200": 10, "400 quantity_exceeded": 50}
    assert Redemption.objects.filter(result="SUCCESS").count() == Voucher.objects.get().redeemed_quantity == 10
    assert list(recounts.differences(project=shop.project, at=AT, fix=False)) == []


def test_stacks_in_opposite_order_do_not_lock_each_other_out() -> None:
    project = make_project()
    for code in ("A", "B"):
        make_voucher(project=project, code=code, quantity=15)

    def redeem_both(index: int) -> str:
        codes = ("A", "B") if index % 2 else ("B", "A")
        request = parse_stackable({"redeemables": [{"object": "voucher", "id": code} for code in codes]})
        try:
            redemptions.redeem(project=project, request=request, at=AT)
        except VoucherRefused as refused:
            return refused.key
        return "redeemed"

    assert at_once(30, redeem_both) == {"redeemed": 15, "quantity_exceeded": 15}
    assert {voucher.redeemed_quantity for voucher in Voucher.objects.all()} == {15}


def test_control_without_lock_and_condition_too_many_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    make_voucher(code="CODE", quantity=1)
    switch_lock_off(monkeypatch)
    monkeypatch.setattr(uses, "of_voucher", write_what_was_read)
    outcomes = race(30)
    assert outcomes["redeemed"] > 1
    with pytest.raises(AssertionError):
        assert_counters_are_the_rows(1)


def test_control_unhindered_without_the_condition_too_many_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    make_voucher(code="CODE", quantity=1)
    read_together(monkeypatch)
    monkeypatch.setattr(unhindered, "use_of", lambda voucher, at: write_what_was_read(voucher, 0, at))
    assert race(30)["redeemed"] > 1
    with pytest.raises(AssertionError):
        assert_counters_are_the_rows(1)


def test_control_unhindered_without_the_condition_the_check_constraint_holds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_voucher(code="CODE", quantity=1)
    read_together(monkeypatch)
    monkeypatch.setattr(uses, "LEFT", "%s::bigint IS NOT NULL")
    assert race(30) == {"redeemed": 1, "quantity_exceeded": 29}
    assert_counters_are_the_rows(1)
    assert "has a hole" in caplog.text


def test_control_without_lock_and_condition_a_gift_card_pays_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    make_voucher(code="CODE", gift_amount=300)
    switch_lock_off(monkeypatch)
    monkeypatch.setattr(uses, "of_voucher", write_what_was_read)
    assert race(30, redeemable={"gift": {"credits": 300}})["redeemed"] > 1
    assert VoucherTransaction.objects.aggregate(paid=Sum("amount"))["paid"] < -300


def test_control_without_the_lock_the_condition_of_the_counter_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    make_voucher(code="CODE", quantity=1)
    switch_lock_off(monkeypatch)
    assert race(30) == {"redeemed": 1, "quantity_exceeded": 29}
    assert_counters_are_the_rows(1)


def test_control_without_lock_and_condition_the_check_constraint_holds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_voucher(code="CODE", quantity=1)
    switch_lock_off(monkeypatch)
    monkeypatch.setattr(uses, "LEFT", "%s::bigint IS NOT NULL")
    assert race(30) == {"redeemed": 1, "quantity_exceeded": 29}
    assert_counters_are_the_rows(1)
    assert "has a hole" in caplog.text


def test_a_voucher_that_another_transaction_holds_is_multiple_requests() -> None:
    project = make_project()
    make_voucher(project=project, code="CODE")

    def impatient(index: int) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        try:
            return redeem_once(project, index)
        except MultipleRequests as refused:
            return refused.key
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")

    with transaction.atomic():
        Voucher.objects.select_for_update().get()
        assert at_once(1, impatient) == {"multiple_requests": 1}
    assert Redemption.objects.count() == 0


def test_one_idempotency_key_from_many_threads_is_one_redemption_with_one_answer() -> None:
    shop = make_shop()
    make_voucher(project=shop.project, code="CODE")
    body = {"redeemables": [{"object": "voucher", "id": "CODE"}], "customer": {"source_id": "c-1"}}
    answers: list[bytes] = []

    def knock(index: int, key: str) -> str:
        answer = shop.server().post("/v1/redemptions", body, headers={"Idempotency-Key": key})
        answers.append(answer.content)
        return str(answer.status_code)

    for turn in range(3):
        answers.clear()
        assert at_once(10, lambda index, key=f"k-{turn}": knock(index, key)) == {"200": 10}  # type: ignore[misc]
        assert len(set(answers)) == 1
        assert Voucher.objects.get().redeemed_quantity == Redemption.objects.count() == turn + 1


def test_control_without_the_key_every_thread_redeems() -> None:
    shop = make_shop()
    make_voucher(project=shop.project, code="CODE")
    body = {"redeemables": [{"object": "voucher", "id": "CODE"}]}
    assert at_once(10, lambda _: str(shop.server().post("/v1/redemptions", body).status_code)) == {"200": 10}
    assert Redemption.objects.count() == 10


def test_a_lost_answer_to_commit_is_looked_up_and_never_recorded_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make_shop()
    make_voucher(project=shop.project, code="CODE")
    body = {"redeemables": [{"object": "voucher", "id": "CODE"}]}
    wrapper = type(connections["default"])
    commit = wrapper._commit

    def lose(self: Any) -> None:
        commit(self)
        monkeypatch.undo()
        raise OperationalError("server closed the connection unexpectedly")

    keys.find(
        shop.secrets["app_id"], shop.secrets["app_token"], "server", AT
    )  # so that the first COMMIT is the effect's
    monkeypatch.setattr(wrapper, "_commit", lose)
    first = shop.server().post("/v1/redemptions", body, headers={"Idempotency-Key": "k-1"})
    again = shop.server().post("/v1/redemptions", body, headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code, first.content == again.content) == (200, 200, True)
    assert list(Redemption.objects.values_list("result", flat=True)) == ["SUCCESS"]
