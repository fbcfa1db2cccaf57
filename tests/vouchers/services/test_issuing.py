"""Vouchers come into being, change, and go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.kernel.errors import DomainError, DuplicateFound, InvalidPayload, NotFound
from tests.factories import NOW, make_project, make_rule, make_voucher
from vouchers.errors import GiftAmountExceeded, InvalidAddBalanceParams, InvalidCodeConfig, InvalidGift, InvalidVoucher
from vouchers.models import RuleAssignment, Voucher, VoucherTransaction
from vouchers.services import balances, issuing, vouchers

pytestmark = pytest.mark.django_db
TEN: dict[str, Any] = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
LATER = NOW + timedelta(hours=1)


def create(data: dict[str, Any], code: str | None = None) -> Voucher:
    return issuing.create(project=make_project(), data=data, at=NOW, code=code)


def test_a_code_of_ones_own_is_kept_with_only_what_was_sent() -> None:
    voucher = create(TEN | {"code": "SPRING", "redemption": {"quantity": 3}, "metadata": {"a": 1}})
    stored = Voucher.objects.get(pk=voucher.pk)
    assert (stored.code, stored.discount, stored.quantity) == ("SPRING", {"type": "PERCENT", "percent_off": 10}, 3)
    assert (stored.metadata, stored.active, stored.redeemed_quantity, stored.created_at) == ({"a": 1}, True, 0, NOW)


def test_the_path_beats_the_body() -> None:
    assert create(TEN | {"code": "BODY"}, code="PATH").code == "PATH"


def test_without_a_code_one_is_generated() -> None:
    assert len(create(TEN).code) == 8
    assert create(TEN | {"code_config": {"prefix": "X-", "pattern": "##"}}).code.startswith("X-")


def test_the_same_code_twice_is_refused_and_nothing_is_left_of_the_second() -> None:
    create(TEN, code="SPRING")
    with pytest.raises(DuplicateFound) as refused:
        create(TEN, code="SPRING")
    assert refused.value.details == "Duplicated voucher exists with id SPRING"
    assert Voucher.objects.count() == 1


def test_a_pattern_that_is_used_up_is_refused() -> None:
    config = {"code_config": {"pattern": "#", "charset": "A"}}
    create(TEN | config)
    with pytest.raises(InvalidCodeConfig, match="No free code"):
        create(TEN | config)


def test_case_is_ignored_where_the_project_says_so() -> None:
    project = make_project(case_sensitive_codes=False)
    issuing.create(project=project, data=TEN, at=NOW, code="Spring")
    with pytest.raises(DuplicateFound):
        issuing.create(project=project, data=TEN, at=NOW, code="SPRING")
    assert vouchers.find(project=project, identifier="sPRING").code == "Spring"


def test_a_gift_card_opens_its_ledger() -> None:
    voucher = create({"gift": {"amount": 5000}})
    row = VoucherTransaction.objects.get()
    assert (voucher.type, voucher.gift_balance) == ("GIFT_VOUCHER", 5000)
    assert (row.type, row.amount, row.balance, row.total) == ("CREDITS_ADDITION", 5000, 5000, 5000)


def test_rules_are_assigned_once_each() -> None:
    rule = make_rule()
    voucher = create(TEN | {"validation_rules": [rule.public_id, rule.public_id]})
    assignment = RuleAssignment.objects.get()
    assert (assignment.rule, assignment.related_object_id) == (rule, voucher.public_id)


@pytest.mark.parametrize(
    ("data", "error", "details"),
    [
        ({}, InvalidVoucher, "gift or discount is missing"),
        ({"type": "DISCOUNT_VOUCHER"}, InvalidVoucher, "gift or discount is missing"),
        ({"type": "GIFT_VOUCHER", "discount": TEN["discount"]}, InvalidVoucher, "gift or discount is missing"),
        ({"type": "LOYALTY_CARD", "loyalty_card": {"points": 5}}, InvalidVoucher, "loyalty cards require a campaign"),
        ({"discount": {"type": "UNIT", "unit_off": 1}}, InvalidVoucher, "required property 'unit_type'"),
        ({"discount": {"type": "HALF"}}, InvalidVoucher, "Property .discount.type"),
        ({"discount": {"type": "AMOUNT"}}, InvalidVoucher, "should have required property 'amount_off'"),
        ({"discount": {"type": "AMOUNT", "amount_off": -1}}, InvalidVoucher, "Property .discount.amount_off"),
        ({"discount": {"type": "AMOUNT", "amount_off": 1.5}}, InvalidVoucher, "should be integer"),
        ({"discount": {"type": "AMOUNT", "amount_off": True}}, InvalidVoucher, "should be number"),
        ({"discount": {"type": "PERCENT", "percent_off": 101}}, InvalidVoucher, "from 0 to 100"),
        ({"discount": {"type": "PERCENT", "percent_off": 10, "amount_limit": "x"}}, InvalidVoucher, ".amount_limit"),
        ({"discount": {"type": "UNIT", "unit_off": 0, "unit_type": "prod_1"}}, InvalidVoucher, "from 1 to"),
        ({"discount": {"type": "UNIT", "effect": "ADD_MANY_ITEMS", "units": []}}, InvalidVoucher, "at least one entry"),
        ({"discount": {"type": "UNIT", "effect": "ADD_MANY_ITEMS", "units": [{"unit_type": "prod_1"}]}}, InvalidVoucher,
         "Property .discount.units[0].effect"),
        ({"discount": {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS_BY_QUANTITY"}}, InvalidVoucher,
         "allowed values"),
        ({"discount": {"type": "PERCENT", "percent_off": 5, "percent_off_formula": "1+"}}, InvalidVoucher,
         "Property .discount.percent_off_formula ends too early"),
        ({"gift": {"amount": 5, "effect": "APPLY_TO_LINES"}}, InvalidGift, "Property .gift.effect"),
        (TEN | {"code_config": {"length": 0}}, InvalidCodeConfig, ".code_config.length"),
        (TEN | {"code": "A\nB"}, InvalidPayload, "Property .code"),
        (TEN | {"validity_hours": {}}, InvalidPayload, "Property .validity_hours"),
        (TEN | {"validity_timeframe": {"duration": "PT1H", "interval": "P1D"}}, InvalidPayload, "needs a .start_date"),
        (TEN | {"start_date": LATER, "expiration_date": NOW}, InvalidPayload, "Property .expiration_date"),
        (TEN | {"campaign": "Nobody"}, NotFound, "Cannot find campaign with id Nobody"),
        (TEN | {"category_id": "cat_1"}, NotFound, "Cannot find category with id cat_1"),
        (TEN | {"validation_rules": ["val_1"]}, NotFound, "Cannot find validation_rules with id val_1"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_nothing_is_stored(
    data: dict[str, Any], error: type[DomainError], details: str
) -> None:
    with pytest.raises(error) as refused:
        create(data)
    assert details in str(refused.value.details)
    assert (Voucher.objects.count(), VoucherTransaction.objects.count()) == (0, 0)


def test_a_voucher_is_found_by_code_and_by_id_but_not_from_another_project_or_the_bin() -> None:
    voucher = make_voucher()
    for identifier in (voucher.code, voucher.public_id):
        assert vouchers.find(project=voucher.project, identifier=identifier) == voucher
        with pytest.raises(NotFound):
            vouchers.find(project=make_project("Other"), identifier=identifier)
    vouchers.delete(project=voucher.project, voucher=voucher, at=LATER)
    with pytest.raises(NotFound):
        vouchers.find(project=voucher.project, identifier=voucher.code)
    with pytest.raises(DuplicateFound):
        create(TEN, code=voucher.code)


def test_a_forced_deletion_frees_the_code() -> None:
    voucher = make_voucher()
    vouchers.delete(project=voucher.project, voucher=voucher, at=LATER, force=True)
    assert create(TEN, code=voucher.code).pk != voucher.pk


def test_an_update_changes_what_was_sent() -> None:
    voucher = make_voucher(expiration_date=LATER, metadata={"a": 1, "b": 2})
    data = {
        "expiration_date": None,
        "metadata": {"b": None},
        "active": False,
        "code": "X",
        "redemption": {"quantity": 1},
    }
    changed = vouchers.update(project=voucher.project, voucher=voucher, data=data, at=LATER)
    assert (changed.expiration_date, changed.metadata, changed.active) == (None, {"a": 1, "b": None}, False)
    assert (changed.code, changed.quantity, changed.updated_at) == (voucher.code, None, LATER)


def test_the_type_of_a_discount_never_changes() -> None:
    voucher = make_voucher()
    with pytest.raises(InvalidVoucher, match="not possible to change"):
        data = {"discount": {"type": "AMOUNT", "amount_off": 5}}
        vouchers.update(project=voucher.project, voucher=voucher, data=data, at=LATER)
    data = {"discount": {"type": "PERCENT", "percent_off": 20}}
    assert vouchers.update(project=voucher.project, voucher=voucher, data=data, at=LATER).discount == data["discount"]


def test_switching_off_and_on() -> None:
    voucher = make_voucher()
    off = vouchers.switch(project=voucher.project, voucher=voucher, active=False, at=LATER)
    assert (off.active, off.updated_at) == (False, LATER)
    assert vouchers.switch(project=voucher.project, voucher=off, active=True, at=LATER).active is True


def test_credits_are_added_and_removed_and_the_ledger_sums_to_the_balance() -> None:
    voucher = create({"gift": {"amount": 5000}})
    for amount in (700, -1200):
        balances.adjust(project=voucher.project, voucher=voucher, amount=amount, at=LATER)
    voucher.refresh_from_db()
    rows = list(VoucherTransaction.objects.order_by("pk"))
    assert [(row.type, row.amount, row.balance, row.total) for row in rows] == [
        ("CREDITS_ADDITION", 5000, 5000, 5000),
        ("CREDITS_ADDITION", 700, 5700, 5700),
        ("CREDITS_REMOVAL", -1200, 4500, 4500),
    ]
    assert (voucher.gift_amount, voucher.gift_subtracted_amount) == (5700, 1200)
    assert voucher.gift_balance == sum(row.amount for row in rows) == 4500


@pytest.mark.parametrize(("amount", "error"), [(0, InvalidAddBalanceParams), (-5001, GiftAmountExceeded)])
def test_a_change_that_cannot_be_is_refused(amount: int, error: type[DomainError]) -> None:
    voucher = create({"gift": {"amount": 5000}})
    with pytest.raises(error):
        balances.adjust(project=voucher.project, voucher=voucher, amount=amount, at=LATER)
    voucher.refresh_from_db()
    assert (voucher.gift_balance, VoucherTransaction.objects.count()) == (5000, 1)


def test_a_discount_has_no_balance() -> None:
    voucher = make_voucher()
    with pytest.raises(InvalidAddBalanceParams):
        balances.adjust(project=voucher.project, voucher=voucher, amount=1, at=LATER)
