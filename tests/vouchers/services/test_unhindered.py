"""Redemptions that hold nothing while they decide: when they may, and that they see what changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.kernel.errors import DomainError
from config.project import statements
from config.project.models import Project
from tests.factories import NOW, make_customer, make_project, make_rule, make_voucher
from tracking.models import Order
from vouchers.models import Redemption, SessionLock, Voucher
from vouchers.payloads import parse_stackable
from vouchers.services import candidates, redemptions
from vouchers.services.redemptions import Redeemed

pytestmark = pytest.mark.django_db
AT = NOW + timedelta(days=1)
COUNTS = {"1": {"name": "redemption.count.per_customer", "conditions": {"$less_than_or_equal": [5]}}}
READS = {"1": {"name": "order.amount", "conditions": {"$more_than": [1]}}}


def redeem(project: Project, *, code: str = "CODE", **body: Any) -> Redeemed:
    request = {"redeemables": [{"object": "voucher", "id": code}], "customer": {"source_id": "nora"}, **body}
    return redemptions.redeem(project=project, request=parse_stackable({"order": {"amount": 1000}, **request}), at=AT)


def locks_taken(project: Project, **body: Any) -> bool:
    """Whether the redemption locked the voucher's row."""
    with CaptureQueriesContext(
        connection,
    ) as seen:
        redeem(project, **body)
    return any("FOR NO KEY UPDATE OF v" in query["sql"] for query in seen)


def meanwhile(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Change something once, right after the voucher was read without a lock."""
    find, left = candidates.find, [change]

    def read(*given: Any, **options: Any) -> Any:
        found = find(*given, **options)
        if left:
            assert options["lock"] is False
            left.pop()()
        return found

    monkeypatch.setattr(candidates, "find", read)


def test_a_plain_discount_is_redeemed_without_locks() -> None:
    project = make_project()
    make_customer(project=project, source_id="nora")
    make_voucher(project=project, code="CODE", quantity=2)
    assert not locks_taken(project)
    assert not locks_taken(project, customer={"source_id": "new", "name": "New"})
    assert Voucher.objects.get().redeemed_quantity == 2


def test_rules_that_count_nothing_need_no_locks() -> None:
    voucher = make_voucher(code="CODE")
    make_rule(voucher, rules=READS)
    assert not locks_taken(voucher.project)


def counted() -> tuple[Project, dict[str, Any]]:
    voucher = make_voucher(code="CODE")
    make_rule(voucher, rules=COUNTS)
    return voucher.project, {}


def gift() -> tuple[Project, dict[str, Any]]:
    return make_voucher(code="CODE", gift_amount=5000).project, {}


def stored_order() -> tuple[Project, dict[str, Any]]:
    project = make_voucher(code="CODE").project
    Order.objects.create(project=project, source_id="o-1", items=[], amount=1000, created_at=NOW)
    return project, {"order": {"source_id": "o-1"}}


def overriding() -> tuple[Project, dict[str, Any]]:
    line = {"source_id": "p-1", "quantity": 1, "price": 500, "product": {"name": "Tea", "override": True}}
    return make_voucher(code="CODE").project, {"order": {"items": [line]}}


def stacked() -> tuple[Project, dict[str, Any]]:
    project = make_voucher(code="CODE").project
    make_voucher(project=project, code="OTHER")
    return project, {"redeemables": [{"object": "voucher", "id": code} for code in ("CODE", "OTHER")]}


@pytest.mark.parametrize("case", [counted, gift, stored_order, overriding, stacked])
def test_what_depends_on_others_is_held(case: Callable[[], tuple[Project, dict[str, Any]]]) -> None:
    project, body = case()
    assert locks_taken(project, **body)


def known(voucher: Voucher) -> Project:
    """The customer is stored with all that belongs to it: the redemption is one statement."""
    make_voucher(project=voucher.project, code="BEFORE")
    redeem(voucher.project, code="BEFORE")
    return voucher.project


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"active": False}, "voucher_disabled"),
        ({"redeemed_quantity": 1}, "quantity_exceeded"),
        ({"deleted_at": NOW}, "not_found"),
    ],
)
def test_what_changed_since_the_voucher_was_read_is_seen(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], key: str
) -> None:
    voucher = make_voucher(code="CODE", quantity=1)
    project = known(voucher)
    meanwhile(monkeypatch, lambda: Voucher.objects.filter(pk=voucher.pk).update(**change))
    with pytest.raises(DomainError) as refused:
        redeem(project)
    assert refused.value.key == key
    assert list(Redemption.objects.order_by("pk").values_list("result", flat=True)) == ["SUCCESS", "FAILURE"]
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_session_holds_since_the_voucher_was_read_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    voucher = make_voucher(code="CODE", quantity=1)
    project, until = known(voucher), AT + timedelta(hours=1)

    def hold() -> None:
        SessionLock.objects.create(
            project=voucher.project, voucher=voucher, key="k", quantity=1, token="t", expires_at=until, created_at=NOW
        )
        Voucher.objects.filter(pk=voucher.pk).update(held_until=until)

    meanwhile(monkeypatch, hold)
    with pytest.raises(DomainError) as refused:
        redeem(project)
    assert refused.value.key == "quantity_exceeded"


def test_the_answer_counts_the_uses_of_others_since_the_voucher_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    voucher = make_voucher(code="CODE")
    meanwhile(monkeypatch, lambda: Voucher.objects.update(redeemed_quantity=7))
    assert redeem(voucher.project).vouchers["CODE"].redeemed_quantity == 8
    assert Voucher.objects.get().redeemed_quantity == 8


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_without_locks_is_tried_again_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    project = known(make_voucher(code="CODE"))
    run, left = statements.run, [True]

    def deadlocked(*given: Any, **options: Any) -> Any:
        if options.get("required") and left and left.pop():
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$")
        return run(*given, **options)

    monkeypatch.setattr(statements, "run", deadlocked)
    assert redeem(project).vouchers["CODE"].redeemed_quantity == 1
    assert not left
    assert Voucher.objects.get(code="CODE").redeemed_quantity == 1
