"""`/v1/segments` as a client meets it: shapes, refusals, permissions."""

import json

import pytest

from segments import services
from segments.models import Membership, Segment
from tests.factories import NOW, make_customer, make_rule, make_segment, make_shop
from tests.segments.test_services import BERLIN, condition

pytestmark = pytest.mark.django_db

SMALL = {
    "name": "Regulars to be",
    "metadata": {"owner": "crm"},
    "filter": {
        "junction": "and",
        "email": {"conditions": {"$ends_with": [".example"]}},
        "address.city": {"conditions": {"$is": ["Berlin"]}},
        "summary.redemptions.total_succeeded": {"conditions": {"$less_than": [5]}},
    },
    "customers": None,
}
LARGE_FILTER = """{"junction":"and",
  "name":{"conditions":{"$has_value":true}},
  "email":{"conditions":{"$ends_with":[".example"]}},
  "phone":{"conditions":{"$starts_with":["49"]}},
  "created_at":{"conditions":{"$before":["2026-09-01T00:00:00.000Z"]}},
  "address.postal_code":{"conditions":{"$is_not":["10115"]}},
  "address.city":{"conditions":{"$is":["Berlin"]}},
  "address.country":{"conditions":{"$is_unknown":true}},
  "source_id":{"conditions":{"$starts_with":["crm-"]}},
  "system_metadata.source":{"conditions":{"$is":["web_widget"]}},
  "system_metadata.web_widget.widgets":{"conditions":{"$is":["general"]}},
  "metadata.pick_up_date":{"conditions":{"$is_not":["7 pm"]}},
  "events.cart_abandoned.count":{"conditions":{"$is":["1"]}},
  "summary.orders.total_amount":{"conditions":{"$more_than":[30000]}},
  "summary.orders.total_count":{"conditions":{"$more_than":[2]}},
  "summary.orders.last_order_date":{"conditions":{"$less_than":[30]}},
  "summary.orders.last_order_amount":{"conditions":{"$more_than":[4000]}},
  "summary.redemptions.total_succeeded":{"conditions":{"$is":[3]}},
  "summary.redemptions.gift.redeemed_amount":{"conditions":{"$has_value":true}},
  "loyalty.referred_customers":{"conditions":{"$more_than":[0]}}}"""


@pytest.fixture
def shop():
    return make_shop()


def post(shop, body):
    return shop.server().post("/v1/segments", body)


def members(shop, segment_id):
    answer = shop.server().get("/v1/customers", {"segment_id": segment_id}).json()
    return sorted(customer["source_id"] for customer in answer["customers"])


def test_a_filter_without_a_type_makes_an_auto_update_segment(shop):
    answer = post(shop, {"name": "Berlin customers", "metadata": {}, "filter": BERLIN})
    body = answer.json()
    assert answer.status_code == 200
    assert body == {
        "id": body["id"],
        "name": "Berlin customers",
        "created_at": body["created_at"],
        "updated_at": None,
        "metadata": {},
        "filter": BERLIN,
        "customers": None,
        "type": "auto-update",
        "initial_sync_status": "IN_PROGRESS",
        "object": "segment",
    }
    assert body["id"].startswith("seg_")
    make_customer(project=shop.project, source_id="in", address={"city": "Berlin"})
    make_customer(project=shop.project, source_id="out", address={"city": "Bonn"})
    assert members(shop, body["id"]) == ["in"]


def test_three_fields_must_all_hold(shop):
    body = post(shop, SMALL).json()
    assert (body["type"], body["metadata"]) == ("auto-update", {"owner": "crm"})
    common = {"project": shop.project, "address": {"city": "Berlin"}}
    make_customer(source_id="in", email="a@shop.example", redemptions_succeeded=4, **common)
    make_customer(source_id="new", email="b@SHOP.EXAMPLE", **common)
    make_customer(source_id="often", email="c@shop.example", redemptions_succeeded=5, **common)
    make_customer(source_id="silent", **common)
    assert members(shop, body["id"]) == ["in", "new"]


