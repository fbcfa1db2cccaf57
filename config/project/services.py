"""Projects and their keys."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from config.kernel import ids
from config.kernel.errors import DuplicateFound, InvalidPayload
from config.project import encryption, keys
from config.project.models import ApiKey, Member, Project, User
from config.project.origins import parse_origin

SWITCHES: Final = {
    "redeem": "client_redeem_enabled",
    "publish": "client_publish_enabled",
    "list_vouchers": "client_list_vouchers_enabled",
    "create_customer": "client_create_customer_enabled",
    "set_voucher_expiration_date": "client_set_voucher_expiration_date_enabled",
    "loyalty_events": "client_loyalty_events_enabled",
}
"""Client-side switches that are off by default, by the name `create_project --client-side` takes."""

on_created: Final[list[Callable[[Project, datetime], None]]] = []
"""What other apps give every new project, in the transaction that makes it; added to in AppConfig.ready()."""


@dataclass(frozen=True, slots=True)
class NewProject:
    """A fresh project with the secrets of its keys, which nobody can read again."""

    project: Project
    app_id: str
    app_token: str
    client_app_id: str
    client_token: str
    management_id: str
    management_token: str

    def as_json(self) -> dict[str, str]:
        """What `create_project --json` prints."""
        values = {name: value for name, value in asdict(self).items() if isinstance(value, str)}
        return {"project_id": self.project.public_id, **values}


@transaction.atomic
def create_project(
    *,
    name: str,
    at: datetime,
    origins: Iterable[str] = (),
    client_side: Iterable[str] = (),
    timezone: str = "UTC",
    is_sandbox: bool = False,
    admin: User | None = None,
) -> NewProject:
    """Create a project with one key of each kind.

    origins: allowed for the client keys. client_side: names of SWITCHES, or `all`, which also lets client calls change
    stored customers. Raises InvalidPayload for an unknown switch, time zone or malformed origin.
    """
    switches = set(client_side)
    if unknown := switches - SWITCHES.keys() - {"all"}:
        raise InvalidPayload(
            f"Unknown client-side switch: {', '.join(sorted(unknown))}; known: all, {', '.join(SWITCHES)}"
        )
    if timezone not in zoneinfo.available_timezones():
        raise InvalidPayload(f"Property .timezone is not a time zone: {timezone}")
    everything = "all" in switches
    project = Project.objects.create(
        name=name,
        timezone=timezone,
        is_sandbox=is_sandbox,
        tracking_secret=encryption.encrypt(ids.new_uuid() + ids.new_uuid()),
        webhook_token=encryption.encrypt(ids.new_uuid()),
        file_secret=encryption.encrypt(ids.new_uuid()),
        client_trusted_domains=[parse_origin(origin) for origin in origins],
        client_protects_customers=not everything,
        created_at=at,
        **{field: everything or switch in switches for switch, field in SWITCHES.items()},
    )
    for give in on_created:
        give(project, at)
    if admin is not None:
        Member.objects.create(project=project, user=admin, role=Member.Role.ADMIN, created_at=at)
    server, server_token = create_key(project=project, kind=ApiKey.Kind.SERVER, name="Server side", at=at)
    client, client_token = create_key(project=project, kind=ApiKey.Kind.CLIENT, name="Client side", at=at)
    management, management_token = create_key(project=project, kind=ApiKey.Kind.MANAGEMENT, name="Management", at=at)
    return NewProject(
        project=project,
        app_id=server.app_id,
        app_token=server_token,
        client_app_id=client.app_id,
        client_token=client_token,
        management_id=management.app_id,
        management_token=management_token,
    )


def create_key(*, project: Project, kind: str, name: str, at: datetime) -> tuple[ApiKey, str]:
    """A key and its secret, which is not stored and cannot be shown again."""
    secret = ids.new_uuid()
    key = ApiKey.objects.create(
        project=project, kind=kind, name=name, secret_hash=keys.hash_secret(secret), created_at=at
    )
    return key, secret


@transaction.atomic
def create_admin(*, email: str, password: str, at: datetime) -> User:
    """An operator who may do everything, in every project there is. Raises DuplicateFound, InvalidPayload."""
    key = email.strip().lower()
    try:
        validate_email(key)
    except ValidationError:
        raise InvalidPayload(f"Property .email is not an e-mail address: {key}") from None
    if User.objects.filter(email=key).exists():
        raise DuplicateFound.of("user", key, by="email")
    try:
        validate_password(password)
    except ValidationError as weak:
        raise InvalidPayload(" ".join(weak.messages)) from None
    admin = User.objects.create_superuser(key, password)
    Member.objects.bulk_create(
        Member(project=project, user=admin, role=Member.Role.ADMIN, created_at=at) for project in Project.objects.all()
    )
    return admin


def welcome_admins(*, project: Project, at: datetime) -> None:
    """Let every operator into a project that was made outside the dashboard."""
    Member.objects.bulk_create(
        [
            Member(project=project, user=admin, role=Member.Role.ADMIN, created_at=at)
            for admin in User.objects.filter(is_superuser=True, is_active=True)
        ],
        ignore_conflicts=True,
    )
