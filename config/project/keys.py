"""API secrets: made once, shown once, stored as SHA-256, compared in constant time, cached for half a minute."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.project.models import ApiKey, Project

FRESH_SECONDS: Final = 30.0
MISS_SECONDS: Final = 5.0
MOST_ENTRIES: Final = 4096


@dataclass(frozen=True, slots=True)
class Credential:
    """A key as the process remembers it, with its project."""

    key: ApiKey
    project: Project


class KeyCache:
    """app_id → key and project. Bounded; a miss is remembered too, but not for long. A revoked key dies in 30 s."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[float, Credential | None]] = {}
        self._lock = threading.Lock()

    def get(self, app_id: str) -> Credential | None:
        entry = self._entries.get(app_id)
        if entry is not None and entry[0] > time.monotonic():
            return entry[1]
        found = ApiKey.objects.select_related("project").filter(app_id=app_id, active=True).first()
        credential = None if found is None else Credential(found, found.project)
        with self._lock:
            if len(self._entries) >= MOST_ENTRIES:
                self._entries.clear()
            lifetime = MISS_SECONDS if credential is None else FRESH_SECONDS
            self._entries[app_id] = (time.monotonic() + lifetime, credential)
        return credential

    def clear(self) -> None:
        """Forget everything; for tests and for the process that changed a key."""
        with self._lock:
            self._entries.clear()


cache: Final = KeyCache()


def hash_secret(secret: str) -> str:
    """SHA-256 as hex. The secrets are random (122 bits), so no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find(app_id: str, secret: str, kind: str, at: datetime) -> Credential | None:
    """The key with this id, secret and kind, or None. The former secret counts until its rotation ends."""
    if not app_id.isascii() or len(app_id) > 64:
        return None
    credential = cache.get(app_id)
    digest = hash_secret(secret)
    if credential is None or credential.key.kind != kind:
        return None
    key = credential.key
    if hmac.compare_digest(digest, key.secret_hash):
        return credential
    former = key.previous_secret_hash
    if former and key.previous_valid_until and at < key.previous_valid_until and hmac.compare_digest(digest, former):
        return credential
    return None
