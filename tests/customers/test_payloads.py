from __future__ import annotations

from datetime import date

import pytest

from config.kernel.errors import InvalidPayload
from customers.payloads import UNSET, CustomerData, email_key, parse_customer


@pytest.mark.parametrize(
    ("_case", "body", "expected"),
    [
        ("nothing", {}, CustomerData()),
        ("unknown properties", {"loyalty": {"points": 5}, "system_metadata": {"source": "x"}}, CustomerData()),
        ("null identifiers are as if absent", {"id": None, "source_id": None}, CustomerData()),
        ("null clears", {"name": None, "birthdate": None}, CustomerData(name=None, birthdate=None)),
        ("null metadata is as if absent", {"metadata": None}, CustomerData(metadata=UNSET)),
        ("a date-time gives its day", {"birthdate": "1990-05-01T00:00:00Z"}, CustomerData(birthdate=date(1990, 5, 1))),
        ("known address keys only", {"address": {"city": "B", "planet": 1}}, CustomerData(address={"city": "B"})),
        ("nulls in an address", {"address": {"city": None}}, CustomerData(address={"city": None})),
        ("the address cleared", {"address": None}, CustomerData(address=None)),
    ],
)
def test_parse(_case, body, expected):
    assert parse_customer(body) == expected


@pytest.mark.parametrize(
    ("body", "path", "details"),
    [
        ([], ".customer", "Property .customer should be object"),
        ("x", "", "Payload should be object"),
        ({"email": 5}, ".customer", "Property .customer.email should be string"),
        ({"email": True}, "", "Property .email should be string"),
        ({"source_id": 5}, ".customer", "Property .customer.source_id should be string"),
        ({"name": "x" * 501}, "", "Property .name cannot be longer than 500 characters"),
        ({"source_id": "x" * 10_000}, "", "Property .source_id cannot be longer than 500 characters"),
        ({"name": "a\0b"}, "", "Property .name contains a character that cannot be stored"),
        ({"name": "\ud800"}, "", "Property .name contains a character that cannot be stored"),
        ({"birthdate": "31/31/1990"}, "", "Property .birthdate cannot be recognized as a ISO-8601 compliant date"),
        ({"birthdate": 5}, "", "Property .birthdate should be string"),
        ({"address": "Berlin"}, "", "Property .address should be object"),
        ({"address": {"city": 5}}, "", "Property .address.city should be string"),
        ({"metadata": []}, ".customer", "Property .customer.metadata should be object"),
        (
            {"metadata": {"a": {"b": ["\0"]}}},
            "",
            "Property .metadata.a.b[0] contains a character that cannot be stored",
        ),
        ({"metadata": {"a\0": 1}}, "", "Property .metadata has a key that cannot be stored"),
        ({"metadata": {"a": [[[[1]]]]}}, "", "Property .metadata.a[0][0][0] is nested too deeply"),
    ],
)
def test_problems_name_the_property(body, path, details):
    with pytest.raises(InvalidPayload) as caught:
        parse_customer(body, path)
    assert caught.value.details == details


def test_emails_are_compared_composed_and_in_lower_case():
    assert email_key("Ju\u0308rgen@Example.COM") == email_key("J\u00fcrgen@example.com") == "jürgen@example.com"
    assert email_key(None) is None


def test_whether_anything_but_identifiers_was_said():
    assert not CustomerData(id="cust_1", source_id="a").has_profile
    assert CustomerData(source_id="a", name=None).has_profile
