"""Every problem at once, each with its path and in the wire's words."""

import pytest

from config.filters.ast import AllOf, AnyOf, Compare, Not
from config.filters.parser import InvalidFilter, Limits, parse, read
from customers.fields import FIELDS

WRONG_OPERATOR = (
    "Property .filter should match either `filters[${field}][conditions][${condition}][${index}]` or "
    "`filters[${field}][conditions][${condition}]` format and condition must be one of: $in, $not_in, $in_location,"
)


def rule(**conditions):
    return {"conditions": {f"${key}": value for key, value in conditions.items()}}


def found(body, **options):
    node, problems = read(body, FIELDS, **options)
    assert node is None
    return [(problem.path, problem.message) for problem in problems]


NAME = rule(**{"is": "Ann"})
JUNCTION = "has wrong `junction` property. It must be one of: and, or, none"

BIRTHDATE = ".filter.birthdate.conditions"
PROBLEMS = [
    ("not an object", [], ".filter", "Property .filter should be object"),
    ("null", None, ".filter", "Property .filter should be object"),
    ("no junction", {"name": NAME}, ".filter", f"Property .filter {JUNCTION}"),
    ("wrong junction", {"junction": "xor", "name": NAME}, ".filter", f"Property .filter {JUNCTION}"),
    ("a number as junction", {"junction": 1, "name": NAME}, ".filter", f"Property .filter {JUNCTION}"),
    ("empty", {"junction": "and"}, ".filter", "Property .filter should contain at least one condition"),
    (
        *("empty group", {"junction": "and", "g1": {"junction": "or"}}, ".filter.g1"),
        "Property .filter.g1 should contain at least one condition",
    ),
    (
        *("group with a wrong junction", {"junction": "and", "g1": {"junction": "no", "name": NAME}}, ".filter.g1"),
        f"Property .filter.g1 {JUNCTION}",
    ),
    (
        *("unknown field", {"junction": "and", "shoe_size": NAME}, ".filter.shoe_size"),
        "Property .filter has unknown field `shoe_size`",
    ),
    (
        *("event without a part", {"junction": "and", "events.visited": NAME}, ".filter.events.visited"),
        "Property .filter has unknown field `events.visited`",
    ),
    ("field is text", {"junction": "and", "name": "Ann"}, ".filter.name", "Property .filter.name should be object"),
    (
        *("no conditions", {"junction": "and", "name": {}}, ".filter.name"),
        "Property .filter.name should have required property 'conditions'",
    ),
    (
        *("empty conditions", {"junction": "and", "name": {"conditions": {}}}, ".filter.name.conditions"),
        "Property .filter.name.conditions should NOT have fewer than 1 properties",
    ),
    (
        *("a neighbour of conditions", {"junction": "and", "name": {**NAME, "type": 1}}, ".filter.name"),
        "Property .filter.name should NOT have additional property 'type'",
    ),
    (
        *("no values", {"junction": "and", "name": rule(**{"is": []})}, ".filter.name.conditions.$is"),
        "Property .filter.name.conditions.$is should NOT have fewer than 1 items",
    ),
    (
        *("null value", {"junction": "and", "name": rule(**{"is": ["a", None]})}, ".filter.name.conditions.$is[1]"),
        "Property .filter.name.conditions.$is[1] should be string,number,boolean",
    ),
    (
        *("text on a counter", {"junction": "and", "loyalty.points": rule(more_than="many")}),
        *(".filter.loyalty.points.conditions.$more_than", None),
    ),
    (
        *("two values for an order", {"junction": "and", "loyalty.points": rule(more_than=[5, 10])}),
        *(".filter.loyalty.points.conditions.$more_than", None),
    ),
    (
        *("prefix of a number", {"junction": "and", "loyalty.points": rule(starts_with="1")}),
        ".filter.loyalty.points.conditions.$starts_with",
        "Property .filter.loyalty.points.conditions.$starts_with cannot be used: `loyalty.points` is a number field",
    ),
    (
        *("no date", {"junction": "and", "created_at": rule(before="soon")}, ".filter.created_at.conditions.$before"),
        "Property .filter.created_at.conditions.$before cannot be recognized as a ISO-8601 compliant date",
    ),
    (
        *("negative days", {"junction": "and", "created_at": rule(more_than_ago=-1)}),
        ".filter.created_at.conditions.$more_than_ago",
        "Property .filter.created_at.conditions.$more_than_ago cannot be lower than 0",
    ),
    (
        *("half a day", {"junction": "and", "created_at": rule(less_than=[1.5])}),
        ".filter.created_at.conditions.$less_than[0]",
        "Property .filter.created_at.conditions.$less_than[0] should be integer",
    ),
    ("month 13", {"junction": "and", "birthdate": rule(is_month=13)}, f"{BIRTHDATE}.$is_month", None),
    ("30 February", {"junction": "and", "birthdate": rule(is_day="02-30")}, f"{BIRTHDATE}.$is_day", None),
    ("flag", {"junction": "and", "name": rule(has_value="maybe")}, ".filter.name.conditions.$has_value", None),
    ("U+0000", {"junction": "and", "name": rule(contains="a\0")}, ".filter.name.conditions.$contains", None),
    ("a surrogate", {"junction": "and", "name": rule(contains="\ud800")}, ".filter.name.conditions.$contains", None),
    ("a key with U+0000", {"junction": "and", "metadata.a\0": NAME}, ".filter.metadata.a?", None),
    (
        *("locations", {"junction": "and", "metadata.home": rule(in_location=["loc_1"])}),
        ".filter.metadata.home.conditions.$in_location",
        "Property .filter.metadata.home.conditions.$in_location is not supported: there are no locations yet",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("_case", "body", "path", "message"), PROBLEMS, ids=[case[0] for case in PROBLEMS])
def test_problems(_case, body, path, message):
    [(where, what)] = found(body)
    assert where == path
    assert message is None or what == message
    assert what.startswith("Property .filter")


@pytest.mark.parametrize("operator", ["$equals", "$active", "$redeemable", "is", "$IS", "conditions"])
def test_unknown_operators_get_the_list_of_the_wire(operator):
    [(path, message)] = found({"junction": "and", "name": {"conditions": {operator: ["a"]}}})
    assert path == f".filter.name.conditions.{operator}"
    assert message.startswith(WRONG_OPERATOR)
    assert message.endswith("$enabled, $disabled, $redeemed, $redeemable")


def test_every_problem_is_reported_at_once():
    body = {
        "junction": "xor",
        "shoe_size": NAME,
        "g1": {"junction": "or", "name": rule(equals="a"), "created_at": rule(before="soon", after="2026-01-01")},
    }
    assert [path for path, _ in found(body)] == [
        ".filter",
        ".filter.shoe_size",
        ".filter.g1.name.conditions.$equals",
        ".filter.g1.created_at.conditions.$before",
    ]
    with pytest.raises(InvalidFilter) as refused:
        parse(body, FIELDS)
    details = str(refused.value)
    assert "Property .filter has wrong `junction` property. It must be one of: and, or, none; " in details
    assert "(found at .filter.g1.name.conditions.$equals)" in details
    assert refused.value.key == "invalid_payload"


def nested(depth):
    body = {"junction": "and", "name": NAME}
    for _ in range(depth - 1):
        body = {"junction": "and", "g": body}
    return body


@pytest.mark.parametrize(
    ("_case", "body", "message"),
    [
        ("six groups", nested(6), "Property .filter.g.g.g.g.g cannot be nested deeper than 5 groups"),
        ("a thousand groups", nested(1000), "Property .filter.g.g.g.g.g cannot be nested deeper than 5 groups"),
        (
            *("201 conditions", {"junction": "and"} | {f"metadata.{n}": NAME for n in range(201)}),
            "Property .filter must NOT have more than 200 conditions",
        ),
        (
            *("5,001 values", {"junction": "and", "name": rule(**{"in": [str(n) for n in range(5_001)]})}),
            "Property .filter.name.conditions.$in must NOT have more than 5000 items",
        ),
        (
            *("a megabyte", {"junction": "and", "name": rule(**{"is": "a" * 2**20})}),
            "Property .filter cannot be larger than 256 kB",
        ),
    ],
)
def test_limits(_case, body, message):
    assert [what for _, what in found(body)] == [message]


def test_the_limits_themselves_are_allowed():
    assert isinstance(parse(nested(5), FIELDS), AllOf)
    parse({"junction": "and", "name": rule(**{"in": [str(n) for n in range(5_000)]})}, FIELDS)
    parse({"junction": "and"} | {f"metadata.{n}": NAME for n in range(200)}, FIELDS)
    parse(nested(6), FIELDS, limits=Limits(depth=6))


@pytest.mark.parametrize("junction", ["and", "AND", "And"])
def test_junctions_come_in_any_case(junction):
    assert parse({"junction": junction, "name": NAME}, FIELDS) == AllOf((Compare("name", "$is", ("Ann",)),))


def test_trees_compare_by_value_and_know_their_places():
    body = {
        "junction": "or",
        "name": rule(contains="a", starts_with="b"),
        "g1": {"junction": "none", "address.city": rule(is_not=["Berlin", "Berlin"])},
        "email": rule(has_value=False, **{"is": "ANN@Shop.example"}),
    }
    tree = parse(body, FIELDS)
    assert tree == AnyOf(
        (
            AllOf((Compare("name", "$contains", ("a",)), Compare("name", "$starts_with", ("b",)))),
            Not(AnyOf((Compare("address.city", "$is_not", ("Berlin",)),))),
            AllOf((Not(Compare("email", "$has_value", (True,))), Compare("email", "$is", ("ann@shop.example",)))),
        )
    )
    assert tree.children[1].child.children[0].path == ".filter.g1.address.city.conditions.$is_not"


def test_a_missing_junction_is_and_in_lists():
    assert parse({"name": NAME}, FIELDS, path=".filters", default_junction="and") == parse(
        {"junction": "and", "name": NAME}, FIELDS
    )


def test_texts_are_compared_composed_and_keys_as_stored():
    decomposed, composed = "Ko\u0308ln", "Köln"
    tree = parse(
        {"junction": "and", "name": rule(**{"is": decomposed}), "source_id": rule(**{"is": decomposed})}, FIELDS
    )
    assert tree == AllOf((Compare("name", "$is", (composed,)), Compare("source_id", "$is", (decomposed,))))
