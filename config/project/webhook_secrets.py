"""The secret that signs a project's webhooks: rotated with a day in which the former one signs as well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from config.kernel import ids
from config.project import audit, encryption, keys
from config.project.models import Project, User

OVERLAP: Final = timedelta(hours=24)
"""How long deliveries carry the former secret's signatures too."""


def rotate(*, project: Project, at: datetime, actor: User, request_id: str = "") -> str:
    """Another secret, from the next attempt on; the one before counts for OVERLAP more. Links of files stay.

    Rotating again within that time ends the oldest one at once: two are live, never three.
    """
    secret = ids.new_uuid()
    with transaction.atomic():
        current = Project.objects.select_for_update().get(pk=project.pk)
        current.file_secret = current.file_secret or current.webhook_token
        current.previous_webhook_token, current.previous_webhook_valid_until = current.webhook_token, at + OVERLAP
        current.webhook_token = encryption.encrypt(secret)
        current.save(
            update_fields=[
                "file_secret", "previous_webhook_token", "previous_webhook_valid_until", "webhook_token"
            ]
        )  # fmt: skip
        audit.record(
            project=current,
            actor=audit.of_user(actor),
            action="webhook_secret.rotated",
            object_type="project",
            object_id=current.public_id,
            name=current.name,
            at=at,
            channel=audit.Channel.DASHBOARD,
            request_id=request_id,
        )
    keys.cache.clear()
    return secret
