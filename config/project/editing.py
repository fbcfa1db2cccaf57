"""A project's settings: what may be changed, and what is a value of each. Every change is audited."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from config.kernel.errors import Conflict, InvalidPayload
from config.project import audit, keys
from config.project.metadata import is_storable
from config.project.models import Project
from config.project.origins import parse_origin

MOST_ORIGINS: Final = 100
MOST_CAP: Final = 2**53 - 1
CAPS: Final = (
    *("static_segment_customers", "dynamic_segments", "codes_per_campaign", "imported_orders"),
    *("product_collections", "static_collection_products"),
)
"""Caps of `Project.vendor_caps` that something asks for."""

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_DIAL_CODE: Final = re.compile(r"\+?\d{1,7}", re.ASCII)


class ChangedMeanwhile(Conflict):
    """Somebody changed this meanwhile"""

    key = "changed_meanwhile"


def change(
    *,
    project: Project,
    changes: Mapping[str, Any],
    at: datetime,
    actor: audit.Actor,
    channel: str,
    seen: datetime | None = None,
    check_seen: bool = False,
    request_id: str = "",
) -> Project:
    """Set the fields that are named; returns the project as stored. What is equal already leaves no trace.

    check_seen: refuse where the project was changed after `seen`, its `updated_at` as somebody saw it.
    Raises InvalidPayload naming the property, ChangedMeanwhile.
    """
    values = {name: parse(name, value) for name, value in changes.items()}
    with transaction.atomic():
        stored = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        if check_seen and stored.updated_at != seen:
            raise ChangedMeanwhile(
                "Somebody else changed these settings meanwhile. Look at them again before you save."
            )
        changed = [name for name, value in values.items() if getattr(stored, name) != value]
        if not changed:
            return stored
        before = audit.facts(stored, changed)
        for name in changed:
            setattr(stored, name, values[name])
        stored.updated_at = at
        stored.save(update_fields=[*changed, "updated_at"])
        audit.record(
            project=stored,
            actor=actor,
            action="project.changed",
            object_type="project",
            object_id=stored.public_id,
            name=stored.name,
            before=before,
            after=audit.facts(stored, changed),
            at=at,
            channel=channel,
            request_id=request_id,
        )
    keys.cache.clear()
    return stored


def parse(name: str, value: object) -> Any:
    """The value as it is stored. Raises InvalidPayload for a value that is none, and for a field that is fixed."""
    check = CHECKS.get(name)
    if check is None:
        raise InvalidPayload(f"Property .{name[:80]} cannot be changed")
    return check(name, value)


def _text(longest: int, *, required: bool = False) -> Callable[[str, object], str]:
    def parse_text(name: str, value: object) -> str:
        text = _as_text(name, value).strip()
        if required and not text:
            raise InvalidPayload(f"Property .{name} should not be empty")
        if len(text) > longest:
            raise InvalidPayload(f"Property .{name} should not be longer than {longest} characters")
        return text

    return parse_text


def _as_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidPayload(f"Property .{name} should be string")
    if not is_storable(value):
        raise InvalidPayload(f"Property .{name} contains a character that cannot be stored")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidPayload(f"Property .{name} should be boolean")
    return value


def _timezone(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in zoneinfo.available_timezones():
        raise InvalidPayload(f"Property .{name} is not a time zone: {str(value)[:80]}")
    return value


def _pattern(pattern: re.Pattern[str], noun: str) -> Callable[[str, object], str]:
    def parse_pattern(name: str, value: object) -> str:
        text = _as_text(name, value).strip().upper()
        if text and pattern.fullmatch(text) is None:
            raise InvalidPayload(f"Property .{name} is not {noun}: {text[:80]}")
        return text

    return parse_pattern


def _origins(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InvalidPayload(f"Property .{name} should be array of strings")
    if len(value) > MOST_ORIGINS:
        raise InvalidPayload(f"Property .{name} should not have more than {MOST_ORIGINS} entries")
    entries = list(dict.fromkeys(parse_origin(entry) for entry in value))
    if long := next((entry for entry in entries if len(entry) > 300), None):
        raise InvalidPayload(f"Property .{name} has an entry that is too long: {long[:80]}")
    return entries


def _caps(name: str, value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise InvalidPayload(f"Property .{name} should be object")
    for cap, limit in value.items():
        if cap not in CAPS:
            raise InvalidPayload(f"Property .{name}.{str(cap)[:80]} is not a cap; known: {', '.join(CAPS)}")
        if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit <= MOST_CAP:
            raise InvalidPayload(f"Property .{name}.{cap} should be a number from 0 to {MOST_CAP}")
    return dict(value)


CLIENT_SWITCHES: Final = (
    *("client_events_enabled", "client_redeem_enabled", "client_publish_enabled", "client_list_vouchers_enabled"),
    *("client_create_customer_enabled", "client_set_voucher_expiration_date_enabled", "client_loyalty_events_enabled"),
    "client_protects_customers",
)
FLAGS: Final = ("strict_tracking", "secure_redemption", "strict_event_names", "raw_export_headers")

CHECKS: Final[dict[str, Callable[[str, object], Any]]] = {
    "name": _text(200, required=True),
    "description": _text(10_000),
    "timezone": _timezone,
    "currency": _pattern(_CURRENCY, "a currency of three letters"),
    "dial_code": _pattern(_DIAL_CODE, "a dial code"),
    "client_trusted_domains": _origins,
    **dict.fromkeys((*CLIENT_SWITCHES, *FLAGS), _flag),
    "vendor_caps": _caps,
}
"""Field → what makes a stored value of what was sent. What is not here is fixed when the project is made."""
