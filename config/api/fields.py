"""Strict serializer fields: a JSON type is never turned into another, and errors are in the wire's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rest_framework import serializers

from config.kernel import instants
from config.kernel.errors import InvalidPayload
from config.project.metadata import check_value, parse_metadata

LARGEST: Final = 2**53 - 1
"""The largest amount of money: every JSON reader keeps it exactly."""
JSON_DEPTH: Final = 8


def path_of(field: serializers.Field[Any, Any, Any, Any]) -> str:
    """Where the field stands in the body: `.redemption.quantity`; empty for the body itself."""
    names: list[str] = []
    node: Any = field
    while node is not None:
        if node.field_name:
            names.append(f".{node.field_name}")
        node = node.parent
    return "".join(reversed(names))


class Strict:
    """Mixed into DRF's fields: refuses in the wire's words. expected: the JSON type's name there."""

    expected = "string"

    def refuse(self, problem: str = "") -> InvalidPayload:
        """`Property .redemption.quantity should be number,null`."""
        field: Any = self
        nothing = ",null" if field.allow_null else ""
        return InvalidPayload(f"Property {path_of(field)} {problem or f'should be {self.expected}{nothing}'}")

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        field: Any = self
        if data is None and not field.allow_null:
            raise self.refuse()
        answer: tuple[bool, Any] = super().validate_empty_values(data)  # type: ignore[misc]
        return answer


class Text(Strict, serializers.CharField):
    """A text as it was sent, white space included."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 16_000)
        super().__init__(trim_whitespace=False, **{"allow_blank": True, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return serializers.Field.run_validation(self, data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise self.refuse()
        if not data and not self.allow_blank:
            raise self.refuse("should NOT be shorter than 1 characters")
        if self.max_length is not None and len(data) > self.max_length:
            raise self.refuse(f"should NOT be longer than {self.max_length} characters")
        check_value(data, path_of(self), depth=1)
        return data


class Choice(Strict, serializers.ChoiceField):
    """One of a list of texts."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise self.refuse()
        if data not in self.choices:
            allowed = ", ".join(str(choice) for choice in self.choices)
            raise self.refuse(f"should be equal to one of the allowed values [ {allowed} ]")
        return data


class Whole(Strict, serializers.IntegerField):
    """An integer, or one written as a text: real clients send `"2"`."""

    expected = "number"

    def __init__(self, *, least: int = 0, most: int = LARGEST, **kwargs: Any) -> None:
        super().__init__(min_value=least, max_value=most, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        digits = data.removeprefix("-") if isinstance(data, str) else ""
        if digits.isascii() and digits.isdecimal() and len(digits) <= 16:
            data = int(data)
        if isinstance(data, float) and data.is_integer() and abs(data) <= LARGEST:
            data = int(data)
        if isinstance(data, float):
            raise self.refuse("should be integer")
        if isinstance(data, bool) or not isinstance(data, int):
            raise self.refuse()
        if self.min_value is not None and data < self.min_value:
            raise self.refuse(f"cannot be lower than {self.min_value}")
        if self.max_value is not None and data > self.max_value:
            raise self.refuse(f"cannot be higher than {self.max_value}")
        return data


class Flag(Strict, serializers.BooleanField):
    """true or false, not the texts."""

    expected = "boolean"

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise self.refuse()
        return data


class Instant(Strict, serializers.DateTimeField):
    """An ISO 8601 date or date-time."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            raise self.refuse()
        try:
            return instants.parse_instant(value)
        except ValueError:
            raise self.refuse("cannot be recognized as a ISO-8601 compliant date") from None


class Metadata(Strict, serializers.DictField):
    """The customer's own attributes: an object, nested a little at most."""

    expected = "object"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        return parse_metadata(data, path_of(self))


class JsonObject(Strict, serializers.DictField):
    """An object whose inside the services read."""

    expected = "object"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise self.refuse()
        check_value(data, path_of(self), depth=JSON_DEPTH)
        return dict(data)


class JsonList(Strict, serializers.ListField):
    """An array whose elements the services read."""

    expected = "array"

    def __init__(self, *, most: int = 1000, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise self.refuse()
        if len(data) > self.most:
            raise self.refuse(f"should NOT have more than {self.most} items")
        check_value(data, path_of(self), depth=JSON_DEPTH)
        return list(data)


class Texts(JsonList):
    """An array of texts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(), **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        found = super().to_internal_value(data)
        for index, text in enumerate(found):
            if not isinstance(text, str):
                raise InvalidPayload(f"Property {path_of(self)}[{index}] should be string")
        return found


class Body(Strict, serializers.Serializer[Any]):
    """An object of known properties; unknown ones are ignored. Nulls of optional properties count as absent."""

    expected = "object"

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise InvalidPayload("Payload should be object") if self.parent is None else self.refuse()
        found: dict[str, Any] = super().to_internal_value(data)
        return found


def parse(body: type[Body], data: Any) -> dict[str, Any]:
    """The checked properties that were sent. Raises InvalidPayload naming the first bad one."""
    serializer = body(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def parse_each(body: type[Body], data: Any) -> list[dict[str, Any]]:
    """As `parse`, for an array of bodies. Raises InvalidPayload naming the first bad one by its position."""
    if not isinstance(data, list):
        raise InvalidPayload("Payload should be array")
    if not data:
        raise InvalidPayload("The payload cannot be empty")
    found = []
    for index, item in enumerate(data):
        try:
            found.append(parse(body, item))
        except InvalidPayload as error:
            place = f"Property [{index}]"
            details = error.details or ""
            raise InvalidPayload(details.replace("Property ", place, 1).replace("Payload", place, 1)) from error
    return found
