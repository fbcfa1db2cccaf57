"""What a customer's gift cards hold, through every door that changes a card."""

from __future__ import annotations

from typing import Any

import pytest

from config.project.models import Project
from customers.models import Customer
from tests.factories import NOW, make_customer, make_project, make_voucher
from tracking.services import recounts
from vouchers.models import Voucher
from vouchers.payloads import parse_stackable
from vouchers.publishing import parse_publish
from vouchers.services import balances, importing, publications, redemptions, rollbacks, vouchers
from vouchers.services.importing import Draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_customer(project=project, source_id="ada")
    make_voucher(project=project, code="CARD", gift_amount=5000)
    return project


def held(source_id: str = "ada") -> tuple[int, int]:
    """(cards, what is left on them)"""
    customer = Customer.objects.get(source_id=source_id)
    return customer.gift_cards_held, customer.gift_amount_to_go


def publish(project: Project, code: str = "CARD", source_id: str = "ada") -> None:
    request = parse_publish({"voucher": code, "customer": {"source_id": source_id}})
    publications.publish(project=project, request=request, at=NOW)


def redeem(project: Project, source_id: str, credits: int) -> Any:
    body = {
        "redeemables": [{"object": "voucher", "id": "CARD", "gift": {"credits": credits}}],
        "customer": {"source_id": source_id},
        "order": {"amount": 9000},
    }
    return redemptions.redeem(project=project, request=parse_stackable(body), at=NOW).redemptions[0]


def test_a_card_counts_for_its_holder_whoever_spends_it(project: Project) -> None:
    assert held() == (0, 0)
    publish(project)
    assert held() == (1, 5000)
    own, others = redeem(project, "ada", 1200), redeem(project, "bob", 800)
    assert held() == (1, 3000)
    assert held("bob") == (0, 0)
    for row, left in ((own, 4200), (others, 5000)):
        rollbacks.roll_back(project=project, redemption=row, at=NOW)
        assert held() == (1, left)
    assert list(recounts.differences(project=project, at=NOW, fix=False)) == []


def test_balances_files_and_removal_move_it(project: Project) -> None:
    publish(project)
    card = Voucher.objects.get()
    balances.adjust(project=project, voucher=card, amount=700, at=NOW)
    balances.adjust(project=project, voucher=card, amount=-200, at=NOW)
    assert held() == (1, 5500)
    vouchers.update(project=project, voucher=card, data={"gift": {"amount": 6000}}, at=NOW)
    assert held() == (1, 6000)
    draft = Draft("PLAIN", {"type": "GIFT_VOUCHER", "gift": {"amount": 300}})
    importing.load(project=project, drafts=[draft], at=NOW, updates=True)
    publish(project, "PLAIN")
    assert held() == (2, 6300)
    changed = Draft("PLAIN", {"type": "GIFT_VOUCHER", "gift": {"amount": 900}})
    importing.load(project=project, drafts=[changed], at=NOW, updates=True)
    assert held() == (2, 6900)
    vouchers.delete(project=project, voucher=Voucher.objects.get(code="PLAIN"), at=NOW)
    assert held() == (1, 6000)
    vouchers.delete(project=project, voucher=card, at=NOW, force=True)
    assert held() == (0, 0)


def test_what_is_no_held_gift_card_moves_nothing(project: Project) -> None:
    ada = Customer.objects.get()
    make_voucher(project=project, code="TEN", holder=ada, publish_count=1)
    balances.adjust(project=project, voucher=Voucher.objects.get(code="CARD"), amount=100, at=NOW)
    Voucher.objects.filter(code="TEN").update(redeemed_quantity=1)
    assert held() == (0, 0)
    ada.refresh_from_db()
    assert ada.counted_at is None


def test_recounting_sets_a_wrong_balance_right(project: Project) -> None:
    publish(project)
    Customer.objects.update(gift_amount_to_go=1, gift_cards_held=7)
    wrong = {(row.counter, row.counted, row.facts) for row in recounts.differences(project=project, at=NOW, fix=True)}
    assert wrong == {("gift_amount_to_go", 1, 5000), ("gift_cards_held", 7, 1)}
    assert held() == (1, 5000)
