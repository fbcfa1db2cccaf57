"""Settings › Webhooks, for admins."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from config.kernel import instants
from config.project import encryption
from config.project.models import AuditEntry, Project
from config.webhooks import outbox
from config.webhooks import services as webhooks
from config.webhooks.envelope import Happening
from config.webhooks.models import Delivery, Webhook
from tests.factories import NOW, PASSWORD

pytestmark = pytest.mark.django_db

FORM = {
    "target_url": "https://shop.example/hook",
    "events": ["redemption.succeeded"],
    "headers": "X-Key: 1",
    "active": "on",
}


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


@pytest.fixture
def hook(project):
    return webhooks.create(
        project=project, body={"target_url": "https://shop.example/hook", "events": ["customer.created"]}, at=NOW
    )


@pytest.fixture
def delivery(project, hook):
    outbox.record_many(project, [Happening(type="customer.created", at=NOW, data={"customer": {"id": "cust_1"}})])
    return Delivery.objects.get()


def test_an_admin_makes_changes_and_removes_one(admin, project):
    made = admin.post(reverse("dashboard:webhook-new"), FORM)
    hook = Webhook.objects.get()
    assert made.url == reverse("dashboard:webhook", args=[hook.public_id])
    assert (hook.events, hook.headers, hook.active) == (["redemption.succeeded"], {"X-Key": "1"}, True)
    admin.post(reverse("dashboard:webhook-edit", args=[hook.public_id]), FORM | {"headers": "", "active": ""})
    hook.refresh_from_db()
    assert (hook.headers, hook.active) == ({}, False)
    admin.post(reverse("dashboard:webhook-edit", args=[hook.public_id]), {"do": "delete"})
    assert not Webhook.objects.exists()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "webhook.created",
        "webhook.changed",
        "webhook.deleted",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target_url": ""}, "required"),
        ({"target_url": "http://shop.example"}, "should begin with https://"),
        ({"target_url": "https://10.0.0.1/"}, "not on the public internet"),
        ({"events": []}, "Choose at least one event"),
        ({"headers": "nonsense"}, "write Name: value"),
        ({"headers": "Host: x"}, "not a header that may be sent"),
    ],
)
def test_a_wrong_one_is_explained_at_its_field(admin, change, words):
    answer = admin.post(reverse("dashboard:webhook-new"), FORM | change)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Webhook.objects.exists()


def test_the_log_shows_what_was_sent_and_sends_it_again(admin, hook, delivery):
    Delivery.objects.update(state="FAILED", attempts=13, last_status=500, last_answer="<b>no</b>", last_at=NOW)
    log = admin.get(reverse("dashboard:webhook", args=[hook.public_id])).content.decode()
    assert "customer.created" in log
    assert "Given up" in log
    address = reverse("dashboard:webhook-delivery", args=[hook.public_id, delivery.public_id])
    page = admin.get(address).content.decode()
    assert "cust_1" in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    admin.post(address)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("WAITING", 0)


def test_a_webhook_switched_off_by_failures_says_so(admin, hook):
    Webhook.objects.update(active=False, disabled_reason="The receiver answered 410 Gone", disabled_at=NOW)
    assert "410 Gone" in admin.get(reverse("dashboard:webhook", args=[hook.public_id])).content.decode()
    assert "Switched off after failures" in admin.get(reverse("dashboard:webhooks")).content.decode()


def test_the_secret_needs_the_password(admin):
    address = reverse("dashboard:webhook-secret")
    assert admin.post(address, {"password": "wrong"}).status_code == 400
    shown = admin.post(address, {"password": PASSWORD}).content.decode()
    assert "x-voucherify-signature" in shown


def test_rotating_the_secret_needs_the_password_and_keeps_the_former_for_a_day(admin, project):
    address = reverse("dashboard:webhook-secret")
    before = encryption.decrypt(Project.objects.get(pk=project.pk).webhook_token)
    assert admin.post(address, {"password": "wrong", "do": "rotate"}).status_code == 400
    assert encryption.decrypt(Project.objects.get(pk=project.pk).webhook_token) == before
    page = admin.post(address, {"password": PASSWORD, "do": "rotate"}).content.decode()
    stored = Project.objects.get(pk=project.pk)
    after = encryption.decrypt(stored.webhook_token)
    assert after != before
    assert encryption.decrypt(stored.previous_webhook_token) == before
    assert stored.previous_webhook_valid_until - instants.now() > timedelta(hours=23, minutes=59)
    assert after in page
    assert "x-voucherify-signature-previous" in page
    assert AuditEntry.objects.filter(project=stored, action="webhook_secret.rotated").count() == 1


def test_an_unknown_one_is_not_there(admin, hook):
    for name, args in (
        ("webhook", ["wh_x"]),
        ("webhook-edit", ["wh_x"]),
        ("webhook-delivery", [hook.public_id, "whs_x"]),
    ):
        assert admin.get(reverse(f"dashboard:{name}", args=args)).status_code == 404
