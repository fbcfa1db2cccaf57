"""Custom events of people who are named by a source id and nothing else: everything in one statement.

The long way (`identities`) finds out who is meant and moves what a visitor did before; nearly every event needs none of
it. What does is left to the long way: tokens, customer ids, a cookie of somebody else, a profile to change, a visitor's
history that waits for its customer, webhooks that are told. Somebody new is stored by the same statement, with identity
and event; of two at the same moment one writes nothing and goes the long way, where the customer is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson

from config.kernel import ids
from config.kernel.causes import Cause
from config.kernel.texts import normal
from config.project import encryption, prepared, schemas
from config.project.metadata import is_storable
from config.project.metadata_schema import NO_SCHEMA
from config.project.models import Project
from config.webhooks import outbox
from customers import happenings
from customers import services as customers
from customers.payloads import CustomerData, Unset
from customers.rendering import SIMPLE_IN_SQL, render_customer
from customers.services import newcomers
from tracking import tokens
from tracking.services import events, identities
from tracking.services.events import CUSTOM_EVENT

KEYS: Final = ("id", "name", "email", "source_id", "metadata", "object")
"""Of the simple customer, in the order of answers; jsonb has one of its own."""
COMPARED: Final = ("name", "description", "email", "phone")
"""What may be said again of somebody known without a change; the statement compares it, and metadata."""
MOST_MET: Final = 50_000


@dataclass(frozen=True, slots=True)
class Done:
    """Who did it, in the simple form, and the tracking id to answer with."""

    customer: Mapping[str, Any]
    token: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A custom event to be recorded. event: the event object; data: what stands beside it; both without the customer.

    protect: a customer who is stored already stays as it is, whatever was said.
    """

    project: Project
    name: str
    source_id: str
    said: CustomerData
    protect: bool
    event: Mapping[str, Any]
    data: Mapping[str, Any]
    at: datetime
    cause: Cause


_met: Final[set[int]] = set()
"""Whom this process has met: their statement leaves out what stores somebody new. A wrong guess costs a statement."""


def source_id_of(project: Project, said: CustomerData, *, tracking_id: str | None, cookie: str | None) -> str | None:
    """The source id by which alone the request says who it is, where one statement will do; None: the long way."""
    source_id = tokens.read(said.source_id) if isinstance(said.source_id, str) else None
    if source_id is None or isinstance(said.id, str) or tracking_id or tokens.looks_like_one(source_id):
        return None
    if len(source_id) > identities.MOST_CHARACTERS or not is_storable(source_id):
        return None
    if outbox.is_wanted(project, CUSTOM_EVENT, happenings.CREATED):
        return None
    if not isinstance(said.metadata, Unset) and schemas.schema_of(project, "customer") is not NO_SCHEMA:
        return None
    return source_id if not cookie or tokens.read(cookie) == token_of(project, source_id) else None


def token_of(project: Project, source_id: str) -> str:
    """The tracking id that the source id gets when it is first seen."""
    return tokens.for_identity(encryption.decrypt(project.tracking_secret), source_id)


def record(plain: Plain) -> Done | None:
    """Record it; None: nothing was written, because it takes the long way."""
    if not _is_comparable(plain):
        return None
    who = hash((plain.project.pk, plain.source_id))
    done = _run(plain, newcomer=False) if who in _met else None
    if done is None and (done := _run(plain, newcomer=True)) is None:
        return None
    if len(_met) >= MOST_MET:
        _met.clear()
    _met.add(who)
    return done


def _run(plain: Plain, *, newcomer: bool) -> Done | None:
    said = {} if plain.protect else _compared(plain.said)
    parameters = _parameters(plain, token_of(plain.project, plain.source_id)) | said
    if newcomer:
        customer = newcomers.unsaved(project=plain.project, data=plain.said, source_id=plain.source_id, at=plain.at)
        parameters |= newcomers.parameters(customer)
        parameters |= {"born": _json({"customer": render_customer(customer)}), "born_id": ids.new("evcus_")}
        parameters["public_id"] = ids.new("evcus_")  # after the other, as the ids of events rise
    ((simple, stored_token, is_added, is_named),) = prepared.fetch_named(
        _statement(newcomer=newcomer, says=tuple(said)), parameters
    )
    if simple is None:
        return None
    value = orjson.loads(simple) if isinstance(simple, str) else simple
    if is_added and not is_named:  # a validation stored the identity meanwhile: what it recorded waits to be claimed
        stored = customers.find(project=plain.project, identifier=value["id"])
        identities.settle(plain.project, plain.source_id, stored, plain.at)
    return Done({key: value[key] for key in KEYS}, stored_token)


def _is_comparable(plain: Plain) -> bool:
    """Whether the statement can tell that what was said changes nobody."""
    said = plain.said
    if plain.protect:
        return True
    others = (said.birthdate, said.birthday, said.address)
    return all(isinstance(value, Unset) for value in others) and all(
        getattr(said, name) is not None for name in COMPARED
    )


def _compared(said: CustomerData) -> dict[str, Any]:
    """What was said of the profile, to be compared with what is stored."""
    texts = {name: value for name in COMPARED if not isinstance(value := getattr(said, name), Unset)}
    return texts if isinstance(said.metadata, Unset) else texts | {"metadata": _json(said.metadata)}


