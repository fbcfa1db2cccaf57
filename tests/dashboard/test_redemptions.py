"""The page of an attempt, and rolling one back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from config.kernel import instants
from tests.dashboard.rows import make_redemption
from tests.factories import CampaignFactory, make_customer, make_voucher
from vouchers.models import Redemption
from vouchers.payloads import parse_stackable
from vouchers.services import redemptions

pytestmark = pytest.mark.django_db


def redeemed(project, *codes):
    customer = make_customer(project=project, name="Ada Keller")
    for code in codes:
        make_voucher(
            project=project, code=code, quantity=5, campaign=CampaignFactory.create(project=project, name=code)
        )
    body = {
        "redeemables": [{"object": "voucher", "id": code} for code in codes],
        "customer": {"id": customer.public_id},
        "order": {"source_id": "o-1", "items": [{"source_id": "mug", "quantity": 2, "price": 1500}]},
    }
    return redemptions.redeem(project=project, request=parse_stackable(body), at=instants.now())


def url(name, row):
    return reverse(f"dashboard:{name}", args=[row.public_id])


def test_the_page_says_what_a_rollback_gives_back_and_rolls_back(marketer, project):
    row = redeemed(project, "TEN").redemptions[0]
    page = marketer.get(url("redemption", row)).content.decode()
    assert "TEN gets one use back." in page
    assert "Order o-1 loses the discount." in page
    assert "The counters of Ada Keller follow." in page
    assert "€27.00" in page
    answer = marketer.post(url("redemption-rollback", row), {"reason": "Sent back"})
    rollback = Redemption.objects.get(kind="redemption_rollback")
    assert answer["Location"] == url("redemption", rollback)
    shown = marketer.get(answer["Location"]).content.decode()
    assert "<dt>Discount taken back</dt>" in shown
    assert "−−" not in shown
    assert (rollback.reason, rollback.channel_type) == ("Sent back", "USER")
    row.refresh_from_db()
    assert row.status == "ROLLED_BACK"
    page = marketer.get(url("redemption", row)).content.decode()
    assert "Sent back" in page
    assert 'data-dialog="rollback"' not in page


def test_a_stack_is_rolled_back_as_a_whole(marketer, project):
    done = redeemed(project, "TEN", "TWENTY")
    page = marketer.get(url("redemption", done.parent)).content.decode()
    assert "TEN gets one use back." in page
    assert "TWENTY gets one use back." in page
    assert 'data-dialog="rollback"' not in marketer.get(url("redemption", done.redemptions[0])).content.decode()
    marketer.post(url("redemption-rollback", done.parent), {"reason": "Sent back"})
    assert set(Redemption.objects.filter(kind="redemption").values_list("status", flat=True)) == {"ROLLED_BACK"}


@pytest.mark.parametrize(
    ("reason", "times", "sentence"),
    [("", 1, "Say why it is rolled back."), ("  ", 1, "Say why"), ("Twice", 2, "Not rolled back: ")],
)
def test_what_cannot_be_rolled_back_says_why_and_changes_nothing(marketer, project, reason, times, sentence):
    row = redeemed(project, "TEN").redemptions[0]
    for _ in range(times):
        answer = marketer.post(url("redemption-rollback", row), {"reason": reason})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert Redemption.objects.filter(kind="redemption_rollback", result="SUCCESS").count() == times - 1


def test_viewers_and_merchants_roll_nothing_back(sign_in, project):
    row = redeemed(project, "TEN").redemptions[0]
    for role in ("viewer", "merchant"):
        browser = sign_in(role)
        assert 'data-dialog="rollback"' not in browser.get(url("redemption", row)).content.decode()
        assert browser.post(url("redemption-rollback", row), {"reason": "x"}).status_code == 403
    assert not Redemption.objects.filter(kind="redemption_rollback").exists()


def test_merchants_see_no_names_of_customers(sign_in, project):
    row = redeemed(project, "TEN").redemptions[0]
    page = sign_in("merchant").get(url("redemption", row)).content.decode()
    assert "TEN" in page
    assert "Ada Keller" not in page


def test_a_refused_attempt_leads_to_the_check(marketer, project):
    row = make_redemption(project, failure_code="voucher_expired")
    assert f"{reverse('dashboard:check')}?from={row.public_id}" in marketer.get(url("redemption", row)).content.decode()
