"""What people change about themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from config.project import audit
from config.project.models import Preference, Project, User

PRINTED: Final = "printed_password"
"""The preference of somebody whose password was printed when the installation was made."""


def note_printed_password(*, user: User) -> None:
    """The password stands on a screen or in a file: good for this machine only."""
    remember(user=user, name=PRINTED, value=True)


def let_printed_password_expire(*, user: User) -> None:
    """Somebody signed in from another machine: a printed password must be changed now."""
    if not user.must_change_password and recall(user=user, name=PRINTED):
        user.must_change_password = True
        user.save(update_fields=["must_change_password"])


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
        Preference.objects.filter(user=user, name=PRINTED).delete()
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
