"""Webhooks of a project: made, changed, removed; their deliveries, repeated by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from config.kernel.errors import InvalidPayload, NotFound
from config.project.models import Project
from config.webhooks import catalogue, guard, outbox, signatures
from config.webhooks.models import Delivery, Webhook

LONGEST_URL: Final = 2_000
MOST_HEADERS: Final = 20
CHANGEABLE: Final = ("target_url", "events", "headers", "active")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED_HEADERS: Final = frozenset(
    {
        *("host", "content-length", "content-type", "transfer-encoding", "connection"),
        *(signatures.HEADER, signatures.FORMER_HEADER),
        *("webhook-id", "webhook-timestamp", "webhook-signature", "expect", "te", "trailer", "upgrade", "keep-alive"),
    }
)


def create(*, project: Project, body: Mapping[str, Any], at: datetime) -> Webhook:
    """Make a webhook. Raises InvalidPayload naming the property."""
    for name in ("target_url", "events"):
        if body.get(name) is None:
            raise InvalidPayload(f"Payload should have required property '{name}'")
    with transaction.atomic():
        webhook = Webhook.objects.create(
            project=project,
            target_url=parse_url(body["target_url"]),
            events=parse_events(body["events"]),
            headers=parse_headers(body.get("headers")),
            active=_flag(body.get("active"), default=True),
            created_at=at,
        )
        _forget(project)
    return webhook


def update(*, project: Project, webhook: Webhook, body: Mapping[str, Any], at: datetime) -> Webhook:
    """Change what was sent. Switching it on again forgets why we had switched it off. Raises InvalidPayload."""
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
        if body.get("target_url") is not None:
            webhook.target_url = parse_url(body["target_url"])
        if body.get("events") is not None:
            webhook.events = parse_events(body["events"])
        if body.get("headers") is not None:
            webhook.headers = parse_headers(body["headers"])
        if body.get("active") is not None:
            webhook.active = _flag(body["active"], default=True)
            if webhook.active:
                webhook.disabled_reason, webhook.disabled_at = "", None
        webhook.updated_at = at
        webhook.save(update_fields=[*CHANGEABLE, "disabled_reason", "disabled_at", "updated_at"])
        _forget(project)
    return webhook


def delete(*, project: Project, webhook: Webhook) -> None:
    """Remove the webhook with its deliveries, also those that wait."""
    with transaction.atomic():
        webhook.delete()
        _forget(project)


def find(*, project: Project, public_id: str) -> Webhook:
    """The webhook of that id. Raises NotFound."""
    webhook = Webhook.objects.of(project).filter(public_id=public_id).first()
    if webhook is None:
        raise NotFound.of("webhook", public_id)
    return webhook


def replay(*, project: Project, delivery: Delivery, at: datetime) -> None:
    """Send a delivery again from the start of its schedule: the same bytes, the same id."""
    Delivery.objects.of(project).filter(pk=delivery.pk).update(
        state=Delivery.State.WAITING, attempts=0, next_at=at, last_error=""
    )


def _forget(project: Project) -> None:
    """Now, for the rest of this transaction, and after it, for what was remembered meanwhile."""
    outbox.forget(project)
    transaction.on_commit(lambda: outbox.forget(project))


def facts(webhook: Webhook) -> dict[str, Any]:
    """The webhook as the audit log keeps it; headers may hold secrets and are named only."""
    return {
        "target_url": webhook.target_url,
        "events": ", ".join(webhook.events),
        "headers": ", ".join(webhook.headers),
        "active": webhook.active,
    }


def parse_url(value: object) -> str:
    """Check a target. Raises InvalidPayload."""
    if not isinstance(value, str) or not value or len(value) > LONGEST_URL:
        raise InvalidPayload(f"Property .target_url should be string of 1 to {LONGEST_URL} characters")
    networks = settings.WEBHOOK_ALLOWED_NETWORKS
    try:
        guard.check_url(value, allow_http=settings.WEBHOOK_ALLOW_HTTP, any_port=bool(networks))
        guard.check_host_literal(value, networks)
    except guard.NotAllowed as error:
        raise InvalidPayload(f"Property .target_url {error}") from None
    return value


def parse_events(value: object) -> list[str]:
    """Check a list of types, known misspellings put right, each once. Raises InvalidPayload."""
    if not isinstance(value, list) or not value:
        raise InvalidPayload("Property .events should be array with at least one type")
    if not all(isinstance(name, str) for name in value):
        raise InvalidPayload("Property .events should be array of strings")
    if unknown := catalogue.unknown(value):
        raise InvalidPayload(f"Property .events holds an unknown type '{unknown[0][:80]}'")
    return list(dict.fromkeys(name for sent in value if (name := catalogue.named(sent)) is not None))


def parse_headers(value: object) -> dict[str, str]:
    """Check the headers to send along. Raises InvalidPayload."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidPayload("Property .headers should be object")
    if len(value) > MOST_HEADERS:
        raise InvalidPayload(f"Property .headers should NOT have more than {MOST_HEADERS} properties")
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS:
            raise InvalidPayload(f"Property .headers.{name[:100]} is not a header that may be sent")
        if not isinstance(text, str) or len(text) > 1000 or not text.isascii() or not text.isprintable():
            raise InvalidPayload(f"Property .headers.{name} should be printable ASCII text")
    if len({name.lower() for name in value}) < len(value):
        raise InvalidPayload("Property .headers names a header twice")
    return dict(value)


def _flag(value: object, *, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidPayload("Property .active should be boolean")
    return value
