"""What people change about themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from config.project import audit
from config.project.models import Preference, Project, User


def save_profile(*, user: User, first_name: str, timezone: str) -> None:
    """Name and time zone; an empty zone is the project's."""
    user.first_name, user.timezone = first_name, timezone
    user.save(update_fields=["first_name", "timezone"])


def change_password(*, user: User, password: str, at: datetime, project: Project, request_id: str = "") -> None:
    """Set the password; sessions that were signed in with the former one end."""
    with transaction.atomic():
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        audit.record(
            project=project,
            actor=audit.of_user(user),
            action="user.password_changed",
            object_type="user",
            object_id=user.public_id,
            name=user.email,
            at=at,
            channel=audit.Channel.DASHBOARD,
            request_id=request_id,
        )


def remember(*, user: User, name: str, value: Any) -> None:
    """Keep a choice of the person."""
    Preference.objects.update_or_create(user=user, name=name, defaults={"value": value})


def recall(*, user: User, name: str) -> Any:
    """The choice kept under the name, or None."""
    return Preference.objects.filter(user=user, name=name).values_list("value", flat=True).first()
