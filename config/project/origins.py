"""Origins of browsers: parsed, then compared; never by prefix or suffix of the text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from config.kernel.errors import InvalidPayload

DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
"""A name or an address; a comma, say, would let `evil.test,.shop.example` pass for a label below an entry."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host in lower case and port; scheme and port are None where an entry allows any."""

    scheme: str | None
    host: str
    port: int | None


@lru_cache(maxsize=1024)
def split_origin(text: str) -> Origin | None:
    """The parts of an `Origin` header or an allowed entry; None for what is none (`null`, paths, user info).

    A bare host stands for any scheme and port, as entries and some mobile clients write it.
    """
    text = text.strip()
    if not text or not text.isascii() or any(mark in text for mark in "@?#\\ \t\r\n"):
        return None
    bare = "://" not in text
    try:
        parts = urlsplit(f"//{text}" if bare else text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if (
        not host
        or _HOST.fullmatch(host) is None
        or host == "null"
        or parts.path not in ("", "/")
        or host.endswith(".")
        or (parts.path and bare)
    ):
        return None
    if bare:
        return Origin(None, host, port)
    scheme = parts.scheme.lower()
    return Origin(scheme, host, port if port is not None else DEFAULT_PORTS.get(scheme))


def parse_origin(text: str) -> str:
    """The entry as it is kept, e.g. `https://shop.example` or `*`. Raises InvalidPayload where it is no origin."""
    if text.strip() == "*":
        return "*"
    label = text.strip().replace("://.", "://", 1).removeprefix(".")
    if split_origin(label) is None:
        raise InvalidPayload(f"Property .client_trusted_domains has an entry that is no origin: {text[:80]}")
    return text.strip().rstrip("/")


def is_allowed(origin: str, entries: list[str]) -> bool:
    """Whether a request's `Origin` meets one of the entries.

    `https://.shop.example` and `.shop.example` allow the host and every host below it, by label.
    """
    asked = split_origin(origin)
    return asked is not None and any(_meets(asked, entry) for entry in entries)


def _meets(asked: Origin, entry: str) -> bool:
    if entry == "*":
        return True
    below = "://." in entry or entry.startswith(".")
    allowed = split_origin(entry.replace("://.", "://", 1).removeprefix("."))
    if allowed is None:
        return False
    if allowed.scheme is not None and asked.scheme is not None and allowed.scheme != asked.scheme:
        return False
    if allowed.port is not None and asked.port is not None and allowed.port != asked.port:
        return False
    return asked.host == allowed.host or (below and asked.host.endswith(f".{allowed.host}"))
