"""Pure: a customer as the wire sends it, in a body of its own or inside a redemption, an order, an event.

Source: customers.md section 6 (fields) and section 7 (what missing, null and partial mean).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from typing import Any, Final

from config.kernel.errors import InvalidPayload
from config.kernel.instants import parse_instant
from config.kernel.texts import normal, normal_value
from config.project.metadata import is_storable, parse_metadata


class Unset(Enum):
    """The mark of a property that was not sent."""

    UNSET = "unset"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET

ADDRESS_KEYS: Final = ("city", "state", "line_1", "line_2", "country", "postal_code")
AS_SENT: Final = frozenset({"id", "source_id", "phone"})
"""Compared code point by code point."""
INDEXED_LENGTH: Final = 500
"""Characters of a text that stands in a B-tree, whose entries end at 2,704 bytes."""
TEXT_LENGTH: Final = 16_000
LENGTHS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("id", "source_id", "name", "email", "city", "state", "country"), INDEXED_LENGTH),
    **dict.fromkeys(("description", "phone", "line_1", "line_2", "postal_code"), TEXT_LENGTH),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerData:
    """What was said about a customer. UNSET leaves a field as it is, None clears it.

    address: only the keys that were sent, merged key by key. metadata: merged key by key at the first level.
    """

    id: str | Unset = UNSET
    source_id: str | Unset = UNSET
    name: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    email: str | Unset | None = UNSET
    phone: str | Unset | None = UNSET
    birthdate: date | Unset | None = UNSET
    birthday: date | Unset | None = UNSET
    address: Mapping[str, str | None] | Unset | None = UNSET
    metadata: Mapping[str, Any] | Unset = UNSET

    @property
    def has_profile(self) -> bool:
        """Whether anything but the identifiers was said."""
        return any(getattr(self, field.name) is not UNSET for field in fields(self)[2:])


def parse_customer(body: object, path: str = ".customer") -> CustomerData:
    """Return what the body says. Unknown properties and `system_metadata` are ignored; "" is no identifier.

    path: where the customer stands in the request, "" for a body of its own.
    Raises InvalidPayload naming the property, e.g. `Property .customer.email should be string`.
    """
    if not isinstance(body, dict):
        raise InvalidPayload(f"Property {path} should be object" if path else "Payload should be object")
    return CustomerData(
        id=_identifier(body, "id", path),
        source_id=_identifier(body, "source_id", path),
        name=_text(body, "name", path),
        description=_text(body, "description", path),
        email=_text(body, "email", path),
        phone=_text(body, "phone", path),
        birthdate=_day(body, "birthdate", path),
        birthday=_day(body, "birthday", path),
        address=_address(body.get("address", UNSET), f"{path}.address"),
        metadata=UNSET if body.get("metadata") is None else parse_metadata_of(body["metadata"], f"{path}.metadata"),
    )


def parse_metadata_of(value: object, path: str) -> Mapping[str, Any]:
    """Metadata with its texts composed, as filters compare them. Raises InvalidPayload naming the property."""
    metadata: Mapping[str, Any] = normal_value(parse_metadata(value, path))
    return metadata


def email_key(email: str | None) -> str | None:
    """The e-mail as it is compared: composed (NFC) and lower case."""
    return None if email is None else normal(email).lower()


def _identifier(body: Mapping[str, object], key: str, path: str) -> str | Unset:
    return _text(body, key, path) or UNSET


def _text(body: Mapping[str, object], key: str, path: str) -> str | Unset | None:
    value = body.get(key, UNSET)
    if value is None or isinstance(value, Unset):
        return value
    return check_text(value, key, f"{path}.{key}")


def check_text(value: object, field: str, path: str) -> str:
    """Return the text of a profile field, composed (NFC) as filters compare it; keys and phones stay as they are.

    Raises InvalidPayload: no text, too long for `field`, not storable.
    """
    if not isinstance(value, str):
        raise InvalidPayload(f"Property {path} should be string")
    if len(value) > LENGTHS[field]:
        raise InvalidPayload(f"Property {path} cannot be longer than {LENGTHS[field]} characters")
    if not is_storable(value):
        raise InvalidPayload(f"Property {path} contains a character that cannot be stored")
    return value if field in AS_SENT else normal(value)


def _day(body: Mapping[str, object], key: str, path: str) -> date | Unset | None:
    value = body.get(key, UNSET)
    if value is None or isinstance(value, Unset):
        return value
    if not isinstance(value, str):
        raise InvalidPayload(f"Property {path}.{key} should be string")
    try:
        return parse_instant(value).date()
    except ValueError as error:
        raise InvalidPayload(f"Property {path}.{key} cannot be recognized as a ISO-8601 compliant date") from error


def _address(value: object, path: str) -> Mapping[str, str | None] | Unset | None:
    if value is None or isinstance(value, Unset):
        return value
    if not isinstance(value, dict):
        raise InvalidPayload(f"Property {path} should be object")
    return {
        key: None if value[key] is None else check_text(value[key], key, f"{path}.{key}")
        for key in ADDRESS_KEYS
        if key in value
    }
