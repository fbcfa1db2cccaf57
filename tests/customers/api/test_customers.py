from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from customers import lookups
from customers.models import Customer
from tests.factories import make_customer, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def api(shop):
    return shop.server()


def test_post_creates_and_then_updates_with_200(api):
    first = api.post("/v1/customers", {"source_id": "crm-1", "name": "Nora", "metadata": {"visits": 5}})
    assert first.status_code == 200
    created = first.json()
    assert created["id"].startswith("cust_")
    assert (created["source_id"], created["name"], created["address"]) == ("crm-1", "Nora", None)
    assert "updated_at" not in created
    second = api.post("/v1/customers", {"source_id": "crm-1", "metadata": {"vip": None}})
    assert second.status_code == 200
    changed = second.json()
    assert (changed["id"], changed["name"]) == (created["id"], "Nora")
    assert changed["metadata"] == {"visits": 5, "vip": None}
    assert "updated_at" in changed


def test_an_empty_body_creates_nobody(api):
    response = api.post("/v1/customers", {})
    assert response.status_code == 400
    assert response.json()["details"] == "The payload cannot be empty"
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ([], "Payload should be object"),
        ({"name": 5}, "Property .name should be string"),
        ({"address": {"city": []}}, "Property .address.city should be string"),
    ],
)
def test_a_wrong_type_names_the_property(api, body, details):
    response = api.post("/v1/customers", body)
    assert (response.status_code, response.json()["key"], response.json()["details"]) == (
        400,
        "invalid_payload",
        details,
    )
    assert not Customer.objects.exists()


def test_an_unknown_id_is_404_on_create_too(api):
    response = api.post("/v1/customers", {"id": "cust_nobody", "name": "x"})
    assert response.status_code == 404
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "source_id", ["crm-1", "nora@example.com", "a/b/c", "über ö", "50%", "a b", "x?y#z", "importCSV "]
)
def test_a_customer_is_found_changed_and_deleted_by_source_id(api, shop, source_id):
    customer = make_customer(project=shop.project, source_id=source_id, name="Nora")
    path = f"/v1/customers/{quote(source_id, safe='')}"
    assert api.get(path).json()["id"] == customer.public_id
    assert api.get(path + "/").json()["id"] == customer.public_id
    changed = api.put(path, {"id": "cust_other", "source_id": "other", "name": "Nora Lind"})
    assert (changed.status_code, changed.json()["name"], changed.json()["source_id"]) == (200, "Nora Lind", source_id)
    gone = api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get(path).status_code == 404


def test_by_id(api, shop):
    customer = make_customer(project=shop.project)
    assert api.get(f"/v1/customers/{customer.public_id}").json()["source_id"] == customer.source_id


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_not_found_says_what_was_asked_for(api, method):
    response = getattr(api, method)("/v1/customers/nora%2F404%40x", {})
    body = response.json()
    assert (response.status_code, body["key"], body["resource_type"]) == (404, "not_found", "customer")
    assert body["resource_id"] == "nora/404@x"
    assert body["details"] == "Cannot find customer with id nora/404@x"


def test_another_projects_customer_is_unknown(api):
    other = make_shop("Other")
    customer = make_customer(project=other.project, source_id="crm-1")
    for identifier in (customer.public_id, "crm-1"):
        assert api.get(f"/v1/customers/{identifier}").status_code == 404
        assert api.delete(f"/v1/customers/{identifier}").status_code == 404
    assert api.get("/v1/customers").json()["total"] == 0


def test_other_methods_are_405(api):
    assert api.patch("/v1/customers/crm-1", {}).status_code == 405
    assert api.put("/v1/customers", {}).status_code == 405


BASE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def five(shop):
    return [
        make_customer(
            project=shop.project,
            source_id=f"crm-{n}",
            name=f"Name {n}",
            email=f"N{n}@Example.com",
            address={"city": "Berlin" if n % 2 else "Bonn"},
            created_at=BASE + timedelta(hours=n),
            updated_at=BASE + timedelta(days=10 - n),
        )
        for n in range(5)
    ]


def found(response):
    assert response.status_code == 200, response.content
    return [customer["source_id"][-1] for customer in response.json()["customers"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "43210"),
        ({"limit": "2"}, "43"),
        ({"limit": "2", "page": "3"}, "0"),
        ({"page": "9"}, ""),
        ({"order": "created_at"}, "01234"),
        ({"order": "-updated_at"}, "01234"),
        ({"order": "source_id"}, "01234"),
        ({"email": "n3@example.COM"}, "3"),
        ({"name": "NAME 2"}, "2"),
        ({"city": "Berlin"}, "31"),
        ({"created_at[after]": "2026-01-01T02:00:00Z"}, "43"),
        ({"[created_at][before]": "2026-01-01T02:00:00.000Z"}, "10"),
        ({"created_at[after]": "2026-01-01T00:00:00Z", "created_at[before]": "2026-01-01T02:00:00Z"}, "1"),
        ({"updated_at[before]": "2026-01-08"}, "4"),
        ({"city": "Berlin", "limit": "1"}, "3"),
    ],
)
def test_the_list_filters_sorts_and_pages(api, five, query, expected):
    response = api.get("/v1/customers", query)
    assert found(response) == list(expected)


