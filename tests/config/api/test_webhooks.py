from __future__ import annotations

import pytest

from config.webhooks.models import Webhook
from tests.factories import make_shop

pytestmark = pytest.mark.django_db

BODY = {"target_url": "https://shop.example/hook", "events": ["redemption.succeeded"]}


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def address(shop):
    return f"/management/v1/projects/{shop.project.public_id}/webhooks"


def test_a_webhook_is_made_listed_changed_and_removed(shop, address):
    made = shop.management().post(address, BODY | {"events": ["redemption.succeeded", "voucher.gift.balance_aded"]})
    created = made.json()
    assert set(created) == {"id", "target_url", "events", "active", "created_at", "object"}
    assert (created["object"], created["active"]) == ("webhook", True)
    assert created["events"] == ["redemption.succeeded", "voucher.gift.balance_added"]
    assert shop.management().get(address).json() == {
        "object": "list", "data_ref": "data", "data": [created], "total": 1,
    }  # fmt: skip
    one = f"{address}/{created['id']}"
    changed = shop.management().put(one, {"active": False}).json()
    assert (changed["active"], changed["events"]) == (False, created["events"])
    assert "updated_at" in changed
    assert shop.management().delete(one).status_code == 204
    assert shop.management().get(one).status_code == 404


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"target_url": None}, "'target_url'"),
        ({"target_url": 5}, ".target_url"),
        ({"target_url": "http://shop.example"}, ".target_url should begin with https://"),
        ({"target_url": "https://127.0.0.1/"}, ".target_url the host is not on the public internet"),
        ({"target_url": "https://u:p@shop.example/"}, ".target_url must not hold a user name"),
        ({"events": None}, "'events'"),
        ({"events": []}, ".events"),
        ({"events": "redemption.succeeded"}, ".events"),
        ({"events": [1]}, ".events"),
        ({"events": ["redemption.exploded"]}, "'redemption.exploded'"),
        ({"active": "yes"}, ".active"),
        ({"headers": {"Host": "x"}}, ".headers.Host"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "twice"),
        ({"headers": {"X-A": "line\nbreak"}}, ".headers.X-A"),
    ],
)
def test_a_wrong_webhook_is_refused_by_name(shop, address, change, part):
    answer = shop.management().post(address, BODY | change)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert part in answer.json()["details"]
    assert not Webhook.objects.exists()


def test_switching_it_on_again_forgets_why_it_was_off(shop, address):
    created = shop.management().post(address, BODY).json()
    Webhook.objects.update(active=False, disabled_reason="410")
    shop.management().put(f"{address}/{created['id']}", {"active": True})
    assert Webhook.objects.values_list("active", "disabled_reason").get() == (True, "")


def test_another_projects_webhooks_are_not_there(shop, address):
    created = shop.management().post(address, BODY).json()
    other = make_shop("Other")
    assert other.management().get(address).status_code == 404
    theirs = f"/management/v1/projects/{other.project.public_id}/webhooks/{created['id']}"
    for answer in (
        other.management().get(theirs),
        other.management().put(theirs, BODY),
        other.management().delete(theirs),
    ):
        assert answer.status_code == 404
