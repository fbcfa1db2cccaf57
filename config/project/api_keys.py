"""The key pairs of a project: made, rotated, revoked, all of it audited. A secret is returned once, never stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from config.kernel import ids
from config.kernel.errors import Conflict, InvalidPayload, NotFound
from config.project import audit, keys, services
from config.project.models import ApiKey, Project, User

OVERLAP: Final = timedelta(hours=24)
"""How long the former secret still counts after a rotation."""


class KeyRevoked(Conflict):
    """This key is revoked"""

    key = "key_revoked"


def create(
    *, project: Project, kind: str, name: str, at: datetime, actor: User, request_id: str = ""
) -> tuple[ApiKey, str]:
    """A key and its secret. Raises InvalidPayload."""
    if kind not in ApiKey.Kind.values:
        raise InvalidPayload("Property .kind is not a kind of key")
    with transaction.atomic():
        key, secret = services.create_key(project=project, kind=kind, name=name.strip()[:200], at=at)
        key.created_by = actor
        key.save(update_fields=["created_by"])
        _note(key, "api_key.created", actor, at, request_id)
    return key, secret


def rotate(*, project: Project, key: ApiKey, at: datetime, actor: User, request_id: str = "") -> str:
    """Another secret; the former one counts for OVERLAP more. Raises KeyRevoked."""
    secret = ids.new_uuid()
    with transaction.atomic():
        current = _live(project, key)
        current.previous_secret_hash, current.previous_valid_until = current.secret_hash, at + OVERLAP
        current.secret_hash = keys.hash_secret(secret)
        current.save(update_fields=["secret_hash", "previous_secret_hash", "previous_valid_until"])
        _note(current, "api_key.rotated", actor, at, request_id)
    keys.cache.clear()
    return secret


def revoke(*, project: Project, key: ApiKey, at: datetime, actor: User, request_id: str = "") -> None:
    """Both secrets stop to count, in every process within half a minute. Raises KeyRevoked."""
    with transaction.atomic():
        current = _live(project, key)
        current.active = False
        current.save(update_fields=["active"])
        _note(current, "api_key.revoked", actor, at, request_id)
    keys.cache.clear()


def find(*, project: Project, app_id: str) -> ApiKey:
    """The key of that id. Raises NotFound."""
    key = ApiKey.objects.of(project).filter(app_id=app_id).first()
    if key is None:
        raise NotFound.of("key", app_id)
    return key


def _live(project: Project, key: ApiKey) -> ApiKey:
    current = ApiKey.objects.of(project).select_for_update().get(pk=key.pk)
    if not current.active:
        raise KeyRevoked("This key was revoked before; make a new one.")
    return current


def _note(key: ApiKey, action: str, actor: User, at: datetime, request_id: str) -> None:
    audit.record(
        project=key.project,
        actor=audit.of_user(actor),
        action=action,
        object_type="api_key",
        object_id=key.app_id,
        name=key.name,
        after={"kind": key.kind},
        at=at,
        channel=audit.Channel.DASHBOARD,
        request_id=request_id,
    )
