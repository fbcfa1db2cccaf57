"""`manage.py rotate_encryption`: write every stored secret anew under the first of ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any, Final

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from config.project import encryption
from config.project.models import Project

SECRETS: Final = ("tracking_secret", "webhook_token", "previous_webhook_token", "file_secret")


class Command(BaseCommand):
    help = "Encrypts all secrets with the first of ENCRYPTION_KEYS; afterwards the others are not needed any more."

    def handle(self, *args: Any, **options: Any) -> None:
        """One project a transaction: what was stopped is run again, and goes on."""
        renewed = 0
        keys = list(Project.objects.order_by("pk").values_list("pk", flat=True))
        for pk in keys:
            with transaction.atomic():
                project = Project.objects.select_for_update(no_key=True).get(pk=pk)
                changed = [name for name in SECRETS if _renew(project, name)]
                if changed:
                    project.save(update_fields=changed)
            renewed += len(changed)
        self.stdout.write(f"{renewed} secrets of {len(keys)} projects are encrypted anew.")


def _renew(project: Project, name: str) -> bool:
    """Whether the secret was under another key."""
    stored: str = getattr(project, name)
    if not stored:
        return False
    try:
        fresh = encryption.renew(stored)
    except InvalidToken as error:
        raise CommandError(
            f"{name} of project {project.public_id} was encrypted with a key that is not in ENCRYPTION_KEYS."
        ) from error
    setattr(project, name, fresh)
    return fresh != stored
