"""Who changed what: a chain of entries for each project, in which no row can be changed or left out unnoticed.

`record` is called in the transaction of the change, as its last step: the project's chain is locked until commit.
Validations and redemptions are not audited, they are facts of their own; so nothing here is on their way.
"""

from __future__ import annotations

import copy
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q

from config.kernel import instants
from config.project.models import ApiKey, AuditDetail, AuditEntry, Project, User

LOCK: Final = 0x7E55E4A
"""Class of the advisory locks of chains; the second number is the project, 0 the installation."""

LEAST_TEXT: Final = 5
"""Shorter texts stand in the values of everybody."""

Channel = AuditEntry.Channel


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. name: how people know them; it is kept among the values that can be erased."""

    type: str
    id: str = ""
    name: str = ""


SYSTEM: Final = Actor("system", "", "Tessera")


def of_user(user: User | None) -> Actor:
    """A person; None is somebody who is not known."""
    return Actor("user", user.public_id, user.email) if user is not None else Actor("user")


def of_key(key: ApiKey) -> Actor:
    """A key pair."""
    return Actor("key", key.app_id, key.name)


def record(
    *,
    project: Project | None,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    at: datetime,
    channel: str,
    request_id: str = "",
    name: str = "",
) -> AuditEntry:
    """Append an entry. before, after: what differs; equal values are left out. name: of the object, for people.

    project: None is the installation itself.
    """
    values = canonical({"actor": actor.name, "name": name, **changes(before, after)})
    salt = secrets.token_hex(16)
    with transaction.atomic():
        _lock(project)
        last = AuditEntry.objects.filter(project=project).order_by("-number").values_list("number", "hash").first()
        number, previous = last or (0, "")
        entry = AuditEntry(
            project=project,
            number=number + 1,
            at=at,
            actor_type=actor.type,
            actor_id=actor.id,
            action=action,
            object_type=object_type,
            object_id=object_id[:200],
            channel=channel,
            request_id=request_id[:64],
            detail_digest=digest_of(salt, values),
            previous_hash=previous,
        )
        entry.hash = hash_of(entry)
        entry.save(force_insert=True)
        AuditDetail(entry=entry, salt=salt, values=values).save(force_insert=True)
    return entry


def erase(*, project: Project, object_type: str, object_id: str, texts: Iterable[str] = ()) -> int:
    """Erase the values of all entries about an object; the entries themselves stay. Returns how many.

    texts: also the values in which one of these stands, such as the filter of an export by somebody's e-mail.
    """
    meant = Q(entry__object_type=object_type, entry__object_id=object_id)
    for text in texts:
        if len(text) >= LEAST_TEXT:
            meant |= Q(values__contains=json.dumps(text, ensure_ascii=False)[1:-1])
    return AuditDetail.objects.filter(meant, entry__project=project).delete()[0]


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row that is not what was written."""

    project_id: int | None
    number: int
    reason: str


def verify(project: Project | None) -> Broken | None:
    """Walk the chain; None where all of it holds. Erased values are no break."""
    expected, previous = 1, ""
    for entry in AuditEntry.objects.filter(project=project).order_by("number").iterator(chunk_size=2000):
        reason = ""
        if entry.number != expected:
            reason = f"entry {expected} is missing"
        elif entry.previous_hash != previous:
            reason = "it does not follow the one before it"
        elif entry.hash != hash_of(entry):
            reason = "it was changed"
        if reason:
            return Broken(project.pk if project else None, expected, reason)
        expected, previous = expected + 1, entry.hash
    rows = AuditDetail.objects.filter(entry__project=project).select_related("entry").order_by("entry__number")
    for detail in rows.iterator(chunk_size=2000):
        if digest_of(detail.salt, detail.values) != detail.entry.detail_digest:
            return Broken(project.pk if project else None, detail.entry.number, "its values were changed")
    return None


def values_of(entry: AuditEntry) -> dict[str, Any]:
    """What was kept with the entry, empty where it was erased."""
    try:
        found: dict[str, Any] = json.loads(entry.detail.values)
    except AuditDetail.DoesNotExist:
        return {}
    return found


def facts(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """The named attributes of a row, as `before` or `after`; taken before a service changes the instance."""
    return {name: copy.deepcopy(getattr(row, name)) for name in names}


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """`before` and `after` with only what differs."""
    old, new = before or {}, after or {}
    keys = [key for key in {**old, **new} if key not in old or key not in new or old[key] != new[key]]
    return {
        "before": {key: old[key] for key in keys if key in old},
        "after": {key: new[key] for key in keys if key in new},
    }


def differences(values: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(key, before, after) of what `values_of` returned."""
    before, after = values.get("before") or {}, values.get("after") or {}
    for key in {**before, **after}:
        yield key, before.get(key), after.get(key)


def canonical(values: Mapping[str, Any]) -> str:
    """One text for one value, whatever the order of its keys."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).replace(
        "\\u0000", ""
    )


def digest_of(salt: str, values: str) -> str:
    """The digest of the values that the chain holds."""
    return hashlib.sha256(f"{salt}\n{values}".encode("utf-8", "surrogatepass")).hexdigest()


def hash_of(entry: AuditEntry) -> str:
    """The hash of an entry over everything in it and the hash before it."""
    parts = [
        *(entry.previous_hash, entry.project_id, entry.number, instants.to_wire(entry.at), entry.actor_type),
        *(entry.actor_id, entry.action, entry.object_type, entry.object_id, entry.channel, entry.request_id),
        entry.detail_digest,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _lock(project: Project | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, (project.pk if project else 0) % 2**31])
