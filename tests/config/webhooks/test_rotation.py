"""Two live secrets while a project's webhook secret is rotated, and links that do not notice."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from config.project import encryption, file_tokens, webhook_secrets
from config.project.services import create_project
from config.webhooks import deliveries, outbox, sender, services, signatures
from config.webhooks.envelope import Happening
from config.webhooks.models import Delivery
from tests.factories import ProjectFactory, make_member

AT = datetime(2026, 2, 3, 10, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered():
    outbox.forget_everything()
    yield
    outbox.forget_everything()


def project_with_webhook():
    project = ProjectFactory(webhook_token=encryption.encrypt("first"))
    body = {"target_url": "https://shop.example/hook", "events": ["customer.created"]}
    services.create(project=project, body=body, at=AT)
    return project


def _head(project, at):
    """The headers of a delivery that is sent at that moment."""
    Delivery.objects.all().delete()
    outbox.record(project, Happening(type="customer.created", at=AT, data={"customer": {"id": "cust_1"}}))
    (claimed,) = deliveries.claim(at=at, limit=10, each=10, held={})
    return sender.message_of(claimed, 1_700_000_000)


def test_while_the_secret_is_rotated_both_sign():
    project = project_with_webhook()
    admin = make_member(project)
    message = _head(project, AT)
    assert signatures.FORMER_HEADER not in message.headers
    second = webhook_secrets.rotate(project=project, at=AT, actor=admin)
    message = _head(project, AT + timedelta(hours=23))
    body, identifier = message.body.decode(), message.headers["webhook-id"]
    assert message.headers["x-voucherify-signature"] == signatures.signature(second, body)
    assert message.headers["x-voucherify-signature-previous"] == signatures.signature("first", body)
    assert message.headers["webhook-signature"].split(" ") == [
        signatures.standard(secret, identifier, 1_700_000_000, body) for secret in (second, "first")
    ]
    message = _head(project, AT + webhook_secrets.OVERLAP)
    assert signatures.FORMER_HEADER not in message.headers
    assert " " not in message.headers["webhook-signature"]


def test_rotating_twice_leaves_two_secrets():
    project = project_with_webhook()
    admin = make_member(project)
    second = webhook_secrets.rotate(project=project, at=AT, actor=admin)
    third = webhook_secrets.rotate(project=project, at=AT + timedelta(hours=1), actor=admin)
    message = _head(project, AT + timedelta(hours=2))
    body = message.body.decode()
    assert message.headers["x-voucherify-signature"] == signatures.signature(third, body)
    assert message.headers["x-voucherify-signature-previous"] == signatures.signature(second, body)


@pytest.mark.parametrize("file_secret", ["", "files"])
def test_links_of_files_outlive_a_rotation(file_secret):
    project = ProjectFactory(
        webhook_token=encryption.encrypt("first"), file_secret=file_secret and encryption.encrypt(file_secret)
    )
    token = file_tokens.token_of(project, "export:exp_1")
    webhook_secrets.rotate(project=project, at=AT, actor=make_member(project))
    project.refresh_from_db()
    assert file_tokens.opens(project, "export:exp_1", token)
    assert not file_tokens.opens(project, "export:exp_2", token)


def test_whoever_knows_the_secret_of_webhooks_opens_no_file():
    made = create_project(name="New", at=AT).project
    assert made.file_secret
    assert encryption.decrypt(made.file_secret) != encryption.decrypt(made.webhook_token)
    forged = hmac.new(encryption.decrypt(made.webhook_token).encode(), b"export:exp_1", hashlib.sha256).hexdigest()
    assert not file_tokens.opens(made, "export:exp_1", forged)
