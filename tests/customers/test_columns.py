from __future__ import annotations

import pytest

from config.imports.plan import Problem
from config.project.metadata_schema import schema_of
from customers import columns
from customers.columns import Columns, mapping_problems, propose, target_of
from customers.staging import BITS, EVERY_FIELD

SPEC = (
    "Id,Source_id,Name,Description,Email,Phone,Birthdate,Address_line_1,Address_line_2,"
    "Address_City,Address_Postal_Code,Address_State,Address_Country"
)
OFFICIAL = (
    "Name,Source_id,Description,Email,Phone,Address_line_1,Address_line_2,City,Postal_Code,State,Country,"
    "Birthdate,favorite_brands,CRM_created_date"
)


def test_both_header_lists_of_the_contract():
    assert [target_of(header) for header in SPEC.split(",")] == [
        *("id", "source_id", "name", "description", "email", "phone", "birthdate", "address.line_1", "address.line_2"),
        *("address.city", "address.postal_code", "address.state", "address.country"),
    ]
    assert [target_of(header) for header in OFFICIAL.split(",")] == [
        *("name", "source_id", "description", "email", "phone", "address.line_1", "address.line_2", "address.city"),
        *("address.postal_code", "address.state", "address.country", "birthdate"),
        *("metadata.favorite_brands", "metadata.CRM_created_date"),
    ]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("SOURCE_ID", "source_id"),
        (" city ", "address.city"),
        ("favorite brand", "metadata.favorite brand"),
        ("metadata.tier", "metadata.tier"),
        ("Birthday", "birthday"),
        ("E-Mail", "metadata.E-Mail"),
    ],
)
def test_the_contract_knows_only_its_own_names(header, target):
    assert target_of(header) == target


def test_a_proposal_also_knows_similar_names_and_gives_no_field_twice():
    headers = ["Customer ID", "Source ID", "E-Mail", "Email", "Zip", "City", "Town", "metadata.Tier"]
    assert (
        propose(headers)
        == [
            *("metadata.Customer ID", "source_id", "metadata.E-Mail", "email", "address.postal_code", "address.city"),
            *("metadata.Town", "metadata.Tier"),
        ]
        or propose(headers)[0] == "source_id"
    )


@pytest.mark.parametrize(
    ("mapping", "headers", "needs_key", "problems"),
    [
        (["source_id", "name"], ["a", "b"], True, []),
        (["name"], ["a"], True, ["One column must be the source id or the id"]),
        (["name"], ["a"], False, []),
        (
            ["address.city", "address.city"],
            ["City", "Address_City"],
            False,
            ["City and Address_City go to the same field"],
        ),
        (["metadata.", "wallet"], ["a", "b"], False, ["a: there is no field metadata.", "b: there is no field wallet"]),
        ([None], ["a"], False, ["Every column is left out"]),
    ],
)
def test_mapping_problems(mapping, headers, needs_key, problems):
    assert mapping_problems(mapping, headers, needs_key=needs_key) == problems


def parse(headers, cells, **options):
    row, problems = Columns([target_of(header) for header in headers], headers, **options).parse(1, cells)
    return row, problems


def test_keep_leaves_out_what_is_empty():
    headers = ["Source_id", "Name", "Email", "City", "State", "Birthdate", "tier", "note"]
    row, problems = parse(headers, ["crm-1", "Nora", "", "Berlin", " ", "1990-05-01", "gold", ""], clear=False)
    assert problems == []
    assert (row.source_id, row.name, row.email, row.birthdate) == ("crm-1", "Nora", None, "1990-05-01")
    assert row.given == BITS["name"] | BITS["address"] | BITS["birthdate"] | BITS["metadata"]
    assert (row.address, row.address_removed) == ({"city": "Berlin"}, ())
    assert (row.metadata, row.metadata_removed, row.metadata_replaced) == ({"tier": "gold"}, (), False)


def test_clear_empties_what_is_empty_and_replaces_metadata():
    headers = ["Source_id", "Name", "Email", "City", "State", "Birthdate", "tier", "note"]
    row, _ = parse(headers, ["crm-1", "Nora", "", "Berlin", "", "", "gold", ""], clear=True)
    assert row.given == EVERY_FIELD & ~BITS["description"] & ~BITS["phone"] & ~BITS["birthday"]
    assert (row.email, row.birthdate) == (None, None)
    assert (row.address, row.address_removed) == ({"city": "Berlin"}, ("state",))
    assert (row.metadata, row.metadata_replaced) == ({"tier": "gold"}, True)


