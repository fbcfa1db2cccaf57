"""Secrets that must stay readable (tracking, webhooks) are encrypted at rest with keys from the environment."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def encrypt(text: str) -> str:
    """Return `text` encrypted with the first of ENCRYPTION_KEYS, as ASCII."""
    return _fernet().encrypt(text.encode()).decode("ascii")


@lru_cache(maxsize=1024)
def decrypt(text: str) -> str:
    """The plain text of what `encrypt` returned, under any of ENCRYPTION_KEYS. Raises InvalidToken otherwise."""
    return _fernet().decrypt(text.encode("ascii")).decode()


def renew(text: str) -> str:
    """The same secret under the first of ENCRYPTION_KEYS; unchanged where it is already. Raises InvalidToken."""
    first = _fernets()[0]
    try:
        first.decrypt(text.encode("ascii"))
    except InvalidToken:
        return _fernet().rotate(text.encode("ascii")).decode("ascii")
    return text


@lru_cache(maxsize=1)
def _fernet() -> MultiFernet:
    return MultiFernet(_fernets())


def _fernets() -> list[Fernet]:
    """A key of any length will do: Fernet gets its SHA-256."""
    keys: list[str] = settings.ENCRYPTION_KEYS
    return [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
