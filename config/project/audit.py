"""Who changed what: a chain of entries for each project, in which no row can be changed or left out unnoticed.

`record` is called in the transaction of the change, as its last step. It takes no lock: the entry is written with a row
of AuditPending, and `seal` hangs what was committed on the chain of its project, a moment later, in the worker's loop
and before every verification. Whoever could change the database in that moment is not noticed; from then on he is.
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
from config.project.models import ApiKey, AuditDetail, AuditEntry, AuditLink, AuditPending, Project, User

LOCK: Final = 0x7E55E4A
"""The advisory lock of whoever seals. Nobody who records takes it."""

BATCH: Final = 1000

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
    entry = AuditEntry(
        project=project,
        at=at,
        actor_type=actor.type,
        actor_id=actor.id,
        action=action,
        object_type=object_type,
        object_id=object_id[:200],
        channel=channel,
        request_id=request_id[:64],
        detail_digest=digest_of(salt, values),
    )
    columns = [getattr(entry, name) for name in COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [*columns, salt, values])
        (entry.pk,) = cursor.fetchone()
    entry._state.adding = False
    return entry


def knows(project: Project, action: str, object_type: str, object_id: str) -> bool:
    """Whether this was written down already; for work that is done again after a crash."""
    rows = AuditEntry.objects.filter(project=project, object_type=object_type, object_id=object_id, action=action)
    return rows.exists()


COLUMNS: Final = (
    *("project_id", "at", "actor_type", "actor_id", "action", "object_type", "object_id", "channel", "request_id"),
    "detail_digest",
)
INSERT: Final = f"""
WITH entry AS (
    INSERT INTO project_auditentry ({", ".join(COLUMNS)}) VALUES ({", ".join(["%s"] * len(COLUMNS))}) RETURNING id
), detail AS (
    INSERT INTO project_auditdetail (entry_id, salt, values) SELECT id, %s, %s FROM entry
)
INSERT INTO project_auditpending (entry_id) SELECT id FROM entry RETURNING entry_id
"""  # noqa: S608  names of columns, nobody's input
"""Entry, values and place in the queue of `seal` in one statement: it is on the way of every audited write."""


def seal() -> int:
    """Hang every committed entry that no link holds on its project's chain; returns how many.

    One at a time: a second caller waits. Every batch is a transaction, so a crash leaves whole chains and the rest
    pending.
    """
    sealed = 0
    while count := _seal_batch(wait=True):
        sealed += count
    return sealed


def seal_some() -> bool:
    """A step of the worker's loop; False where there was nothing to do, or somebody else does it."""
    return _seal_batch(wait=False) > 0


def _seal_batch(*, wait: bool) -> int:
    with transaction.atomic():
        if not _lock(wait=wait):
            return 0
        entries = [row.entry for row in AuditPending.objects.select_related("entry").order_by("pk")[:BATCH]]
        ends: dict[int | None, tuple[int, str]] = {}
        links = []
        for entry in entries:
            if entry.project_id not in ends:
                ends[entry.project_id] = _end_of(entry.project_id)
            number, previous = ends[entry.project_id]
            link = AuditLink(entry=entry, project_id=entry.project_id, number=number + 1, previous_hash=previous)
            link.hash = hash_of(entry, link.number, previous)
            ends[entry.project_id] = (link.number, link.hash)
            links.append(link)
        AuditLink.objects.bulk_create(links)
        AuditPending.objects.filter(pk__in=[entry.pk for entry in entries]).delete()
    return len(entries)


def _end_of(project_id: int | None) -> tuple[int, str]:
    """Number and hash of the chain's last link."""
    rows = AuditLink.objects.filter(Q(project_id=project_id))  # None means IS NULL
    return rows.order_by("-number").values_list("number", "hash").first() or (0, "")


def _lock(*, wait: bool) -> bool:
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, 0)", [LOCK])
        return wait or bool(cursor.fetchone()[0])


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
    """Seal what is pending and walk the chain; None where all of it holds. Erased values are no break."""
    seal()
    owner = project.pk if project else None
    expected, previous = 1, ""
    links = AuditLink.objects.filter(project=project).select_related("entry").order_by("number")
    for link in links.iterator(chunk_size=2000):
        reason = ""
        if link.number != expected:
            reason = f"entry {expected} is missing"
        elif link.previous_hash != previous:
            reason = "it does not follow the one before it"
        elif link.hash != hash_of(link.entry, link.number, link.previous_hash) or link.entry.project_id != owner:
            reason = "it was changed"
        if reason:
            return Broken(owner, expected, reason)
        expected, previous = expected + 1, link.hash
    loose = AuditEntry.objects.filter(project=project, link__isnull=True, pending__isnull=True).order_by("pk").first()
    if loose is not None:
        return Broken(owner, expected, f"the row {loose.pk} was left out of the chain")
    rows = (
        AuditDetail.objects.filter(entry__project=project).select_related("entry__link").order_by("entry__link__number")
    )
    for detail in rows.iterator(chunk_size=2000):
        if digest_of(detail.salt, detail.values) != detail.entry.detail_digest:
            return Broken(owner, detail.entry.link.number, "its values were changed")
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


def hash_of(entry: AuditEntry, number: int, previous_hash: str) -> str:
    """The hash of an entry in its place: over everything in it and the hash before it."""
    parts = [
        *(previous_hash, entry.project_id, number, instants.to_wire(entry.at), entry.actor_type),
        *(entry.actor_id, entry.action, entry.object_type, entry.object_id, entry.channel, entry.request_id),
        entry.detail_digest,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