def test_the_envelope_tells_the_total_and_whether_there_is_more(api, five):
    body = api.get("/v1/customers", {"limit": "2", "page": "2"}).json()
    assert (body["object"], body["data_ref"], body["total"], body["has_more"]) == ("list", "customers", 5, True)
    body = api.get("/v1/customers", {"limit": "2", "page": "3"}).json()
    assert (body["total"], body["has_more"]) == (5, False)


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"limit": "0"}, "invalid_query_params"),
        ({"limit": "101"}, "invalid_query_params"),
        ({"page": "0"}, "invalid_query_params"),
        ({"page": "1001"}, "page_over_limit"),
        ({"order": "name"}, "invalid_query_params"),
        ({"created_at[after]": "yesterday"}, "invalid_query_params"),
        ({"starting_after": "x"}, "invalid_query_params"),
    ],
)
def test_a_bad_parameter_is_named(api, query, key):
    response = api.get("/v1/customers", query)
    assert (response.status_code, response.json()["key"]) == (400, key)


def test_an_unknown_segment_is_404(api):
    response = api.get("/v1/customers", {"segment_id": "seg_nobody"})
    assert (response.status_code, response.json()["resource_type"]) == (404, "segment")


def test_members_of_a_segment_come_from_whoever_registered(api, five, monkeypatch):
    monkeypatch.setattr(lookups, "_members", [lambda project, segment_id, at: Customer.objects.filter(city="Bonn")])
    assert found(api.get("/v1/customers", {"segment_id": "seg_1"})) == ["4", "2", "0"]


@pytest.mark.parametrize(
    ("order", "start", "column"),
    [
        ("", "2200-01-01", "created_at"),
        ("created_at", "1970-01-01", "created_at"),
        ("updated_at", "1970-01-01", "updated_at"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_a_scroll_sees_everybody_once_even_those_of_one_moment(api, shop, order, start, column, limit):
    for n in range(12):
        at = BASE + timedelta(minutes=n // 4)
        make_customer(project=shop.project, created_at=at, updated_at=at)
    seen, cursor, more = [], start, True
    while more:
        query = {"starting_after": cursor, "limit": limit} | ({"order": order} if order else {})
        body = api.get("/v1/customers", query).json()
        assert body["total"] == 12
        seen += [customer["id"] for customer in body["customers"]]
        cursor, more = (body["customers"][-1][column] if body["customers"] else ""), body["has_more"]
    assert len(seen) == len(set(seen)) == 12


def test_a_third_way_to_name_a_customer_can_be_registered(api, shop, monkeypatch):
    customer = make_customer(project=shop.project, name="Nora")
    monkeypatch.setattr(
        lookups, "_resolvers", [lambda project, identifier: customer if identifier == "track_abc+/=" else None]
    )
    assert api.get("/v1/customers/track_abc%2B%2F%3D").json()["id"] == customer.public_id
    changed = api.post("/v1/customers", {"source_id": "track_abc+/=", "name": "Nora Lind"}).json()
    assert (changed["id"], changed["source_id"], changed["name"]) == (
        *(customer.public_id, customer.source_id),
        "Nora Lind",
    )
    assert Customer.objects.count() == 1


def test_the_list_takes_the_same_few_queries_whatever_its_length(api, five, django_assert_max_num_queries):
    api.get("/v1/customers")
    with django_assert_max_num_queries(2):
        api.get("/v1/customers")


@pytest.mark.parametrize(
    ("order", "expected"),
    [("-updated_at", "42310"), ("updated_at", "32401"), ("source_id", "01234"), ("-source_id", "21043")],
)
def test_rows_without_the_value_come_last_in_either_direction(api, shop, order, expected):
    """4 changed last, before it 2 and 3; 0 and 1 never did. 3 and 4 have no source id."""
    hours = {4: 3, 2: 2, 3: 1}
    for n in range(5):
        changed = BASE + timedelta(hours=hours[n]) if n in hours else None
        source_id = f"crm-{n}" if n < 3 else None
        make_customer(project=shop.project, source_id=source_id, name=str(n), created_at=BASE, updated_at=changed)
    for limit in (1, 2, 3, 5):
        asked = [{"order": order, "limit": limit, "page": page} for page in range(1, 7)]
        pages = [api.get("/v1/customers", query).json()["customers"] for query in asked]
        assert "".join(row["name"] for page in pages for row in page) == expected


def test_names_and_cities_are_found_in_every_spelling_of_their_letters(api, shop):
    make_customer(project=shop.project, name="Zoé ÄRGER", address={"city": "Köln"}, source_id="crm-1")
    for query in ({"name": "zoe\u0301 a\u0308rger"}, {"city": "Ko\u0308ln"}):
        assert found(api.get("/v1/customers", query)) == ["1"]


def test_permanent_deletion_of_a_customer_is_the_last_of_its_activity(api, shop):
    made = api.post("/v1/customers", {"source_id": "crm-1", "name": "Nora"}).json()
    assert api.get("/v1/customers/crm-1/activity").json()["data"][0]["type"] == "customer.created"
    counts = api.post("/v1/customers/crm-1/permanent-deletion").json()["data_json"]
    assert (counts["events"], counts["customer"]) == (1, 1)
    assert api.get(f"/v1/customers/{made['id']}/activity").status_code == 404
