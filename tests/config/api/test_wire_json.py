from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from config.api import wire_json
from config.kernel.errors import InvalidPayload


def test_values_go_out_as_on_the_wire():
    at, day = datetime(2026, 2, 3, 10, tzinfo=UTC), date(2026, 2, 3)
    value = {"at": at, "day": day, "percent": Decimal("12.5"), "n": Decimal(15)}
    assert wire_json.dump(value) == b'{"at":"2026-02-03T10:00:00.000Z","day":"2026-02-03","percent":12.5,"n":15}'


def test_text_that_is_not_json_is_malformed():
    with pytest.raises(wire_json.MalformedJson):
        wire_json.load(b'{"a":')
    with pytest.raises(wire_json.MalformedJson):
        wire_json.load(b'{"a": NaN}')


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b'{"customer":{"name":"a\\u0000b"}}', ".customer.name"),
        (b'{"a\\u0000b":1}', "U+0000"),
        (b'{"order":{"amount":99999999999999999999999}}', ".order.amount"),
        (b"[" * 33 + b"]" * 33, "deeper"),
        (b'{"items":[{"quantity":18446744073709551615}]}', ".items[0].quantity"),
    ],
)
def test_what_could_not_be_read_back_is_refused(body, part):
    with pytest.raises(InvalidPayload, match=part.replace("[", r"\[").replace("+", r"\+")):
        wire_json.load(body)


def test_depth_up_to_the_limit_is_accepted():
    assert wire_json.load(b"[" * 32 + b"]" * 32) is not None


def test_a_long_list_of_brackets_is_refused_without_a_crash():
    with pytest.raises((wire_json.MalformedJson, InvalidPayload)):
        wire_json.load(b"[" * 1_000_000)
