"""How long a session holds what it holds. Pure. Source: validation and redemption, sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from config.kernel.errors import InvalidPayload
from config.project.metadata import is_storable

NANOSECONDS: Final = {
    "NANOSECONDS": 1,
    "MICROSECONDS": 1_000,
    "MILLISECONDS": 1_000_000,
    "SECONDS": 1_000_000_000,
    "MINUTES": 60 * 1_000_000_000,
    "HOURS": 3_600 * 1_000_000_000,
    "DAYS": 86_400 * 1_000_000_000,
}
"""The units of the wire."""
LOCK: Final = "LOCK"
LONGEST_KEY: Final = 200
LONGEST_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class Session:
    """What was asked. key: None to have one made."""

    key: str | None = None
    ttl: int = 7
    ttl_unit: str = "DAYS"

    @property
    def lifetime(self) -> timedelta:
        """How long it lasts; a part of a microsecond counts as a whole one."""
        return timedelta(microseconds=-(-self.ttl * NANOSECONDS[self.ttl_unit] // 1_000))

    def at_most(self, seconds: int) -> Session:
        """The same, but no longer than that; 0 is no limit."""
        if not seconds or self.lifetime <= timedelta(seconds=seconds):
            return self
        return Session(self.key, seconds, "SECONDS")


def parse_session(value: object, path: str = ".session") -> Session | None:
    """The `session` of a body, its parts named after `path`; None where none was sent. Raises InvalidPayload."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidPayload(f"Property {path} should be object")
    return read_session(value, lambda name: f"{path}.{name}")


def read_session(parts: Mapping[str, Any], name_of: Callable[[str], str]) -> Session:
    """parts: type, key, ttl and ttl_unit as sent. name_of: the name of a part in an error."""
    if parts.get("type") not in (None, LOCK):
        raise InvalidPayload(f"Property {name_of('type')} should be equal to one of the allowed values {LOCK}")
    key = parts.get("key")
    if key is not None and not isinstance(key, str):
        raise InvalidPayload(f"Property {name_of('key')} should be string")
    if key and (len(key) > LONGEST_KEY or not is_storable(key)):
        raise InvalidPayload(f"Property {name_of('key')} should be 1 to {LONGEST_KEY} characters that can be stored")
    unit = parts.get("ttl_unit")
    unit = "DAYS" if unit is None or unit == "" else unit
    if not isinstance(unit, str) or unit not in NANOSECONDS:
        raise InvalidPayload(
            f"Property {name_of('ttl_unit')} should be equal to one of the allowed values {', '.join(NANOSECONDS)}"
        )
    ttl = _whole(parts.get("ttl"), name_of("ttl"))
    session = Session(key or None, 7 if ttl is None else ttl, unit)
    if session.ttl * NANOSECONDS[unit] > LONGEST_DAYS * NANOSECONDS["DAYS"]:
        raise InvalidPayload(f"Property {name_of('ttl')} should be at most {LONGEST_DAYS} days")
    return session


def _whole(value: object, path: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidPayload(f"Property {path} should be integer")
    if value < 1:
        raise InvalidPayload(f"Property {path} cannot be lower than 1")
    return value
