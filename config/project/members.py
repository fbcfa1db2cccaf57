"""The people of a project: who may open it, in which role. Every change is audited."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from config.kernel.errors import Conflict, DuplicateFound, InvalidPayload, NotFound
from config.project import audit
from config.project.models import Member, Project, User

ROLES: Final = frozenset(Member.Role.values)


class LastAdmin(Conflict):
    """A project keeps at least one admin"""

    key = "last_admin"


def add(
    *, project: Project, email: str, role: str, name: str = "", at: datetime, actor: User, request_id: str = ""
) -> tuple[Member, str]:
    """Let a person in. Returns the first password of somebody new, which nobody can read again; else an empty text.

    Raises InvalidPayload, DuplicateFound: is a member already.
    """
    key = email.strip().lower()
    try:
        validate_email(key)
    except ValidationError:
        raise InvalidPayload(f"Property .email is not an e-mail address: {key}") from None
    _require_role(role)
    password = ""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email=key).first()
        if user is None:
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(key, password, first_name=name.strip()[:150], must_change_password=True)
        elif Member.objects.of(project).filter(user=user).exists():
            raise DuplicateFound.of("member", key, by="email")
        member = Member.objects.create(project=project, user=user, role=role, created_at=at)
        _note(member, "member.added", actor, at, request_id, after={"role": role})
    return member, password


def change_role(
    *, project: Project, member: Member, role: str, at: datetime, actor: User, request_id: str = ""
) -> None:
    """Give another role. Raises LastAdmin, InvalidPayload."""
    _require_role(role)
    with transaction.atomic():
        current = _locked(project, member)
        if current.role == Member.Role.ADMIN and role != Member.Role.ADMIN:
            _require_another_admin(project, current)
        before, current.role = current.role, role
        current.save(update_fields=["role"])
        if before != role:
            _note(current, "member.role_changed", actor, at, request_id, before={"role": before}, after={"role": role})


def remove(*, project: Project, member: Member, at: datetime, actor: User, request_id: str = "") -> None:
    """Shut the project for a person; the account stays. Raises LastAdmin."""
    with transaction.atomic():
        current = _locked(project, member)
        if current.role == Member.Role.ADMIN:
            _require_another_admin(project, current)
        Member.objects.filter(pk=current.pk).delete()
        _note(current, "member.removed", actor, at, request_id, before={"role": current.role})


def find(*, project: Project, public_id: str) -> Member:
    """The member with this user id. Raises NotFound."""
    member = Member.objects.of(project).select_related("user").filter(user__public_id=public_id).first()
    if member is None:
        raise NotFound.of("member", public_id)
    return member


def _require_role(role: str) -> None:
    if role not in ROLES:
        raise InvalidPayload(f"Property .role should be equal to one of the allowed values [ {', '.join(ROLES)} ]")


def _locked(project: Project, member: Member) -> Member:
    """The member as stored; the project's row is locked, so that two admins cannot remove each other."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    current = Member.objects.of(project).select_related("user").filter(pk=member.pk).first()
    if current is None:
        raise NotFound.of("member", member.user.public_id)
    return current


def _require_another_admin(project: Project, member: Member) -> None:
    if not Member.objects.of(project).filter(role=Member.Role.ADMIN).exclude(pk=member.pk).exists():
        raise LastAdmin("This is the only admin of the project. Make somebody else an admin first.")


def _note(member: Member, action: str, actor: User, at: datetime, request_id: str, **values: Any) -> None:
    audit.record(
        project=member.project,
        actor=audit.of_user(actor),
        action=action,
        object_type="member",
        object_id=member.user.public_id,
        name=member.user.email,
        at=at,
        channel=audit.Channel.DASHBOARD,
        request_id=request_id,
        **values,
    )