def test_the_filter_with_nineteen_conditions_is_stored_verbatim_and_answered(shop):
    filter = json.loads(LARGE_FILTER)
    body = post(
        shop, {"name": "Worked example", "metadata": {}, "customers": None, "type": "auto-update", "filter": filter}
    )
    assert body.status_code == 200
    compact = json.dumps(filter, separators=(",", ":"))
    assert f'"filter":{compact},' in body.content.decode()
    segment_id = body.json()["id"]
    assert f'"filter":{compact},' in shop.server().get(f"/v1/segments/{segment_id}").content.decode()
    assert members(shop, segment_id) == []


def test_the_object_may_be_posted_back_as_it_is(shop):
    first = post(shop, {"name": "Berlin customers", "filter": BERLIN}).json()
    again = post(shop, first)
    assert again.status_code == 200
    assert {**again.json(), "id": 0, "created_at": 0} == {**first, "id": 0, "created_at": 0}


def test_a_static_segment_takes_ids_and_source_ids(shop):
    ann = make_customer(project=shop.project, source_id="a")
    make_customer(project=shop.project, source_id="b")
    answer = post(shop, {"name": "VIPs", "type": "static", "customers": [ann.public_id, "b"]})
    body = answer.json()
    assert (answer.status_code, body["type"], body["filter"], body["customers"]) == (200, "static", None, None)
    assert members(shop, body["id"]) == ["a", "b"]
    assert post(shop, {"name": "Guessed", "customers": ["a"]}).json()["type"] == "static"


def test_a_posted_passive_segment_is_passive_and_any_case_of_junction_is_kept(shop):
    filter = {**BERLIN, "junction": "AND"}
    body = post(shop, {"name": "Berlin", "type": "passive", "filter": filter}).json()
    assert (body["type"], body["filter"]) == ("passive", filter)


JUNCTION = "Property .filter has wrong `junction` property. It must be one of: and, or, none"
NO_FILTER = "'AUTO_UPDATE' segment must contain valid filter with 'junction' property"


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, "The payload cannot be empty"),
        ([], "Payload should be object"),
        ({"filter": BERLIN}, "Payload should have required property 'name'"),
        ({"name": 5, "filter": BERLIN}, "Property .name should be string"),
        (
            {"name": "S", "type": "dynamic", "filter": BERLIN},
            "Property .type should be equal to one of the allowed values [ static, auto-update, passive ]",
        ),
        ({"name": "S", "type": ["static"], "customers": []}, None),
        ({"name": "S"}, "Payload should have either property 'filter' or property 'customers'"),
        (
            {"name": "S", "filter": BERLIN, "customers": ["a"]},
            "Payload should have either property 'filter' or property 'customers'",
        ),
        ({"name": "S", "type": "static"}, "Payload should have required property 'customers'"),
        ({"name": "S", "customers": "a"}, "Property .customers should be array"),
        ({"name": "S", "customers": [{"id": "a"}]}, "Property .customers[0] should be string"),
        ({"name": "S", "type": "auto-update"}, NO_FILTER),
        ({"name": "S", "filter": {"junction": "and"}}, NO_FILTER),
        (
            {"name": "S", "type": "passive", "filter": {"junction": "and"}},
            NO_FILTER.replace("AUTO_UPDATE", "PASSIVE"),
        ),
        ({"name": "S", "filter": {"name": {"conditions": {"$is": "a"}}}}, JUNCTION),
        ({"name": "S", "filter": []}, "Property .filter should be object"),
        (
            {"name": "S", "filter": condition("shoe_size", more_than=5)},
            "Property .filter has unknown field `shoe_size`",
        ),
        ({"name": "S", "filter": BERLIN, "metadata": []}, "Property .metadata should be object"),
    ],
)
def test_refusals(shop, body, details):
    answer = post(shop, body)
    assert answer.status_code == 400
    assert answer.json()["key"] == "invalid_payload"
    assert details is None or answer.json()["details"] == details
    assert Segment.objects.count() == 0


def test_an_unknown_operator_gets_the_wires_list_and_its_place(shop):
    answer = post(shop, {"name": "S", "filter": {**BERLIN, "name": {"conditions": {"$equals": ["a"]}}}}).json()
    assert answer["details"].startswith(
        "Property .filter should match either `filters[${field}][conditions][${condition}][${index}]` or "
    )
    assert answer["details"].endswith("$redeemed, $redeemable (found at .filter.name.conditions.$equals)")


