"""Who a request is about: tracking ids, source ids, customer ids and the cookie, and what joins them.

Source: reference of tracking, sections 2 (values), 3 (precedence and conflicts) and 6 (merge).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from config.kernel.errors import InvalidPayload, NotFound
from config.project import encryption, statements
from config.project.metadata import is_storable
from config.project.models import Project
from customers import services as customers
from customers.models import Customer
from customers.payloads import UNSET, CustomerData
from customers.services.aliases import Meant
from tracking import tokens
from tracking.errors import AmbiguousTrackingId
from tracking.models import TrackingIdentity
from tracking.services import events

MOST_CHARACTERS: Final = 500
SEEN_EVERY: Final = timedelta(hours=1)
"""`last_seen_at` moves no more often: a stored identity costs a validation no write."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request is about.

    token: the tracking id to answer with; None only where nobody was named and no anonymous one was wanted.
    source_id: under which a write stores the customer; the token itself of an anonymous visitor, None where the
    customer has none. customer: the stored one, if any. named: the request itself, or the cookie of a known customer,
    says who it is. visitor: the anonymous tokens that the request shows beside (or as) the identity; `claim` moves
    their history. row: the stored token.
    """

    token: str | None = None
    source_id: str | None = None
    customer: Customer | None = None
    named: bool = False
    visitor: tuple[str, ...] = ()
    row: TrackingIdentity | None = field(default=None, repr=False, compare=False)

    @property
    def anonymous(self) -> bool:
        """Nobody is known behind it yet."""
        return self.customer is None and (self.token is None or self.token == self.source_id)


@dataclass(frozen=True, slots=True)
class Claim:
    """What `claim` did. kept_apart: tokens that belong to another real profile and were left alone."""

    moved: int = 0
    kept_apart: tuple[str, ...] = ()


Mover = Callable[[Project, str, Customer, datetime], int]
"""Moves what a higher app recorded under an anonymous token: (project, token, customer, issued at) → rows moved."""

movers: Final[list[Mover]] = []
"""Higher apps add theirs in AppConfig.ready(); events move with this module."""


def resolve(
    *,
    project: Project,
    tracking_id: str | None,
    source_id: str | None,
    customer_id: str | None,
    cookie: str | None,
    at: datetime,
    anonymous: bool,
    shortcut: str | None = None,
    must_exist: bool = False,
    store: bool = True,
) -> Identity:
    """Find out who is meant: customer id, then source id, then tracking id, then cookie, else a fresh anonymous token.

    Every identifier but the customer id may be raw or a token. anonymous: whether to issue a token to nobody.
    shortcut: a customer id, else a source id or token (`customer=<string>`). must_exist: an unknown customer id is
    NotFound (writes); else it is passed over (validations). store: keep the token, and bind an anonymous token shown
    beside it. Raises AmbiguousTrackingId as section 3 of the reference says.
    """
    given_source, given_tracking = _checked(source_id, "customer.source_id"), _checked(tracking_id, "tracking_id")
    customer = _customer_by_id(project, customer_id, must_exist=must_exist) if customer_id else None
    if shortcut and customer is None and not given_source:
        customer = _customer_by_id(project, shortcut, must_exist=False)
        given_source = None if customer else _checked(shortcut, "customer")
    from_cookie = _known_token(project, tokens.read(cookie)) if _storable(cookie) else None
    if customer is not None:
        found = _of_customer(project, customer)
        if given_tracking and not given_source and not _is_one_of(project, given_tracking, found):
            raise AmbiguousTrackingId(str(found.token), given_tracking)
    elif explicit := given_source or given_tracking:
        found = _of_identifier(project, explicit)
    elif from_cookie is not None:
        found = replace(from_cookie, named=not from_cookie.anonymous)
    elif anonymous:
        token = tokens.anonymous()
        found = Identity(token=token, source_id=token, visitor=(token,))
    else:
        return Identity(named=bool(customer_id))
    beside = [from_cookie, _known_token(project, given_tracking) if given_source else None]
    found = _with_visitors(project, found, [other for other in beside if other is not None])
    if customer_id:
        found = replace(found, named=True)
    return _stored(project, found, at) if store else found


def _storable(value: str | None) -> bool:
    return value is None or (len(value) <= MOST_CHARACTERS and is_storable(value))


def _checked(value: str | None, name: str) -> str | None:
    if not _storable(value):
        raise InvalidPayload(f"Property .{name} is too long or contains a character that cannot be stored")
    return tokens.read(value)


def token_of(*, project: Project, customer: Customer) -> str:
    """The tracking id to show for a stored customer; computed, not stored."""
    return str(_of_customer(project, customer).token)


def meant_by(project: Project, value: str) -> Meant | None:
    """Whom an issued token means, for everything in `customers` that takes an identifier."""
    token = tokens.read(value) if _storable(value) else None
    known = _known_token(project, token) if token and tokens.looks_like_one(token) else None
    return None if known is None else Meant(known.customer, known.source_id)


def write_customer(
    *, project: Project, identity: Identity, data: CustomerData | None, at: datetime, protect: bool = False
) -> tuple[Customer | None, Claim]:
    """The customer of a write (redemption, order, event, publication), stored and with the visitor's history.

    Does in order what every such write does: upgrade, upsert, claim. None where nothing says who it is and no profile
    was sent. protect: leave a customer that is stored already as it is (client calls of a project that wants it so).
    data: what was sent of the profile; its identifiers are those of the identity. Call it inside the transaction.
    """
    identity = upgrade(project=project, identity=identity, at=at)
    stored, said = identity.customer, data or CustomerData()
    if stored is not None and (protect or not said.has_profile):
        customer = stored
    elif stored is not None:
        customer = customers.upsert(project=project, data=replace(said, id=stored.public_id, source_id=UNSET), at=at)
    elif identity.source_id is not None:
        customer = customers.upsert(project=project, data=replace(said, id=UNSET, source_id=identity.source_id), at=at)
    elif said.has_profile:
        customer = customers.upsert(project=project, data=replace(said, id=UNSET, source_id=UNSET), at=at)
    else:
        return None, Claim()
    if identity.row is not None and identity.row.customer_id == customer.pk and not identity.visitor:
        return customer, Claim()  # bound before, and nobody anonymous beside it
    return customer, claim(project=project, identity=identity, customer=customer, at=at)


def upgrade(*, project: Project, identity: Identity, at: datetime) -> Identity:
    """Before the write that names both: turn the anonymous visitor's own profile into the named one.

    Only where nobody has the named source id yet: then the visitor's record gets it, the one case in which a source id
    changes, and the token stays as an alias. Never joins two profiles. Call it inside the write's transaction.
    """
    if identity.customer is not None or identity.source_id is None or identity.token == identity.source_id:
        return identity
    for token in identity.visitor:
        own = Customer.objects.of(project).alive().filter(source_id=token).first()
        if own is None:
            continue
        try:
            with transaction.atomic():
                Customer.objects.filter(pk=own.pk, source_id=token).update(
                    source_id=identity.source_id, updated_at=at, version=F("version") + 1
                )
        except IntegrityError:  # somebody made the named customer meanwhile: two real profiles, never joined
            return replace(identity, customer=_customer_by_source(project, identity.source_id))
        own.refresh_from_db()
        return replace(identity, customer=own)
    return identity


def claim(*, project: Project, identity: Identity, customer: Customer, at: datetime) -> Claim:
    """Bind the request's tokens to the customer of this write and move the visitor's anonymous history to it.

    Idempotent. A token whose visitor already is another stored customer keeps its history; note it on the event
    (`events.record(token=…)`). Call it inside the write's transaction, after the customer is stored.
    """
    if identity.token is None:
        return Claim()
    with transaction.atomic():
        rows = {
            row.token: row
            for row in TrackingIdentity.objects.of(project)
            .filter(token__in={identity.token, *identity.visitor})
            .select_for_update(no_key=True)
            .order_by("pk")
        }
        own = rows.get(identity.token)
        moved, apart = 0, []
        for token, row in rows.items():
            other = _owner(project, row, but=customer)
            if other is not None:
                apart.append(token)
                continue
            alias_of = None if row is own else own
            if row.customer_id == customer.pk and row.alias_of_id == (alias_of and alias_of.pk):
                continue  # bound already: since then everything is recorded under the customer
            row.customer, row.alias_of = customer, alias_of
            row.save(update_fields=["customer", "alias_of"])
            moved += _move(project, row, customer)
        return Claim(moved, tuple(apart))


def _move(project: Project, row: TrackingIdentity, customer: Customer) -> int:
    moved = events.claim(project=project, token=row.token, customer_id=customer.pk, since=row.created_at)
    return moved + sum(move(project, row.token, customer, row.created_at) for move in movers)


def _owner(project: Project, row: TrackingIdentity, *, but: Customer) -> Customer | None:
    """The stored customer a token belongs to, if it is another one."""
    if row.customer_id in (None, but.pk):
        return None
    return Customer.objects.of(project).alive().filter(pk=row.customer_id).first()


def _of_customer(project: Project, customer: Customer) -> Identity:
    """A customer without a source id is known by the HMAC of its own id."""
    source_id = customer.source_id
    row = _row(project, source_id=source_id, token=source_id) if source_id else None
    token = row.token if row else _hmac(project, source_id or customer.public_id)
    return Identity(token=token, source_id=source_id, customer=customer, named=True, row=row)


def _of_identifier(project: Project, value: str) -> Identity:
    """A token that was issued means whom it was issued to; anything else is a raw identity."""
    if tokens.looks_like_one(value) and (known := _known_token(project, value)) is not None:
        return replace(known, named=True)
    row = _row(project, source_id=value)
    return Identity(
        token=row.token if row else _hmac(project, value),
        source_id=value,
        customer=_alive(row) or _customer_by_source(project, value),
        named=True,
        row=row,
    )


def _known_token(project: Project, token: str | None) -> Identity | None:
    """Whom an issued token means; None for one that this project never issued."""
    row = _row(project, token=token) if token else None
    if row is None:
        return None
    visitor = (row.token,) if row.source_id is None else ()
    meant = row.alias_of or row
    customer = _alive(meant)
    if customer is not None and customer.source_id not in (None, meant.source_id, meant.token):
        return replace(_of_customer(project, customer), named=False, visitor=visitor)
    source_id = meant.source_id or (customer.source_id if customer else meant.token)
    if customer is None and source_id is not None:
        customer = _customer_by_source(project, source_id)
    return Identity(token=meant.token, source_id=source_id, customer=customer, visitor=visitor, row=meant)


def _with_visitors(project: Project, found: Identity, beside: Sequence[Identity]) -> Identity:
    """Add the anonymous tokens shown beside the identity; another known one is passed over, or refused if strict."""
    visitor = list(found.visitor)
    for other in beside:
        if other.token in (found.token, other.source_id):
            visitor += other.visitor
        elif project.strict_tracking:
            raise AmbiguousTrackingId(str(other.token), str(found.token))
    return replace(found, visitor=tuple(dict.fromkeys(visitor)))


def _stored(project: Project, found: Identity, at: datetime) -> Identity:
    """Keep the token once, whoever else is keeping it now, and bind anonymous tokens shown beside it to it."""
    row = found.row or _insert(project, found, at)
    if row.last_seen_at < at - SEEN_EVERY:
        TrackingIdentity.objects.filter(pk=row.pk).update(last_seen_at=at)
    _bind(project, row, [token for token in found.visitor if token != row.token])
    return replace(found, token=row.token, row=row)


def _insert(project: Project, found: Identity, at: datetime) -> TrackingIdentity:
    """Insert the token's row, or return the one that a request at the same moment has inserted."""
    token = found.token or tokens.anonymous()
    fresh = TrackingIdentity(
        project=project,
        token=token,
        source_id=None if found.source_id == token else found.source_id,
        customer=found.customer,
        created_at=at,
        last_seen_at=at,
    )
    TrackingIdentity.objects.bulk_create([fresh], ignore_conflicts=True)
    return _row(project, token=token, source_id=fresh.source_id) or fresh


