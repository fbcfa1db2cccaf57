"""Who a request is about: tracking ids, source ids, customer ids and the cookie, and what joins them.

Source: reference of tracking, sections 2 (values), 3 (precedence and conflicts) and 6 (merge).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import InvalidPayload, NotFound
from config.project import encryption
from config.project.metadata import is_storable
from config.project.models import Project
from customers import happenings
from customers import services as customers
from customers.models import Customer
from customers.payloads import UNSET, CustomerData
from customers.services.aliases import Meant
from tracking import tokens
from tracking.errors import AmbiguousTrackingId
from tracking.models import TrackingIdentity
from tracking.services import events, issued, newcomers
from tracking.services.issued import Book, Issued
from tracking.services.moving import Claim, movers

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
    their history. settled: those of all these tokens that are bound to `customer` already.
    """

    token: str | None = None
    source_id: str | None = None
    customer: Customer | None = None
    named: bool = False
    visitor: tuple[str, ...] = ()
    settled: frozenset[str] = field(default=frozenset(), compare=False)
    fresh: bool = field(default=False, compare=False)
    unbound: int | None = field(default=None, compare=False)

    @property
    def anonymous(self) -> bool:
        """Nobody is known behind it yet."""
        return self.customer is None and (self.token is None or self.token == self.source_id)


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
    writes: bool = False,
) -> Identity:
    """Find out who is meant: customer id, then source id, then tracking id, then cookie, else a fresh anonymous token.

    Every identifier but the customer id may be raw or a token. anonymous: whether to issue a token to nobody.
    shortcut: a customer id, else a source id or token (`customer=<string>`). must_exist: an unknown customer id is
    NotFound (writes); else it is passed over (validations). store: keep the token, and bind an anonymous token shown
    beside it. writes: leave a token of nobody that is not stored yet to the write that follows (`Identity.fresh`).
    Raises AmbiguousTrackingId as section 3 of the reference says.
    """
    given_source, given_tracking = _checked(source_id, "customer.source_id"), _checked(tracking_id, "tracking_id")
    customer = _customer_by_id(project, customer_id, must_exist=must_exist) if customer_id else None
    if shortcut and customer is None and not given_source:
        customer = _customer_by_id(project, shortcut, must_exist=False)
        given_source = None if customer else _checked(shortcut, "customer")
    given_cookie = tokens.read(cookie) if _storable(cookie) else None
    book = Book(project, [given_source, given_tracking, given_cookie, *_names_of(project, customer)])
    from_cookie = _known_token(book, given_cookie)
    if customer is not None:
        found = _of_customer(book, customer)
        if given_tracking and not given_source and not _is_one_of(book, given_tracking, found):
            raise AmbiguousTrackingId(str(found.token), given_tracking)
    elif explicit := given_source or given_tracking:
        found = _of_identifier(book, explicit)
    elif from_cookie is not None:
        found = replace(from_cookie, named=not from_cookie.anonymous)
    elif anonymous:
        token = tokens.anonymous()
        found = Identity(token=token, source_id=token, visitor=(token,))
    else:
        return Identity(named=bool(customer_id))
    beside = [from_cookie, _known_token(book, given_tracking) if given_source else None]
    found = _with_visitors(project, found, [other for other in beside if other is not None])
    if customer_id:
        found = replace(found, named=True)
    is_newcomer = writes and found.customer is None and found.token is not None and _is_alone(found)
    if is_newcomer and book.token(found.token) is None:
        return replace(found, fresh=True)
    if store:
        found = _stored(book, found, at)
    if is_newcomer and (row := book.token(found.token)) and row.customer_id is None and row.alias_of is None:
        found = replace(found, unbound=row.pk)
    return replace(found, settled=_settled(book, found))


def keep(*, project: Project, identity: Identity, at: datetime) -> None:
    """Store the token of a fresh identity whose customer is not written: of an attempt that was refused."""
    if identity.fresh:
        _stored(Book(project, []), identity, at)


def _is_alone(found: Identity) -> bool:
    """Whether no other token is shown beside the identity's own."""
    return set(found.visitor) <= {found.token}


def _storable(value: str | None) -> bool:
    return value is None or (len(value) <= MOST_CHARACTERS and is_storable(value))


def _checked(value: str | None, name: str) -> str | None:
    if not _storable(value):
        raise InvalidPayload(f"Property .{name} is too long or contains a character that cannot be stored")
    return tokens.read(value)


def token_of(*, project: Project, customer: Customer) -> str:
    """The tracking id to show for a stored customer; computed, not stored."""
    return str(_of_customer(Book(project, _names_of(project, customer)), customer).token)


def meant_by(project: Project, value: str) -> Meant | None:
    """Whom an issued token means, for everything in `customers` that takes an identifier."""
    token = tokens.read(value) if _storable(value) else None
    known = _known_token(Book(project, [token]), token) if token and tokens.looks_like_one(token) else None
    return None if known is None else Meant(known.customer, known.source_id)


