from __future__ import annotations

import pytest

from config.kernel.errors import MetadataValidationFailed
from config.project import metadata_schema
from config.project.metadata_schema import Definition, Schema


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        (Definition("string"), ["", "x", None], [1, True, [], {}]),
        (Definition("string", min_length=2, max_length=3), ["ab", "abc"], ["a", "abcd"]),
        (Definition("string", exact_length=2), ["ab"], ["a", "abc"]),
        (Definition("string", eq=("A", "B")), ["A"], ["C", ""]),
        (Definition("string", ne=("A",)), ["B"], ["A"]),
        (Definition("number"), [1, 1.5, -3], ["1", True]),
        (Definition("number", gt=0, lte=10), [1, 10], [0, 11]),
        (Definition("number", gte=0, lt=10), [0, 9.9], [-1, 10]),
        (Definition("boolean"), [True, False], ["true", 1, 0]),
        (Definition("date"), ["1990-05-01"], ["1990-5-1", "1990-05-01T00:00:00Z", 19900501]),
        (Definition("datetime"), ["1990-05-01", "1990-05-01T10:00:00.000Z"], ["soon", 5]),
        (Definition("image_url"), ["https://a.example/b.PNG", "http://a.example/b.jpeg?x=1"], ["http.com", "a.png"]),
        (Definition("geopoint"), ["52.5,13.4", [52.5, 13.4]], ["91,0", "x,y", "1", {}]),
        (Definition("object"), [{}, {"a": 1}], ["{}", []]),
        (Definition("string", array=True), [[], ["a", "b"]], ["a", [1], ["a", None]]),
        (Definition("string", optional=False), ["x"], [None]),
    ],
)
def test_values_meet_their_definition(definition, good, bad):
    schema = Schema({"key": definition})
    assert [value for value in good if list(metadata_schema.check({"key": value}, schema, whole=True))] == []
    assert [value for value in bad if not list(metadata_schema.check({"key": value}, schema, whole=True))] == []


@pytest.mark.parametrize(
    ("definition", "value", "complaint"),
    [
        (
            Definition("string", optional=False, eq=("A", "B")),
            "x",
            "key: must be a string, property is required, must be equal to one of A,B (actual value is 'x')",
        ),
        (
            Definition("string", array=True, eq=("L1", "L2")),
            "L1",
            "key: must be an array, and every element: must be a string, must be equal to one of L1,L2"
            " (actual value is 'L1')",
        ),
        (
            Definition("image_url"),
            "http.com",
            "key: must be a URL pointing to JPG/JPEG or PNG resource (actual value is 'http.com')",
        ),
        (
            Definition("number", optional=False),
            "EUR",
            "key: must be a number, property is required (actual value is 'EUR')",
        ),
        (Definition("number", gt=0.5), 0.1, "key: must be a number, must be greater than 0.5 (actual value is '0.1')"),
    ],
)
def test_complaints_are_in_the_wires_words(definition, value, complaint):
    assert list(metadata_schema.check({"key": value}, Schema({"key": definition}), whole=True)) == [complaint]


def test_a_required_property_may_be_missing_from_an_update_only():
    schema = Schema({"key": Definition("string", optional=False)})
    assert list(metadata_schema.check({}, schema, whole=False)) == []
    assert len(list(metadata_schema.check({}, schema, whole=True))) == 1


def test_unknown_keys_are_kept_unless_the_schema_says_otherwise():
    assert list(metadata_schema.check({"x": 1}, Schema({}), whole=True)) == []
    with pytest.raises(MetadataValidationFailed, match="x: is not defined"):
        metadata_schema.require_valid({"x": 1}, Schema({}, allow_defined_only=True), whole=True)


def test_removed_definitions_ask_nothing():
    schema = Schema({"key": Definition("number", optional=False, deleted=True)})
    assert list(metadata_schema.check({"key": "text"}, schema, whole=True)) == []


def test_nested_objects_follow_the_schema_they_name():
    nested = Schema({"zip": Definition("string", optional=False)})
    schema = Schema({"home": Definition("object", object_type="place")}, nested={"place": nested})
    assert list(metadata_schema.check({"home": {"zip": "10115"}}, schema, whole=True)) == []
    assert len(list(metadata_schema.check({"home": {"zip": 10115}}, schema, whole=True))) == 1


@pytest.mark.parametrize(
    ("definition", "text", "value"),
    [
        (None, "12", "12"),
        (Definition("string"), "12", "12"),
        (Definition("number"), "12", 12),
        (Definition("number"), "-1.50", -1.5),
        (Definition("boolean"), "TRUE", True),
        (Definition("boolean"), "null", None),
        (Definition("string", array=True), "Nike, Reebok", ["Nike", "Reebok"]),
        (Definition("number", array=True), "123,234", [123, 234]),
        (Definition("number", deleted=True), "x", "x"),
    ],
)
def test_text_becomes_the_declared_type(definition, text, value):
    assert metadata_schema.from_text(definition, text) == value


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (Definition("number"), "1_000"),
        (Definition("number"), "１２"),
        (Definition("number"), "1e999"),
        (Definition("number"), ""),
        (Definition("boolean"), "yes"),
        (Definition("object"), "{}"),
    ],
)
def test_text_that_is_not_the_declared_type_is_refused(definition, text):
    with pytest.raises(ValueError, match=r"."):
        metadata_schema.from_text(definition, text)
