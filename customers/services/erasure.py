"""Permanent deletion: one person out of everything, with a certificate. Source: customers.md section 9."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import transaction

from config.kernel import ids
from config.kernel.errors import NotFound
from config.kernel.instants import parse_instant, to_wire
from config.project import audit, encryption
from config.project.audit import Actor
from config.project.models import Project
from customers import erasing
from customers.erasing import Person
from customers.models import Customer, Erasure
from customers.services import profiles

COUNTED: Final = ("events", "customer_events", "daily_events", "segments", "orders", "order_events", "customer")
"""The kinds of `data_json`."""


def erase(
    *,
    project: Project,
    identifier: str,
    at: datetime,
    actor: Actor = audit.SYSTEM,
    channel: str = audit.Channel.API,
    request_id: str = "",
) -> Erasure:
    """Take the person out of every table and file and return the certificate.

    identifier: as for every customer; of a deleted one, the former `cust_…` id. Raises NotFound.
    """
    with transaction.atomic():
        customer = profiles.find_or_none(project=project, identifier=identifier) or _deleted(project, identifier)
        if customer is None:
            raise NotFound.of("customer", identifier)
        erasure = Erasure(
            project=project,
            public_id=ids.new("del_"),
            customer_id=customer.public_id,
            identifiers=sorted(hash_of(project, text) for text in _texts(customer)),
            data=_erase(project, customer),
            created_at=at,
        )
        erasure.save(force_insert=True)
        audit.record(
            project=project,
            actor=actor,
            action="customer.erased",
            object_type="customer",
            object_id=customer.public_id,
            at=at,
            channel=channel,
            request_id=request_id,
        )
        _note_apart(erasure)
    return erasure


def reapply() -> int:
    """Erase everybody again who has a certificate, here or in the list apart; returns how many had come back."""
    again = 0
    for noted in (*_known(), *_noted_apart()):
        project = Project.objects.filter(public_id=noted["project"]).first()
        if project is None:
            continue
        with transaction.atomic():
            customer = Customer.objects.of(project).filter(public_id=noted["customer"]).first()
            if customer is not None:
                _erase(project, customer)
                again += 1
            Erasure.objects.get_or_create(
                project=project,
                public_id=noted["id"],
                defaults={
                    "customer_id": noted["customer"],
                    "identifiers": noted["identifiers"],
                    "data": noted["data"],
                    "created_at": parse_instant(noted["created_at"]),
                },
            )
    return again


def hash_of(project: Project, identifier: str) -> str:
    """An identifier as certificates keep it: only who knows both the identifier and the project's key can compare."""
    secret = encryption.decrypt(project.tracking_secret)
    return hmac.new(secret.encode(), f"erasure:{identifier}".encode(), hashlib.sha256).hexdigest()


def _deleted(project: Project, public_id: str) -> Customer | None:
    return None if "\0" in public_id else Customer.objects.of(project).filter(public_id=public_id).first()


def _erase(project: Project, customer: Customer) -> dict[str, int]:
    """Erase the person with what is left of earlier profiles under the same source id; returns the counts."""
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    locked = list(_profiles(project, customer).select_for_update().order_by("pk"))
    living = _living(project, locked)
    for profile in locked:
        texts = _texts(profile) - living
        tokens = frozenset(token for find in erasing.finders for token in find(profile)) - living
        person = Person(profile, frozenset(texts | tokens), tokens)
        for eraser in reversed(erasing.erasers):
            counts.update(eraser(person))
        Customer.objects.filter(pk=profile.pk).delete()
        counts["customer"] += 1
    return {name: counts[name] for name in COUNTED}


def _profiles(project: Project, customer: Customer) -> Any:
    rows = Customer.objects.of(project)
    if customer.source_id is None:
        return rows.filter(pk=customer.pk)
    former = rows.filter(source_id=customer.source_id, deleted_at__isnull=False)
    return rows.filter(pk=customer.pk) | former


def _living(project: Project, erased: Iterable[Customer]) -> frozenset[str]:
    """What belongs to somebody who stays: a new customer under the source id that a deleted one had."""
    gone = {profile.pk for profile in erased}
    source_ids = {profile.source_id for profile in erased if profile.source_id is not None}
    staying = Customer.objects.of(project).alive().filter(source_id__in=source_ids).exclude(pk__in=gone)
    return frozenset(text for customer in staying for text in _texts(customer))


def _texts(customer: Customer) -> frozenset[str]:
    address = customer.address or {}
    values = (
        *(customer.public_id, customer.source_id, customer.name, customer.email, customer.email_key, customer.phone),
        *(address.get("line_1"), address.get("line_2")),
    )
    return frozenset(value.strip() for value in values if value and value.strip())


def _known() -> Iterator[dict[str, Any]]:
    for erasure in Erasure.objects.select_related("project").order_by("pk"):
        yield _as_json(erasure)


def _as_json(erasure: Erasure) -> dict[str, Any]:
    return {
        "id": erasure.public_id,
        "project": erasure.project.public_id,
        "customer": erasure.customer_id,
        "identifiers": erasure.identifiers,
        "data": erasure.data,
        "created_at": to_wire(erasure.created_at),
    }


def _list_apart() -> Path:
    return Path(settings.DATA_DIR) / "erasures.jsonl"


def _note_apart(erasure: Erasure) -> None:
    """Append to a list beside the database, which a restore of the database does not take back."""
    descriptor = os.open(_list_apart(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as out:
        out.write(orjson.dumps(_as_json(erasure)) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _noted_apart() -> Iterator[dict[str, Any]]:
    path = _list_apart()
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # the machine went down while the line was written; its transaction did not commit either
