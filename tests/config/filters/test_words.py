"""Sentences and the builder's catalogue."""

from zoneinfo import ZoneInfo

import pytest

from config.filters.catalogue import catalogue
from config.filters.operators import OPERATORS
from config.filters.parser import parse
from config.filters.sentence import sentence
from customers.fields import FIELDS


def rule(**conditions):
    return {"conditions": {f"${key}": value for key, value in conditions.items()}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {
                "junction": "and",
                "address.state": rule(**{"is": ["California"]}),
                "metadata.customer_type": rule(**{"is": "Corporate"}),
            },
            "State is California and customer_type is Corporate",
        ),
        (
            {"junction": "or", "name": rule(is_not=["a", "b"]), "summary.orders.total_amount": rule(more_than=[40000])},
            "Name is not a or b or Total spent is more than 400.00",
        ),
        (
            {
                "junction": "and",
                "birthdate": rule(next_month=[True]),
                "g1": {"junction": "or", "email": rule(has_value=True), "phone": rule(is_unknown=True)},
            },
            "Birthdate is in next month (in any year) and (E-mail has a value or Phone is empty)",
        ),
        (
            {
                "junction": "none",
                "summary.orders.last_order_date": rule(less_than=30),
                "created_at": rule(before="2026-01-31T23:30:00Z"),
            },
            "none of (Last order was less than 30 days ago; Created is before 1 Feb 2026 00:30 Europe/Berlin)",
        ),
        ({"junction": "and", "created_at": rule(**{"is": [3, "2026-02-01"]})}, "Created is 3 days ago or 1 Feb 2026"),
        ({"junction": "and", "birthday": rule(is_day="02-29")}, "Birthday is on 29 Feb of any year"),
        ({"junction": "and", "name": rule(has_value=False)}, "not (Name has a value)"),
        (
            {
                "junction": "and",
                "metadata.tags": rule(includes=["a", "b"]),
                "source_id": rule(**{"in": list("abcdefg")}),
            },
            "tags includes all of a and b and Source ID is a or b or c or d or e or 2 more",
        ),
    ],
)  # fmt: skip
def test_sentences(body, words):
    assert sentence(parse(body, FIELDS), FIELDS, zone=ZoneInfo("Europe/Berlin")) == words


def test_the_catalogue_offers_only_what_the_parser_takes():
    page = catalogue(FIELDS)
    operators = page["operators"]
    for field in page["fields"]:
        assert operators[field["type"]], field["key"]
        found = FIELDS[field["key"]]
        for row in operators[field["type"]]:
            for op in row["op"].replace("+", "").split(" "):
                assert found.kind in OPERATORS[op].kinds, (field["key"], op)
        assert field["group"] in page["groups"]


def test_the_catalogue_reads_as_the_page_needs_it():
    page = catalogue(FIELDS)
    fields = {field["key"]: field for field in page["fields"]}
    assert fields["summary.orders.total_amount"] == {
        "key": "summary.orders.total_amount",
        "label": "Total spent",
        "group": "Orders",
        "type": "number",
        "array": False,
        "unit": "money",
        "hint": "",
        "declared": True,
        "template": False,
    }
    assert fields["events.<name>.count"]["type"] == "event"
    assert fields["events.<name>.count"]["template"] is True
    assert [(row["op"], row["label"]) for row in page["operators"]["event"]] == [
        ("$is", "exactly n times"),
        ("$more_than", "more than n times"),
        ("$more_than_equal", "at least n times"),
        ("$less_than", "fewer than n times"),
        ("$less_than_equal", "at most n times"),
        ("$more_than_equal $less_than_equal", "is between"),
        ("$has_value", "did"),
        ("$is_unknown", "did not"),
    ]
    assert page["operators"]["text"][1] == {
        "op": "$is_not",
        "label": "is not",
        "arity": "many",
        "widget": "combobox",
        "negative": True,
    }
    assert [row["op"] for row in page["operators"]["text"]] == [
        *("$is", "$is_not", "$is_not +$has_value", "$in", "$not_in", "$not_in +$has_value", "$contains"),
        *("$not_contain", "$not_contain +$has_value", "$starts_with", "$ends_with", "$has_value", "$is_unknown"),
    ]


def test_days_and_years_are_told_apart():
    rows = {row["op"]: row for row in catalogue(FIELDS)["operators"]["date"]}
    shown = [(rows[op].get("unit"), rows[op].get("turn")) for op in ("$more_than_ago", "$less_than_future")]
    assert shown == [("days", -1), ("days", 1)]
    assert (rows["$is_years_ago"]["unit"], "turn" in rows["$is_years_ago"]) == ("years", False)