def _bind(project: Project, row: TrackingIdentity, visitors: Sequence[str]) -> None:
    """An anonymous token with no profile of its own stands for this identity from now on."""
    if visitors:
        TrackingIdentity.objects.of(project).filter(
            token__in=visitors, source_id=None, customer=None, alias_of=None
        ).update(alias_of=row)


def _is_one_of(project: Project, value: str, found: Identity) -> bool:
    """Whether a tracking id is one of a customer's: its source id, its public id, its token or an alias."""
    if value in (found.source_id, found.token, found.customer and found.customer.public_id):
        return True
    known = _known_token(project, value)
    return known is not None and (known.token == found.token or known.customer == found.customer)


def _row(project: Project, *, token: str | None = None, source_id: str | None = None) -> TrackingIdentity | None:
    """The stored token with this value or for this identity, and its customer.

    Written by hand: every call of the API asks this, and to build the statement would cost more than to run it.
    """
    wanted = {name: value for name, value in (("token", token), ("source_id", source_id)) if value is not None}
    with connection.cursor() as cursor:
        cursor.execute(_row_sql(tuple(wanted)), {"project": project.pk, **wanted})
        found = cursor.fetchone()
    if found is None:
        return None
    width = len(statements.names(TrackingIdentity))
    row = statements.load(TrackingIdentity, found[:width])
    customer = None if row.customer_id is None else statements.load(Customer, found[width:])
    row.customer = customer
    return row