def settle(project: Project, value: str, customer: Customer, at: datetime) -> None:
    """Move what was recorded under a tracking id by which a write named the customer. Idempotent."""
    identity = resolve(
        project=project, tracking_id=None, source_id=value, customer_id=None, cookie=None, at=at, anonymous=False
    )
    with transaction.atomic():
        claim(project=project, identity=identity, customer=customer, at=at)


def write_customer(
    *,
    project: Project,
    identity: Identity,
    data: CustomerData | None,
    at: datetime,
    protect: bool = False,
    cause: Cause = INTERNAL,
) -> tuple[Customer | None, Claim]:
    """The customer of a write (redemption, order, event, publication), stored and with the visitor's history.

    Does in order what every such write does: upgrade, upsert, claim. None where nothing says who it is and no profile
    was sent. protect: leave a customer that is stored already as it is (client calls of a project that wants it so).
    data: what was sent of the profile; its identifiers are those of the identity. Call it inside the transaction.
    """
    said = data or CustomerData()
    if (identity.fresh or identity.unbound) and identity.token and identity.source_id:
        newcomer, moved = newcomers.enter(
            project=project,
            token=identity.token,
            source_id=identity.source_id,
            said=said,
            at=at,
            cause=cause,
            unbound=identity.unbound,
        )
        if newcomer is not None and moved is not None:
            return newcomer, Claim(moved)
    if identity.fresh:
        identity = _stored(Book(project, [identity.token, identity.source_id]), replace(identity, fresh=False), at)
    identity = upgrade(project=project, identity=identity, at=at, cause=cause)
    stored = identity.customer
    if stored is not None and (protect or customers.is_as_said(stored, said)):
        customer = stored
    elif stored is not None:
        said = replace(said, id=stored.public_id, source_id=UNSET)
        customer = customers.upsert(project=project, data=said, at=at, cause=cause, settles=False)
    elif identity.source_id is not None:
        said = replace(said, id=UNSET, source_id=identity.source_id)
        customer = customers.upsert(project=project, data=said, at=at, cause=cause, settles=False)
    elif said.has_profile:
        said = replace(said, id=UNSET, source_id=UNSET)
        customer = customers.upsert(project=project, data=said, at=at, cause=cause, settles=False)
    else:
        return None, Claim()
    return customer, claim(project=project, identity=identity, customer=customer, at=at)


def is_settled(identity: Identity, said: CustomerData | None, *, protect: bool) -> bool:
    """Whether `write_customer` would write nothing: the customer is known, as it was said, with all its tokens."""
    if identity.customer is None or not {identity.token, *identity.visitor} - {None} <= identity.settled:
        return False
    return protect or said is None or customers.is_as_said(identity.customer, said)


def upgrade(*, project: Project, identity: Identity, at: datetime, cause: Cause = INTERNAL) -> Identity:
    """Before the write that names both: turn the anonymous visitor's own profile into the named one.

    Only where nobody has the named source id yet: then the visitor's record gets it, the one case in which a source id
    changes, and the token stays as an alias. Never joins two profiles. Call it inside the write's transaction.
    """
    if identity.customer is not None or identity.source_id is None or identity.token == identity.source_id:
        return identity
    for token in identity.visitor:
        own = issued.customer_by_source(project, token)
        if own is None:
            continue
        try:
            with transaction.atomic():
                Customer.objects.filter(pk=own.pk, source_id=token).update(
                    source_id=identity.source_id, updated_at=at, version=F("version") + 1
                )
        except IntegrityError:  # somebody made the named customer meanwhile: two real profiles, never joined
            return replace(identity, customer=issued.customer_by_source(project, identity.source_id))
        own.refresh_from_db()
        happenings.tell(project, happenings.UPDATED, [own], at, cause)
        return replace(identity, customer=own)
    return identity


def claim(*, project: Project, identity: Identity, customer: Customer, at: datetime) -> Claim:
    """Bind the request's tokens to the customer of this write and move the visitor's anonymous history to it.

    Idempotent. A token whose visitor already is another stored customer keeps its history; note it on the event
    (`events.record(token=…)`). Call it inside the write's transaction, after the customer is stored.
    """
    named = {identity.token, *identity.visitor} - {None}
    if not named or (customer == identity.customer and named <= identity.settled):
        return Claim()
    with transaction.atomic(savepoint=False):
        rows = {
            row.token: row
            for row in TrackingIdentity.objects.of(project)
            .filter(token__in=named)
            .select_for_update(no_key=True)
            .order_by("pk")
        }
        own = rows.get(identity.token or "")
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
    return moved + sum(mover.move(project, row.token, customer, row.created_at) for mover in movers)


