from __future__ import annotations

import pytest

from config.kernel.errors import MetadataValidationFailed
from config.project import schemas
from config.project.models import MetadataSchema
from tests.factories import make_shop

pytestmark = pytest.mark.django_db

TIER = {"type": "string", "array": False, "optional": False, "eq": ["gold", "silver"]}


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def address(shop):
    return f"/management/v1/projects/{shop.project.public_id}/metadata-schemas"


def test_a_schema_is_created_read_in_both_spellings_changed_and_deleted(shop, address):
    body = {"related_object": "customer", "properties": {"tier": TIER, "note": {"type": "string", "max_length": 5}}}
    created = shop.management().post(address, body).json()
    assert created["properties"] == {
        "tier": TIER | {"object_type": None},
        "note": {"type": "string", "array": False, "optional": True, "object_type": None, "max_length": 5},
    }
    read = shop.server().get("/v1/metadata-schemas/customer").json()
    assert read["id"] == created["id"]
    assert read["properties"]["note"] == {
        "type": "string", "array": False, "optional": True, "objectType": None, "maxLength": 5,
    }  # fmt: skip
    one = f"{address}/{created['id']}"
    changed = shop.management().put(one, {"properties": {"note": {"type": "string", "deleted": True}}}).json()
    assert changed["properties"]["tier"] == created["properties"]["tier"]
    assert changed["properties"]["note"]["deleted"] is True
    assert changed["updated_at"] is not None
    assert shop.management().get(address).json()["total"] == 1
    assert shop.server().get("/v1/metadata-schemas").json()["data_ref"] == "schemas"
    assert shop.management().delete(one).status_code == 204
    assert shop.management().get(one).status_code == 404


def test_a_second_schema_of_the_same_kind_is_a_duplicate(shop, address):
    body = {"related_object": "customer", "properties": {}}
    assert shop.management().post(address, body).status_code == 200
    answer = shop.management().post(address, body | {"related_object": "Customer"})
    assert (answer.status_code, answer.json()["key"]) == (409, "duplicate_found")
    assert answer.json()["details"] == "Duplicated metadata schema exists with related_object Customer"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"properties": {}}, "'related_object'"),
        ({"related_object": "customer"}, "'properties'"),
        ({"related_object": "customer", "properties": {"a": {"type": "text"}}}, ".properties.a.type"),
        ({"related_object": "customer", "properties": {"a": "string"}}, ".properties.a should be object"),
        ({"related_object": "customer", "properties": {"a": {"type": "number", "eq": ["x"]}}}, ".properties.a.eq.0"),
        ({"related_object": "customer", "properties": {"a": {"type": "string", "array": 1}}}, ".properties.a.array"),
        ({"related_object": "customer", "properties": {"a": {"type": "number", "lt": "1"}}}, ".properties.a.lt"),
        ({"related_object": "c", "properties": {str(n): {"type": "string"} for n in range(101)}}, "more than 100"),
        ([], "Payload should be object"),
    ],
)
def test_bad_definitions_are_refused_by_name(shop, address, body, part):
    answer = shop.management().post(address, body)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert part in answer.json()["details"]
    assert not MetadataSchema.objects.exists()


def test_a_definitions_type_never_changes(shop, address):
    created = (
        shop.management().post(address, {"related_object": "order", "properties": {"a": {"type": "string"}}}).json()
    )
    answer = shop.management().put(f"{address}/{created['id']}", {"properties": {"a": {"type": "number"}}})
    assert (answer.status_code, answer.json()["details"]) == (400, "Property .properties.a.type cannot be changed")


def test_another_project_is_not_found(shop, address):
    other = make_shop("Other")
    assert other.management().get(address).status_code == 404
    assert other.server().get("/v1/metadata-schemas/customer").json()["details"] == (
        "Cannot find metadata schema with id customer"
    )
    assert shop.server().get(address).status_code == 401


def test_a_change_is_seen_at_once_in_the_process_that_made_it(shop, address):
    schemas.require(shop.project, "customer", {"tier": "bronze"}, whole=True)
    shop.management().post(address, {"related_object": "customer", "properties": {"tier": TIER}})
    with pytest.raises(MetadataValidationFailed, match=r"tier: must be a string, property is required"):
        schemas.require(shop.project, "customer", {"tier": "bronze"}, whole=True)
    schemas.require(shop.project, "customer", {}, whole=False)
