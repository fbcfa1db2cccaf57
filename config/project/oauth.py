"""Bearer tokens: a key pair makes one for a quarter of an hour, asks about it, revokes it.

Not a library's OAuth server: this wire knows the client credentials grant only, authenticates by its own headers and
answers errors in its own envelope; what is left is a table of digests.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from config.kernel.errors import Invalid, LimitExceeded
from config.project import keys, scopes
from config.project.keys import Credential
from config.project.models import AccessToken, ApiKey

LIFETIME: Final = timedelta(seconds=900)
MOST_LIVE: Final = 1000
"""Tokens of one project at a time."""
FRESH_SECONDS: Final = 30.0
MOST_REMEMBERED: Final = 4096


class InvalidGrantType(Invalid):
    """Invalid grant_type"""

    key = "invalid_grant_type"


class InvalidScope(Invalid):
    """Invalid scope"""

    key = "invalid_scope"

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        super().__init__()

    @property
    def message(self) -> str:
        """With the scopes that do not exist, or that the key does not have."""
        return f"Invalid scope: {','.join(self._names)}"


class MissingParameters(Invalid):
    """Missing parameters"""

    key = "missing_parameters"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for: its key and project, its scopes, its end."""

    credential: Credential
    scopes: tuple[str, ...]
    expires_at: datetime


_cache: dict[str, tuple[float, Grant]] = {}
_lock = threading.Lock()


def issue(*, key: ApiKey, grant_type: str, scope: str, at: datetime) -> tuple[str, AccessToken]:
    """A token, which is not stored and cannot be shown again, and its row.

    Raises InvalidGrantType, InvalidScope (unknown, or not the key's to give), LimitExceeded.
    """
    if grant_type != "client_credentials":
        raise InvalidGrantType
    asked = scopes.parse(scope)
    if wrong := scopes.unknown(asked):
        raise InvalidScope([name[:80] for name in wrong[:20]])
    if key.scopes:
        given = asked if scope.split() else list(key.scopes)
        if beyond := [name for name in given if name not in key.scopes and not _within(name, key.scopes)]:
            raise InvalidScope(beyond)
        asked = given
    live = AccessToken.objects.of(key.project).filter(expires_at__gt=at)
    if live.count() >= MOST_LIVE:
        raise LimitExceeded(f"A project cannot have more than {MOST_LIVE} live tokens")
    token = secrets.token_urlsafe(38)
    row = AccessToken.objects.create(
        project=key.project,
        key=key,
        token_hash=keys.hash_secret(token),
        scopes=asked,
        created_at=at,
        expires_at=at + LIFETIME,
    )
    return token, row


def find(token: str, at: datetime) -> Grant | None:
    """What a live token of a live key stands for. Revoked tokens and keys die within half a minute."""
    if not token.isascii() or len(token) > 200:
        return None
    digest = keys.hash_secret(token)
    known = _cache.get(digest)
    if known is None or known[0] < time.monotonic():
        rows = AccessToken.objects.select_related("key__project").filter(token_hash=digest, key__active=True)
        row = rows.first()
        if row is None:
            return None
        grant = Grant(Credential(row.key, row.key.project), tuple(row.scopes), row.expires_at)
        known = (time.monotonic() + FRESH_SECONDS, grant)
        with _lock:
            if len(_cache) >= MOST_REMEMBERED:
                _cache.clear()
            _cache[digest] = known
    return known[1] if at < known[1].expires_at else None


def find_own(*, key: ApiKey, token: str, at: datetime) -> AccessToken | None:
    """The live token, if one of the same project's keys made it."""
    rows = AccessToken.objects.of(key.project).filter(token_hash=keys.hash_secret(token), expires_at__gt=at)
    return rows.select_related("key").filter(key__active=True).first()


def revoke(*, key: ApiKey, token: str, at: datetime) -> bool:
    """End a token; False: there is no such live one."""
    row = find_own(key=key, token=token, at=at)
    if row is None:
        return False
    row.delete()
    forget()
    return True


def forget() -> None:
    """Drop what this process remembers; for tests and for the process that revoked one."""
    with _lock:
        _cache.clear()


def drop_expired(*, at: datetime) -> int:
    """Delete tokens that have ended; returns how many."""
    return AccessToken.objects.filter(expires_at__lte=at).delete()[0]


def _within(name: str, held: Sequence[str]) -> bool:
    whole = scopes.WHOLE_CLIENT if name.startswith("client_") else scopes.WHOLE
    return name != whole and whole in held
