"""Pure: what is signed, and how. Source: webhooks and events, section 3; the second signature is Standard Webhooks'."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final

import orjson

HEADER: Final = "x-voucherify-signature"
FORMER_HEADER: Final = "x-voucherify-signature-previous"
"""Ours: the same under the former secret, while a rotation goes on."""


def compact(payload: Any) -> str:
    """The JSON that is sent: no white space, and nothing that a receiver's serializer would write differently.

    compact({"a": 15.0, "b": "é"}) == '{"a":15,"b":"é"}'
    """
    return orjson.dumps(_plain(payload)).decode()


def signature(secret: str, body: str) -> str:
    """Lower-case hex of HMAC-SHA256 over the bytes sent."""
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def standard(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """`webhook-signature` of Standard Webhooks: over id, time and body, so a replay shows. timestamp: Unix seconds."""
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def _plain(value: Any) -> Any:
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case dict():
            return {key: _plain(child) for key, child in value.items()}
        case list() | tuple():
            return [_plain(child) for child in value]
    return value