def _owner(project: Project, row: TrackingIdentity, *, but: Customer) -> Customer | None:
    """The stored customer a token belongs to, if it is another one."""
    if row.customer_id in (None, but.pk):
        return None
    return Customer.objects.of(project).alive().filter(pk=row.customer_id).first()


def _names_of(project: Project, customer: Customer | None) -> tuple[str | None, ...]:
    """Under which a customer's token may be stored: one without a source id is known by the HMAC of its own id."""
    if customer is None:
        return ()
    return (customer.source_id,) if customer.source_id else (_hmac(project, customer.public_id),)


def _of_customer(book: Book, customer: Customer) -> Identity:
    """book: has read the customer's names. A source id may itself be a token that was issued."""
    source_id = customer.source_id
    if source_id:
        row = book.source(source_id) or book.token(source_id)
        token = row.token if row else _hmac(book.project, source_id)
    else:
        token = _hmac(book.project, customer.public_id)
    return Identity(token=token, source_id=source_id, customer=customer, named=True)


def _of_identifier(book: Book, value: str) -> Identity:
    """A token that was issued means whom it was issued to; anything else is a raw identity."""
    if tokens.looks_like_one(value) and (known := _known_token(book, value)) is not None:
        return replace(known, named=True)
    row = book.source(value)
    return Identity(
        token=row.token if row else _hmac(book.project, value),
        source_id=value,
        customer=book.customer(row) if row else issued.customer_by_source(book.project, value),
        named=True,
    )


def _known_token(book: Book, token: str | None) -> Identity | None:
    """Whom an issued token means; None for one that this project never issued."""
    row = book.token(token)
    if row is None:
        return None
    visitor = (row.token,) if row.source_id is None else ()
    meant = book.meant(row)
    customer = book.customer(meant)
    if customer is not None and customer.source_id not in (None, meant.source_id, meant.token):
        book.read(_names_of(book.project, customer))
        return replace(_of_customer(book, customer), named=False, visitor=visitor)
    source_id = meant.source_id or (customer.source_id if customer else meant.token)
    return Identity(token=meant.token, source_id=source_id, customer=customer, visitor=visitor)


def _with_visitors(project: Project, found: Identity, beside: Sequence[Identity]) -> Identity:
    """Add the anonymous tokens shown beside the identity; another known one is passed over, or refused if strict."""
    visitor = list(found.visitor)
    for other in beside:
        if other.token in (found.token, other.source_id):
            visitor += other.visitor
        elif project.strict_tracking:
            raise AmbiguousTrackingId(str(other.token), str(found.token))
    return replace(found, visitor=tuple(dict.fromkeys(visitor)))


def _stored(book: Book, found: Identity, at: datetime) -> Identity:
    """Keep the token, note that it was seen, and bind anonymous tokens shown beside it to it."""
    token = found.token or tokens.anonymous()
    source_id = None if found.source_id == token else found.source_id
    row = book.token(token) or book.insert(token, source_id, found.customer, at)
    if row.last_seen_at < at - SEEN_EVERY:
        TrackingIdentity.objects.filter(pk=row.pk).update(last_seen_at=at)
    beside = [book.token(other) for other in found.visitor if other != row.token]
    _bind(row, [other for other in beside if other is not None])
    return replace(found, token=row.token)


def _bind(row: Issued, visitors: Sequence[Issued]) -> None:
    """An anonymous token with no profile of its own stands for this identity from now on."""
    free = [other.pk for other in visitors if other.alias_of is None and not other.bound and other.source_id is None]
    if free:
        unbound = TrackingIdentity.objects.filter(pk__in=free, source_id=None, customer=None, alias_of=None)
        unbound.update(alias_of=row.pk)


def _settled(book: Book, found: Identity) -> frozenset[str]:
    """The identity's tokens that `claim` has bound to its customer before."""
    if found.customer is None:
        return frozenset()
    rows = [book.token(token) for token in {found.token, *found.visitor}]
    return frozenset(
        row.token
        for row in rows
        if row is not None
        and row.bound
        and row.customer_id == found.customer.pk
        and row.alias_of in (None, found.token)
    )


def _is_one_of(book: Book, value: str, found: Identity) -> bool:
    """Whether a tracking id is one of a customer's: its source id, its public id, its token or an alias."""
    if value in (found.source_id, found.token, found.customer and found.customer.public_id):
        return True
    known = _known_token(book, value)
    return known is not None and (known.token == found.token or known.customer == found.customer)


def _hmac(project: Project, identity: str) -> str:
    return tokens.for_identity(encryption.decrypt(project.tracking_secret), identity)


def _customer_by_id(project: Project, public_id: str, *, must_exist: bool) -> Customer | None:
    customer = issued.customer_by_id(project, public_id)
    if customer is None and must_exist:
        raise NotFound.of("customer", public_id)
    return customer
