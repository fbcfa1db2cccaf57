"""Sessions: what a validation keeps free for who asked, until it is redeemed, released or over.

Locks of others count against a voucher's uses and credits. They are read after the voucher's row is locked, in a
statement of their own: what a statement that waited for the row sees of other tables is as old as its start.
Source: validation and redemption, sessions; tracking, secure redemption.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest

from config.kernel import ids
from config.kernel.errors import MultipleRequests, NotFound
from config.project.models import Project
from config.project.statements import Part
from tracking.services.identities import Identity
from vouchers.engine.sessions import Session
from vouchers.errors import InvalidCustomer
from vouchers.models import PromotionTier, SessionLock, Voucher

CHUNK: Final = 5_000

_HELD: Final = """
SELECT voucher_id,
    coalesce(sum(quantity) FILTER (WHERE key IS DISTINCT FROM %(key)s), 0),
    coalesce(sum(credits) FILTER (WHERE key IS DISTINCT FROM %(key)s), 0),
    bool_or(token = ANY(%(tokens)s) OR customer_id = %(customer)s),
    bool_or(token <> '' AND token <> ALL(%(tokens)s) AND NOT coalesce(customer_id = %(customer)s, false))
FROM vouchers_sessionlock
WHERE voucher_id = ANY(%(vouchers)s) AND expires_at > %(at)s
GROUP BY voucher_id
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that a session is to hold. credits: of a gift card."""

    voucher: Voucher | None = None
    tier: PromotionTier | None = None
    credits: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as it is answered."""

    key: str
    session: Session

    def wire(self) -> dict[str, object]:
        """`{key, type, ttl, ttl_unit}`"""
        return {"key": self.key, "type": "LOCK", "ttl": self.session.ttl, "ttl_unit": self.session.ttl_unit}


def enter(*, project: Project, key: str, identity: Identity, at: datetime, browser: bool) -> None:
    """Have the session to ourselves until the transaction ends; before any redeemable is locked.

    browser: a client call, which may only use a session that it opened itself.
    Raises MultipleRequests, InvalidCustomer.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s))", [f"session {key}", project.pk])
        (alone,) = cursor.fetchone()
    if not alone:
        raise MultipleRequests("Another request is working in the same session")
    if browser:
        rows = SessionLock.objects.of(project).filter(key=key, expires_at__gt=at)
        if any(not _is_own(row, identity) for row in rows):
            raise InvalidCustomer("The session belongs to somebody else")


def weigh(vouchers: Iterable[Voucher], *, key: str | None, identity: Identity, at: datetime) -> frozenset[int]:
    """Note on each voucher (`held`: uses, credits) what live sessions other than `key` hold of it.

    Asks only where a voucher may be held at all. Returns the keys of those that are held by others and not by this
    identity, for `secure_redemption`.
    """
    held = {row.pk: row for row in vouchers if row.held_until is not None and row.held_until > at}
    if not held:
        return frozenset()
    parameters = {
        "key": key,
        "tokens": _tokens(identity),
        "customer": None if identity.customer is None else identity.customer.pk,
        "vouchers": list(held),
        "at": at,
    }
    foreign = set()
    with connection.cursor() as cursor:
        cursor.execute(_HELD, parameters)
        for pk, quantity, credits, own, others in cursor.fetchall():
            held[pk].held = (int(quantity), int(credits))  # type: ignore[attr-defined]  # travels with the row
            if others and not own:
                foreign.add(pk)
    return frozenset(foreign)


def hold(
    *, project: Project, session: Session, targets: Sequence[Target], identity: Identity, at: datetime, browser: bool
) -> Opened:
    """Write the locks of a session, in place of whatever it held before. The targets' rows are locked already.

    browser: a client call, which holds at most once for each identity and redeemable, and no longer than
    CLIENT_SESSION_MAX_TTL.
    """
    if browser:
        session = session.at_most(settings.CLIENT_SESSION_MAX_TTL)
    key, until = session.key or ids.new("ssn_"), at + session.lifetime
    SessionLock.objects.of(project).filter(key=key).delete()
    vouchers = [target.voucher.pk for target in targets if target.voucher is not None]
    if browser and identity.token:
        own = SessionLock.objects.of(project).filter(token__in=_tokens(identity))
        own.filter(voucher__in=vouchers).delete()
        own.filter(promotion_tier__in=[t.tier.pk for t in targets if t.tier is not None]).delete()
    SessionLock.objects.bulk_create(
        SessionLock(
            project=project,
            key=key,
            voucher=target.voucher,
            promotion_tier=target.tier,
            credits=target.credits,
            customer=identity.customer,
            token=identity.token or "",
            created_at=at,
            expires_at=until,
        )
        for target in targets
    )
    Voucher.objects.filter(pk__in=vouchers).update(held_until=Greatest(F("held_until"), until))
    return Opened(key, session)


def releasing(project: Project, key: str) -> Part:
    """The end of a session as a part of the statement that redeems."""
    return Part("DELETE FROM vouchers_sessionlock WHERE project_id = %s AND key = %s RETURNING id", (project.pk, key))


def release(*, project: Project, voucher: Voucher, key: str, at: datetime) -> None:
    """Free what a session holds of one voucher; what it holds of others stays. Raises NotFound."""
    gone = 0
    if "\0" not in key:
        rows = SessionLock.objects.of(project).filter(voucher=voucher, key=key, expires_at__gt=at)
        gone, _ = rows.delete()
    if not gone:
        raise NotFound.of("session", key)


def forget_expired(*, before: datetime) -> int:
    """Drop locks that are over, in chunks; returns how many."""
    total = 0
    while True:
        step = list(
            SessionLock.objects.filter(expires_at__lte=before).order_by("pk").values_list("pk", flat=True)[:CHUNK]
        )
        if not step:
            return total
        SessionLock.objects.filter(pk__in=step).delete()
        total += len(step)


def _tokens(identity: Identity) -> list[str]:
    return [token for token in {identity.token, *identity.visitor} if token]


def _is_own(row: SessionLock, identity: Identity) -> bool:
    if row.token and row.token in _tokens(identity):
        return True
    return identity.customer is not None and row.customer_id == identity.customer.pk