def test_a_row_with_an_id_is_merged_as_an_update_even_when_clearing():
    headers = ["Id", "Source_id", "tier", "note"]
    row, _ = parse(headers, ["cust_1", "crm-1", "gold", ""], clear=True)
    assert (row.id, row.source_id) == ("cust_1", None)
    assert (row.metadata, row.metadata_removed, row.metadata_replaced) == ({"tier": "gold"}, ("note",), False)


def test_a_file_without_metadata_columns_keeps_metadata():
    row, _ = parse(["Source_id", "Name"], ["crm-1", "Nora"], clear=True)
    assert row.given == BITS["name"]


def test_every_problem_of_a_row_is_said():
    headers = ["Source_id", "Name", "Birthdate", "visits", "vip"]
    definitions = {"visits": {"type": "number"}, "vip": {"type": "boolean"}}
    row, problems = parse(
        headers, ["x" * 501, "n" * 600, "31/31/1990", "1_000", "yes"], clear=False, schema=schema_of(definitions)
    )
    assert row is None
    assert problems == [
        Problem("Name", "n" * 200, "is 600 characters long; 500 are the most"),
        Problem("Birthdate", "31/31/1990", "31/31/1990 is not a date; write 1990-12-31"),
        Problem("Source_id", "x" * 200, "is 501 characters long; 500 are the most"),
        Problem("visits", "1_000", "must be a number (actual value is '1_000')"),
        Problem("vip", "yes", "must be a boolean (actual value is 'yes')"),
    ]


@pytest.mark.parametrize(
    ("definition", "cell", "value"),
    [
        (None, "123", "123"),
        ({"type": "string"}, "123", "123"),
        ({"type": "string", "array": True}, "Nike,Reebok", ["Nike", "Reebok"]),
        ({"type": "number", "array": True}, "123, 234", [123, 234]),
        ({"type": "date", "array": True}, "2000-01-01,2000-01-02", ["2000-01-01", "2000-01-02"]),
        ({"type": "number"}, "-12.50", -12.5),
        ({"type": "number"}, "0", 0),
        ({"type": "boolean"}, "TRUE", True),
        ({"type": "boolean"}, "null", None),
        ({"type": "date"}, "2022-03-11", "2022-03-11"),
        ({"type": "datetime"}, "2022-03-11T09:00:00.000Z", "2022-03-11T09:00:00.000Z"),
        ({"type": "number", "deleted": True}, "x", "x"),
    ],
)
def test_metadata_gets_the_type_of_its_definition(definition, cell, value):
    row, problems = parse(
        ["Source_id", "key"], ["a", cell], clear=False, schema=schema_of({"key": definition} if definition else {})
    )
    assert problems == []
    assert row.metadata == {"key": value}


@pytest.mark.parametrize("cell", ["20240101", "2024-W01-1", "yesterday", "2024-13-01", "2023-02-29", "1.1.2024", "１"])
def test_what_only_looks_like_a_date_is_refused(cell):
    assert columns.clean_day(cell) is None


def test_a_metadata_key_that_must_be_there_is_missed_only_where_metadata_is_replaced():
    schema = schema_of({"tier": {"type": "string", "optional": False, "eq": ["gold", "silver"]}})
    headers, cells = ["Source_id", "tier", "other"], ["a", "", "x"]
    assert parse(headers, cells, clear=False, schema=schema)[1] == []
    assert parse(headers, cells, clear=True, schema=schema)[1] == [
        Problem(
            "tier",
            "",
            "must be a string, property is required, must be equal to one of gold,silver (actual value is undefined)",
        )
    ]


@pytest.mark.parametrize(("cell", "value"), [("'=1+1", "=1+1"), ("'hello", "'hello"), ("'-5", "-5"), ("'", "'")])
def test_the_guard_of_dashboard_downloads_is_taken_off(cell, value):
    row, _ = parse(["Source_id", "Name"], ["a", cell], clear=False, unescape=True)
    assert row.name == value
    row, _ = parse(["Source_id", "Name"], ["a", cell], clear=False)
    assert row.name == cell


def test_every_row_gets_an_id_of_its_own():
    table = Columns(["name"], ["Name"], clear=False)
    made = {table.parse(number, ["x"])[0].public_id for number in range(3000)}
    assert len(made) == 3000
    assert all(len(public_id) == 29 for public_id in made)