@cache
def _row_sql(wanted: tuple[str, ...]) -> str:
    either = " OR ".join(f"i.{name} = %({name})s" for name in wanted)
    columns = f"{statements.columns(TrackingIdentity, 'i')}, {statements.columns(Customer, 'c')}"
    return f"""SELECT {columns} FROM tracking_trackingidentity i LEFT JOIN customers_customer c ON c.id = i.customer_id
        WHERE i.project_id = %(project)s AND ({either}) ORDER BY i.id LIMIT 1"""  # noqa: S608  our own columns


def _alive(row: TrackingIdentity | None) -> Customer | None:
    """The customer a row is bound to, unless it has been deleted since."""
    customer = row.customer if row else None
    return customer if customer is not None and customer.deleted_at is None else None


def _hmac(project: Project, identity: str) -> str:
    return tokens.for_identity(encryption.decrypt(project.tracking_secret), identity)


def _customer_by_id(project: Project, public_id: str, *, must_exist: bool) -> Customer | None:
    customer = Customer.objects.of(project).alive().filter(public_id=public_id).first()
    if customer is None and must_exist:
        raise NotFound.of("customer", public_id)
    return customer


def _customer_by_source(project: Project, source_id: str) -> Customer | None:
    return Customer.objects.of(project).alive().filter(source_id=source_id).first()
