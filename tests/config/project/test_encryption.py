"""Keys of the installation come and go; secrets stay readable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.core.management import CommandError, call_command

from config.project import encryption
from config.project.models import Project
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db


def use(settings: Any, *keys: str) -> None:
    """The installation's keys from now on; each in a process of its own, which remembers nothing."""
    settings.ENCRYPTION_KEYS = list(keys)
    encryption._fernet.cache_clear()
    encryption.decrypt.cache_clear()


@pytest.fixture(autouse=True)
def _keys_of_the_others(settings: Any) -> Iterator[None]:
    before = settings.ENCRYPTION_KEYS
    yield
    use(settings, *before)


def test_after_a_rotation_the_former_key_is_not_needed(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    use(settings, "old")
    project = ProjectFactory(file_secret=encryption.encrypt("files"), previous_webhook_token="")
    use(settings, "new", "old")
    call_command("rotate_encryption")
    assert capsys.readouterr().out == "3 secrets of 1 projects are encrypted anew.\n"
    use(settings, "new")
    stored = Project.objects.get(pk=project.pk)
    assert [encryption.decrypt(secret) for secret in (stored.tracking_secret, stored.webhook_token)] == [
        "tracking",
        "webhooks",
    ]
    assert encryption.decrypt(stored.file_secret) == "files"
    assert stored.previous_webhook_token == ""
    call_command("rotate_encryption")
    assert capsys.readouterr().out == "0 secrets of 1 projects are encrypted anew.\n"


def test_a_secret_of_a_lost_key_is_named_and_nothing_of_its_project_changes(settings: Any) -> None:
    use(settings, "lost")
    secret = encryption.encrypt("tracking")
    use(settings, "old")
    project = ProjectFactory(webhook_token=encryption.encrypt("webhooks"), tracking_secret=secret)
    before = Project.objects.values().get()
    use(settings, "new", "old")
    with pytest.raises(CommandError, match=f"tracking_secret of project {project.public_id}"):
        call_command("rotate_encryption")
    assert Project.objects.values().get() == before
    with pytest.raises(InvalidToken):
        encryption.decrypt(secret)