def _parameters(plain: Plain, token: str) -> dict[str, Any]:
    return {
        "project": str(plain.project.pk),
        "source": plain.source_id,
        "token": token,
        "at": plain.at,
        "long_ago": plain.at - identities.SEEN_EVERY,
        "public_id": ids.new("evcus_"),
        "name_of_event": normal(plain.name),
        "data": _json(plain.data),
        "event": _json(plain.event),
        "cause": _json(plain.cause.source),
        "group": plain.cause.group_id,
    }


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()


_WHO: Final = f"""
    SELECT c.id, {SIMPLE_IN_SQL} AS simple, i.id AS identity, i.token, i.last_seen_at
    FROM customers_customer c
    LEFT JOIN tracking_trackingidentity i ON i.project_id = %(project)s AND i.source_id = %(source)s
    WHERE c.project_id = %(project)s AND c.source_id = %(source)s AND c.deleted_at IS NULL
        AND (i.id IS NULL OR (i.customer_id = c.id AND i.alias_of_id IS NULL))
"""  # noqa: S608  our own text
_SAME: Final = {
    **{name: f" AND c.{name} = %({name})s" for name in COMPARED},
    "metadata": " AND coalesce(c.metadata, '{}') || %(metadata)s::jsonb = coalesce(c.metadata, '{}')",
}
_SEEN: Final = " AND i.last_seen_at >= %(long_ago)s"
_ADDED: Final = f"""
    INSERT INTO customers_customer AS c (@columns) SELECT @values
    WHERE NOT EXISTS (SELECT 1 FROM who) AND NOT EXISTS (
        SELECT 1 FROM tracking_trackingidentity WHERE project_id = %(project)s AND source_id = %(source)s
    ) AND NOT EXISTS (
        SELECT 1 FROM customers_customer
        WHERE project_id = %(project)s AND source_id = %(source)s AND deleted_at IS NULL
    )
    ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
    RETURNING c.id, {SIMPLE_IN_SQL} AS simple
"""  # noqa: S608
_NAMED: Final = """, named AS (
    INSERT INTO tracking_trackingidentity (project_id, token, source_id, customer_id, created_at, last_seen_at)
    SELECT %(project)s, %(token)s, %(source)s, id, %(at)s, %(at)s FROM subject WHERE identity IS NULL
    ON CONFLICT DO NOTHING RETURNING id
), seen AS (
    UPDATE tracking_trackingidentity i SET last_seen_at = %(at)s FROM who
    WHERE i.id = who.identity AND who.last_seen_at < %(long_ago)s
)"""
_BORN: Final = f"""
    SELECT 1 AS place, id, '{happenings.CREATED}' AS type, '' AS name, %(born_id)s AS public_id, %(born)s::jsonb AS data
    FROM added UNION ALL
"""  # noqa: S608
_DONE: Final = f"""
    SELECT 2 AS place, id, '{CUSTOM_EVENT}' AS type, %(name_of_event)s AS name, %(public_id)s AS public_id,
        %(data)s::jsonb || jsonb_build_object('customer', simple,
            'event', %(event)s::jsonb || jsonb_build_object('customer', simple)) AS data
    FROM subject
"""  # noqa: S608
_RECORDED: Final = f""", recorded AS (
    INSERT INTO tracking_event (project_id, public_id, type, name, category, customer_id, token, campaign_type, data,
        source, group_id, created_at)
    SELECT %(project)s, public_id, type, name, 'ACTION', id, '', '', data, %(cause)s::jsonb, %(group)s, %(at)s
    FROM (@events) AS found @order
), tallied AS (
    INSERT INTO tracking_eventcounter (customer_id, name, count, first_at, last_at)
    SELECT id, %(name_of_event)s, 1, %(at)s, %(at)s FROM subject
    {events.COUNT_MORE}
)"""  # noqa: S608


@cache
def _statement(*, newcomer: bool, says: tuple[str, ...]) -> str:
    """The SQL. newcomer: with what stores somebody new, or an identity, or that it was seen. says: what is compared."""
    same = "".join(_SAME[name] for name in says)
    if not newcomer:
        return f"""
WITH subject AS MATERIALIZED ({_WHO}{same}{_SEEN}){_RECORDED.replace("@events", _DONE).replace("@order", "")}
SELECT simple, token, false, false FROM (SELECT 1) AS one LEFT JOIN subject ON true"""  # noqa: S608  our own text
    columns, values = newcomers.insertion()
    added = _ADDED.replace("@columns", columns).replace("@values", values)
    recorded = _RECORDED.replace("@events", _BORN + _DONE).replace("@order", "ORDER BY place")
    return f"""
WITH who AS MATERIALIZED ({_WHO}{same}), added AS ({added}), subject AS MATERIALIZED (
    SELECT id, simple, identity, token FROM who UNION ALL SELECT id, simple, NULL, NULL FROM added
){_NAMED}{recorded}
SELECT subject.simple, coalesce(subject.token, %(token)s), EXISTS (SELECT 1 FROM added), EXISTS (SELECT 1 FROM named)
FROM (SELECT 1) AS one LEFT JOIN subject ON true"""  # noqa: S608  our own text
