"""Many vouchers of the list at once, and the stacks of a promotion."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from config.jobs.models import AsyncAction
from config.project.models import AuditEntry
from config.webhooks import outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from customers.models import Customer
from tests.factories import NOW, CampaignFactory, make_customer, make_voucher
from tests.jobs import run_queued
from vouchers.models import PromotionStack, PromotionTier, Voucher
from vouchers.services import many

pytestmark = pytest.mark.django_db
MANY = reverse("dashboard:voucher-bulk")


@pytest.fixture
def codes(project):
    return [make_voucher(project=project, code=f"C-{number}", active=number != 3) for number in range(4)]


def state():
    return {row.code: (row.active, row.deleted_at is not None) for row in Voucher.objects.order_by("pk")}


def test_the_list_lets_those_who_may_choose(sign_in, project, codes):
    text = sign_in("user").get(reverse("dashboard:vouchers"), {"tab": "active"}).content.decode()
    assert text.count('form="many"') == 3
    assert f'{MANY}?tab=active"' in text
    assert 'form="many"' not in sign_in("viewer").get(reverse("dashboard:vouchers")).content.decode()


def test_ticked_codes_are_counted_first_and_then_changed(marketer, project, codes):
    chosen = {"id": [codes[0].public_id, codes[3].public_id]}
    page = marketer.get(MANY, chosen).content.decode()
    assert "2 vouchers" in page and "C-0" in page and "C-1" not in page
    url = f"{MANY}?id={codes[0].public_id}&id={codes[3].public_id}"
    answer = marketer.post(url, {"act": "disable"}, follow=True)
    assert "1 voucher is disabled." in answer.content.decode()
    assert state() == {"C-0": (False, False), "C-1": (True, False), "C-2": (True, False), "C-3": (False, False)}
    assert marketer.post(url, {"act": "enable"}).status_code == 302
    assert [active for active, _ in state().values()] == [True] * 4
    assert marketer.post(url, {"act": "burn"}).status_code == 200
    assert AuditEntry.objects.filter(action__startswith="voucher.bulk_").count() == 2


def test_nothing_ticked_changes_nothing(marketer, project, codes):
    answer = marketer.get(MANY, {"ticked": "1"}, follow=True)
    assert "Tick the vouchers to change first" in answer.content.decode()
    assert marketer.get(MANY, {"id": ["v_unknown"]}).status_code == 302


def test_all_of_a_list_are_deleted_with_their_holders_balance_and_told(marketer, project, codes):
    ada = make_customer(project=project)
    make_voucher(project=project, code="CARD", gift_amount=500, holder=ada, publish_count=1)
    assert Customer.objects.get().gift_amount_to_go == 500
    body = {"target_url": "https://a.example/", "events": ["voucher.deleted"]}
    webhooks.create(project=project, body=body, at=NOW)
    marketer.post(f"{MANY}?type=GIFT_VOUCHER", {"act": "delete"})
    assert [code for code, (_, gone) in state().items() if gone] == ["CARD"]
    assert Customer.objects.get().gift_amount_to_go == 0
    event = json.loads(Delivery.objects.get().payload)["event"]
    assert event["event_source"]["user"]["id"].startswith("user_")
    outbox.forget(project)


def test_more_than_a_few_are_changed_in_the_background_once(marketer, project, codes, monkeypatch):
    monkeypatch.setattr(many, "AT_ONCE", 2)
    monkeypatch.setattr(many, "BATCH", 2)
    answer = marketer.post(f"{MANY}?tab=active", {"act": "disable"})
    action = AsyncAction.objects.get()
    assert answer["Location"] == reverse("dashboard:task", args=[action.public_id])
    late = make_voucher(project=project, code="LATE")
    run_queued()
    action.refresh_from_db()
    assert (action.status, action.rows_done, action.rows_total) == ("DONE", 3, 3)
    assert action.result == {"message": "3 voucher(s) disabled.", "done_count": 3}
    assert [code for code, (active, _) in state().items() if active] == ["LATE"]
    late.refresh_from_db()
    assert late.active, "it was not in the list that was changed"
    assert marketer.get(answer["Location"]).status_code == 200


def test_a_promotion_shows_its_stacks_and_one_can_be_taken_away(sign_in, project):
    campaign = CampaignFactory.create(project=project, campaign_type="PROMOTION", voucher=None)
    action = {"discount": {"type": "PERCENT", "percent_off": 10}}
    tiers = [
        PromotionTier.objects.create(project=project, campaign=campaign, name=name, action=action, created_at=NOW)
        for name in ("First", "Second")
    ]
    ids = [tier.public_id for tier in reversed(tiers)]
    stack = PromotionStack.objects.create(
        project=project, campaign=campaign, name="Both", tier_ids=[*ids, "promo_gone"], created_at=NOW
    )
    viewer, marketer = sign_in("viewer"), sign_in("user")
    listed = viewer.get(reverse("dashboard:campaign-tiers", args=[campaign.public_id])).content.decode()
    url = reverse("dashboard:stack", args=[campaign.public_id, stack.public_id])
    assert url in listed and "Second, First" in listed
    page = viewer.get(url).content.decode()
    assert page.index("Second") < page.index("First") and "10 %" in page
    assert "Delete stack" not in page
    gone = reverse("dashboard:stack-delete", args=[campaign.public_id, stack.public_id])
    assert viewer.post(gone).status_code == 403
    assert marketer.post(gone).status_code == 302
    assert not PromotionStack.objects.exists() and PromotionTier.objects.count() == 2
    assert AuditEntry.objects.get(action="promotion_stack.deleted").object_id == stack.public_id
    assert viewer.get(url).status_code == 404