def test_an_unknown_customer_is_a_404_and_nothing_is_stored(shop):
    make_customer(project=shop.project, source_id="a")
    answer = post(shop, {"name": "S", "customers": ["a", "crm-404"]})
    assert answer.status_code == 404
    body = answer.json()
    assert (body["key"], body["resource_type"], body["resource_id"]) == ("not_found", "customer", "crm-404")
    assert Segment.objects.count() == Membership.objects.count() == 0


def test_unknown_segments_are_404(shop):
    for answer in (
        shop.server().get("/v1/segments/seg_X"),
        shop.server().delete("/v1/segments/seg_X"),
        shop.server().get("/v1/customers?segment_id=seg_X"),
    ):
        body = answer.json()
        assert answer.status_code == body["code"] == 404
        assert (body["details"], body["resource_type"]) == ("Cannot find segment with id seg_X", "segment")


def test_lists_are_pages_newest_first(shop):
    rows = [make_segment(project=shop.project, name=f"S{n}", created_at=NOW.replace(day=n + 1)) for n in range(3)]
    make_segment(project=make_shop("Other").project)

    def names(query=""):
        answer = shop.server().get(f"/v1/segments{query}").json()
        assert (answer["object"], answer["data_ref"]) == ("list", "data")
        return [row["name"] for row in answer["data"]], answer["total"]

    assert names() == (["S2", "S1", "S0"], 3)
    assert names("?limit=1&page=2&order=created_at") == (["S1"], 3)
    assert names(f"?ids[0]={rows[0].public_id}&ids[1]={rows[2].public_id}") == (["S2", "S0"], 2)
    assert names("?filters[name][conditions][$is]=S1") == (["S1"], 1)
    assert names(
        "?filters[name][conditions][$in][0]=S1&filters[type][conditions][$is]=static&filters[junction]=or"
    ) == (*(["S1"], 1),)
    assert names("?filters[created_at][conditions][$before]=2026-02-02T10:00:00.000Z") == (["S0"], 1)
    assert names("?[filters][type][conditions][$is]=passive")[1] == 3
    assert names("?start_date=2026-02-02&end_date=2026-02-03") == (["S1"], 1)


@pytest.mark.parametrize(
    "query", ["order=name", "limit=0", "filters[x][conditions][$is]=1", "filters[name][conditions][$x]=1", "filters=1"]
)
def test_wrong_queries_are_refused(shop, query):
    answer = shop.server().get(f"/v1/segments?{query}")
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_query_params")


def test_customers_are_listed_by_the_same_language(shop):
    segment = make_segment(project=shop.project)
    for source_id, city in (("a", "Berlin"), ("b", "Bonn"), ("c", None)):
        make_customer(project=shop.project, source_id=source_id, address=city and {"city": city}, metadata={"n": 5})

    def found(query):
        answer = shop.server().get(f"/v1/customers?{query}&order=source_id").json()
        return [customer["source_id"] for customer in answer["customers"]]

    assert found("filters[address.city][conditions][$is_not]=Berlin") == ["b", "c"]
    assert found("filters[address.city][conditions][$has_value]=") == ["a", "b"]
    assert found("filters[metadata.n][conditions][$more_than]=4") == ["a", "b", "c"]
    assert found(f"filters[segment_id][conditions][$is]={segment.public_id}") == ["a"]
    assert found(f"filters[segments][conditions][$is_not]={segment.public_id}&city=Bonn") == ["b"]
    unknown = shop.server().get("/v1/customers?filters[segments][conditions][$is]=seg_X")
    assert (unknown.status_code, unknown.json()["resource_type"]) == (404, "segment")


def test_texts_meet_in_whatever_form_they_were_typed(shop):
    decomposed, composed = "Ko\u0308ln", "K\u00f6ln"
    for source_id, city in (("a", decomposed), ("b", composed)):
        body = {"source_id": source_id, "address": {"city": city}, "metadata": {city: [city]}}
        assert shop.server().post("/v1/customers", body).status_code == 200
    for city in (decomposed, composed):
        for field in ("address.city", f"metadata.{city}"):
            segment_id = post(shop, {"name": city, "filter": condition(field, **{"is": [city]})}).json()["id"]
            assert members(shop, segment_id) == ["a", "b"]


