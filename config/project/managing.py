"""Projects as management keys see them: a key manages its own project and those made with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from config.kernel.errors import InvalidPayload, NotFound
from config.project import audit, editing, keys, oauth, services
from config.project.models import AccessToken, ApiKey, Member, Project
from config.project.services import NewProject

NOTIFICATIONS: Final = ("webhooks_callout_notifications", "api_usage_notifications")
SETTABLE: Final = (
    *("name", "description", "timezone", "currency", "dial_code", "client_trusted_domains", "client_redeem_enabled"),
    *("client_publish_enabled", "client_list_vouchers_enabled", "client_create_customer_enabled"),
    *("client_set_voucher_expiration_date_enabled", "client_loyalty_events_enabled"),
)
WEBHOOK_VERSION: Final = "v2024-01-01"
LARGEST: Final = 100
"""Keys of an object that is only shown again."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Who asks, for the audit log."""

    actor: audit.Actor
    request_id: str


def visible_to(project: Project) -> QuerySet[Project]:
    """What a management key of the project sees, its own first."""
    return Project.objects.filter(Q(pk=project.pk) | Q(made_by=project), deleted_at=None).order_by("pk")


def find(*, by: Project, public_id: str) -> Project:
    """A project that a key of `by` may manage. Raises NotFound."""
    if by.public_id == public_id and by.deleted_at is None:
        return by
    found = visible_to(by).filter(public_id=public_id).first()
    if found is None:
        raise NotFound.of("project", public_id)
    return found


def create(*, by: Project, body: Mapping[str, Any], at: datetime, trace: Trace) -> NewProject:
    """A project with keys of its own, which are shown once. Raises InvalidPayload."""
    if body.get("name") is None:
        raise InvalidPayload("Payload should have required property 'name'")
    values = _values(body)
    case_sensitive = body.get("case_sensitive_codes")
    if case_sensitive is not None and not isinstance(case_sensitive, bool):
        raise InvalidPayload("Property .case_sensitive_codes should be boolean")
    with transaction.atomic():
        made = services.create_project(name=values["name"], at=at, timezone=values.get("timezone", "UTC"))
        project = made.project
        project.made_by = by
        project.case_sensitive_codes = case_sensitive is not False
        for name, value in {**values, **_echoed(body, project)}.items():
            setattr(project, name, value)
        project.save(update_fields=["made_by", "case_sensitive_codes", "notifications", "default_code_config", *values])
        _note("project.created", project, at, trace, after=audit.facts(project, sorted(values)))
    return made


def change(*, project: Project, body: Mapping[str, Any], at: datetime, trace: Trace) -> Project:
    """Set what was sent. Raises InvalidPayload."""
    values, echoed = _values(body), _echoed(body, project)
    with transaction.atomic():
        stored = editing.change(
            project=project, changes=values, at=at, actor=trace.actor, channel=audit.Channel.API,
            request_id=trace.request_id,
        )  # fmt: skip
        if any(getattr(stored, name) != value for name, value in echoed.items()):
            for name, value in echoed.items():
                setattr(stored, name, value)
            stored.updated_at = at
            stored.save(update_fields=[*echoed, "updated_at"])
    keys.cache.clear()
    return stored


def delete(*, project: Project, at: datetime, trace: Trace) -> None:
    """Close the project: its keys and tokens open nothing more, nobody is a member. Its audit log stays."""
    with transaction.atomic():
        Project.objects.filter(pk=project.pk).update(deleted_at=at, updated_at=at)
        ApiKey.objects.filter(project=project).update(active=False)
        AccessToken.objects.filter(project=project).delete()
        Member.objects.filter(project=project).delete()
        _note("project.deleted", project, at, trace)
    keys.cache.clear()
    oauth.forget()


def _values(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent of what can be set; null is as if it had not been sent."""
    version = body.get("webhook_version")
    if version not in (None, WEBHOOK_VERSION):
        raise InvalidPayload(
            f"Property .webhook_version should be equal to one of the allowed values {WEBHOOK_VERSION}"
        )
    return {name: editing.parse(name, body[name]) for name in SETTABLE if body.get(name) is not None}


def _echoed(body: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Objects that are kept and shown again."""
    notifications = dict(project.notifications)
    for name in NOTIFICATIONS:
        if body.get(name) is not None:
            notifications[name] = _object(body, name)
    config = (
        project.default_code_config if body.get("default_code_config") is None else _object(body, "default_code_config")
    )
    return {"notifications": notifications, "default_code_config": config}


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body[name]
    if not isinstance(value, dict):
        raise InvalidPayload(f"Property .{name} should be object")
    if len(value) > LARGEST:
        raise InvalidPayload(f"Property .{name} should NOT have more than {LARGEST} properties")
    return value


def _note(action: str, project: Project, at: datetime, trace: Trace, after: Mapping[str, Any] | None = None) -> None:
    audit.record(
        project=project, actor=trace.actor, action=action, object_type="project", object_id=project.public_id,
        name=project.name, after=after, at=at, channel=audit.Channel.API, request_id=trace.request_id,
    )  # fmt: skip
