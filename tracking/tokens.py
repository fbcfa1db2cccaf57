"""Tracking tokens: how they are made, and how a value that may be one is read. Pure.

A token is `track_` and 32 characters of base64 (24 bytes): of a known identity its HMAC under the project's secret, so
the same identity always has the same token and nothing of it shows; of an anonymous visitor random bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final
from urllib.parse import unquote

PREFIX: Final = "track_"
BYTES: Final = 24
CHARACTERS: Final = 32
"""Of base64 behind the prefix: without padding, for the bytes go in threes."""
_ESCAPED: Final = re.compile(r"%2b|%2f|%3d", re.IGNORECASE)


def for_identity(secret: str, identity: str) -> str:
    """The token of a known identity (a source id, an e-mail, …) under a project's tracking secret."""
    digest = hmac.new(secret.encode(), identity.encode(), hashlib.sha256).digest()
    return PREFIX + base64.b64encode(digest[:BYTES]).decode("ascii")


def anonymous() -> str:
    """A fresh token for a visitor nobody knows yet."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode("ascii")


def looks_like_one(value: str) -> bool:
    """Whether the value is written as a token; only the database knows whether it was ever issued."""
    return value.startswith(PREFIX)


def read(value: str | None) -> str | None:
    """Read an incoming identifier tolerantly; None where nothing is left of it.

    Raw identities are only trimmed. Tokens come back as they were issued although query strings turn `+` into a space,
    some clients percent-encode twice, and others drop the padding: read("track_a%2Bb c") == "track_a+b+c=".
    """
    text = (value or "").strip()
    if not text.startswith(PREFIX):
        return text or None
    body = text.removeprefix(PREFIX) + _lost_at_the_end(value or "", text)
    if _ESCAPED.search(body):
        body = unquote(body)
    body = body.replace(" ", "+")
    if len(body) == CHARACTERS - 1:
        body += "/"  # one that stood last in a path was taken for the path's own
    return PREFIX + _padded(body)


def _lost_at_the_end(value: str, text: str) -> str:
    """Spaces after a token are a `+` at its end where it is that many characters short of whole groups of four."""
    spaces = len(value.rstrip("\t\r\n")) - len(value.rstrip())
    return "+" * min(spaces, -(len(text) - len(PREFIX)) % 4)


def _padded(body: str) -> str:
    """base64 in whole groups of four; a single left-over character is no base64 and stays as it is."""
    bare = body.rstrip("=")
    missing = -len(bare) % 4
    return body if missing == 3 else bare + "=" * missing