def test_a_customers_segments(shop):
    segment = make_segment(project=shop.project, name="Berlin")
    other = make_segment(
        project=shop.project, name="Elsewhere", definition=json.dumps(condition("address.city", is_not=["Berlin"]))
    )
    make_customer(project=shop.project, source_id="a/b", address={"city": "Berlin"})

    def segments(identifier):
        return shop.server().get(f"/v1/customers/{identifier}/segments").json()

    assert segments("a%2Fb") == {
        "object": "list",
        "data_ref": "data",
        "data": [{"id": segment.public_id, "name": "Berlin", "object": "segment"}],
        "total": 1,
    }
    assert segments("nobody")["data"] == [{"id": other.public_id, "name": "Elsewhere", "object": "segment"}]


def test_delete(shop):
    segment = make_segment(project=shop.project)
    rule = make_rule(project=shop.project, segment_ids=[segment.public_id])
    refused = shop.server().delete(f"/v1/segments/{segment.public_id}")
    assert (refused.status_code, refused.json()["key"]) == (400, "resource_in_use")
    assert rule.public_id in refused.json()["details"]
    rule.delete()
    answer = shop.server().delete(f"/v1/segments/{segment.public_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert Segment.objects.count() == 0


def test_another_projects_keys_see_nothing(shop):
    segment = make_segment(project=shop.project)
    other = make_shop("Other").server()
    assert other.get("/v1/segments").json()["total"] == 0
    assert other.get(f"/v1/segments/{segment.public_id}").status_code == 404
    assert other.delete(f"/v1/segments/{segment.public_id}").status_code == 404
    assert other.get(f"/v1/customers?segment_id={segment.public_id}").status_code == 404
    assert Segment.objects.count() == 1


def test_the_birthday_example(shop):
    """The contract's small example: level or spending or a birthday next month."""
    filter = {
        "junction": "or",
        "metadata.club_level": {"conditions": {"$in": ["Gold", "Silver"]}},
        "summary.orders.total_amount": {"conditions": {"$more_than": [40000]}},
        "birthdate": {"conditions": {"$next_month": [True]}},
    }
    segment_id = post(shop, {"name": "Gold nearby", "type": "passive", "filter": filter}).json()["id"]
    make_customer(project=shop.project, source_id="A", metadata={"club_level": "Gold"})
    make_customer(project=shop.project, source_id="B", orders_total_amount=40000, orders_total_count=2)
    make_customer(project=shop.project, source_id="C", metadata={"club_level": ["Basic", "Silver"]})
    assert members(shop, segment_id) == ["A", "C"]


def test_a_segment_s_activities_tell_what_was_done_to_it(shop):
    made = post(shop, {"name": "B", "type": "passive", "filter": BERLIN}).json()
    post(shop, {"name": "other", "type": "passive", "filter": BERLIN})
    segment = Segment.objects.get(public_id=made["id"])
    services.update(segment=segment, at=NOW, version=1, name="C")
    filter = {"junction": "and", "name": {"conditions": {"$has_value": True}}}
    services.update(segment=segment, at=NOW, version=2, filter=filter)
    path = f"/v1/segments/{made['id']}/activities"
    body = shop.server().get(path, {"order": "created_at"}).json()
    found = [(event["type"], event["data"]["segment"]["name"]) for event in body["data"]]
    assert sorted(found) == [("segment.created", "B"), ("segment.filters_updated", "C"), ("segment.updated", "C")]
    [changed] = shop.server().get(path, {"type": "segment.filters_updated"}).json()["data"]
    assert (changed["data"]["previous"]["filter"], changed["data"]["segment"]["filter"]) == (BERLIN, filter)
    assert changed["data"]["event_source"] == {"channel": "API"}
    page = shop.server().get(path, {"limit": 2}).json()
    assert (len(page["data"]), page["has_more"]) == (2, True)
    assert shop.server().get("/v1/segments/seg_x/activities").status_code == 404
