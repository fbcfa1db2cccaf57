"""`/v1/publications`: codes handed to customers, and every refusal with its record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.exports import services as exports
from customers import services as customers
from customers.models import Customer
from tests.factories import NOW, CampaignFactory, Shop, make_customer, make_shop, make_voucher
from tests.jobs import run_queued
from tracking.models import Event
from vouchers.models import Campaign, Publication, Voucher

pytestmark = pytest.mark.django_db
TEMPLATE = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 700}}
ADA = {"source_id": "ada", "name": "Ada", "email": "ada@shop.example"}


@pytest.fixture
def shop() -> Shop:
    return make_shop(client_side=("all",))


def campaign(shop: Shop, codes: int = 0, **fields: Any) -> Campaign:
    row: Campaign = CampaignFactory.create(
        project=shop.project, name="Camp", voucher=TEMPLATE, vouchers_count=codes, **fields
    )
    for number in range(codes):
        make_voucher(project=shop.project, campaign=row, code=f"C-{number}")
    return row


def publish(shop: Shop, query: str = "", **body: Any) -> Any:
    return shop.server().post(f"/v1/publications{query}", {"customer": ADA, **body})


def test_a_code_goes_to_a_customer_who_is_made_on_the_way(shop: Shop) -> None:
    row = campaign(shop, codes=2)
    response = publish(shop, campaign={"name": "Camp"})
    assert response.status_code == 200, response.json()
    wire = response.json()
    customer = Customer.objects.get()
    voucher = Voucher.objects.get(code="C-0")
    shown = wire.pop("voucher")
    assert wire == {
        "id": wire["id"],
        "object": "publication",
        "created_at": wire["created_at"],
        "customer_id": customer.public_id,
        "tracking_id": "ada",
        "metadata": {},
        "channel": "API",
        "source_id": None,
        "result": "SUCCESS",
        "customer": {
            "id": customer.public_id,
            "name": "Ada",
            "email": "ada@shop.example",
            "source_id": "ada",
            "metadata": {},
            "object": "customer",
        },
        "vouchers_id": [voucher.public_id],
    }
    assert wire["id"].startswith("pub_")
    assert (shown["code"], shown["holder_id"], shown["publish"]["count"]) == ("C-0", customer.public_id, 1)
    assert shown["campaign_id"] == row.public_id
    assert shown["updated_at"] == wire["created_at"]
    assert "validation_rules_assignments" not in shown
    wallet = shop.server().get("/v1/customers/ada/redeemables").json()
    assert [item["redeemable_id"] for item in wallet["data"]] == [voucher.public_id]
    assert wallet["data"][0]["created_at"] == wire["created_at"]
    event = Event.objects.get(type="customer.publication.succeeded")
    assert (event.customer_id, event.campaign_id) == (customer.pk, row.pk)
    assert event.data["publication"]["id"] == wire["id"]


def test_several_codes_are_answered_as_codes(shop: Shop) -> None:
    campaign(shop, codes=3)
    wire = publish(shop, campaign={"name": "Camp", "count": "3"}, channel="till", metadata={"a": 1}).json()
    assert (wire["vouchers"], wire["channel"], wire["metadata"]) == (["C-0", "C-1", "C-2"], "till", {"a": 1})
    assert len(wire["vouchers_id"]) == 3
    assert "voucher" not in wire
    assert Voucher.objects.filter(publish_count=1, holder__source_id="ada").count() == 3


def test_a_given_code_goes_once(shop: Shop) -> None:
    make_voucher(project=shop.project, code="ONE")
    wire = publish(shop, voucher="ONE", campaign="nobody asks").json()
    assert wire["voucher"]["code"] == "ONE"
    voucher = Voucher.objects.get()
    for customer in (ADA, {"source_id": "bob"}):
        again = publish(shop, voucher=voucher.public_id, customer=customer)
        assert (again.status_code, again.json()["key"]) == (400, "voucher_already_published")
        assert again.json()["message"] == "Voucher already published"
        assert again.json()["details"] == f"Voucher '{voucher.public_id}' has already been published"
    voucher.refresh_from_db()
    assert (voucher.publish_count, Customer.objects.count()) == (1, 1)
    failures = Publication.objects.filter(result="FAILURE").order_by("pk")
    assert [(row.failure_code, row.customer_id is None) for row in failures] == [
        ("voucher_already_published", False),
        ("voucher_already_published", True),
    ]


def test_a_campaign_that_updates_itself_makes_codes_and_a_static_one_does_not(shop: Shop) -> None:
    row = campaign(shop, codes=1, type="AUTO_UPDATE")
    wire = publish(shop, campaign={"name": row.public_id, "count": 3}).json()
    assert wire["vouchers"][0] == "C-0"
    row.refresh_from_db()
    assert (row.vouchers_count, Voucher.objects.count()) == (3, 3)
    Campaign.objects.update(type="STATIC")
    refused = publish(shop, campaign="Camp")
    assert (refused.status_code, refused.json()["key"]) == (400, "no_voucher_suitable_for_publication")
    assert refused.json()["details"] == "Couldn't create new vouchers for publication"
    assert Voucher.objects.count() == 3


def test_disabled_used_up_and_binned_codes_are_passed_over(shop: Shop) -> None:
    row = campaign(shop)
    for number, fields in enumerate(({"active": False}, {"quantity": 1, "redeemed_quantity": 1}, {"deleted_at": NOW})):
        make_voucher(project=shop.project, campaign=row, code=f"X-{number}", **fields)
    make_voucher(project=shop.project, campaign=row, code="GOOD")
    assert publish(shop, campaign="Camp").json()["voucher"]["code"] == "GOOD"
    assert publish(shop, voucher="X-0").json()["details"] == "Voucher cannot be published. Voucher is disabled."


def test_joining_once(shop: Shop) -> None:
    campaign(shop, codes=4, join_once=True)
    first = publish(shop, campaign="Camp").json()
    again = publish(shop, campaign="Camp")
    assert (again.status_code, again.json()["key"]) == (400, "voucher_cannot_be_published")
    assert again.json()["details"] == "Voucher cannot be published. Customer already joined program."
    asked = publish(shop, "?join_once=true", campaign="Camp").json()
    assert (asked["id"], asked["voucher"]["code"]) == (first["id"], "C-0")
    assert asked["voucher"]["publish"]["count"] == 1
    assert Publication.objects.filter(result="SUCCESS").count() == 1
    assert publish(shop, "?join_once=false", campaign="Camp").json()["voucher"]["code"] == "C-1"
    many = publish(shop, campaign={"name": "Camp", "count": 2})
    assert (many.json()["key"], many.json()["details"]) == (
        *("too_many_vouchers_requested", "Only up to 1 can be published"),
    )
    bob = publish(shop, campaign="Camp", customer={"source_id": "bob"}).json()
    assert bob["voucher"]["code"] == "C-2"
    assert publish(shop, "?join_once=x", campaign="Camp").status_code == 400


def test_a_source_id_comes_once(shop: Shop) -> None:
    campaign(shop, codes=3)
    first = publish(shop, campaign="Camp", source_id="p-1").json()
    again = publish(shop, campaign="Camp", source_id="p-1", customer={"source_id": "bob"})
    assert (again.status_code, again.json()["key"]) == (400, "duplicate_source_id")
    assert again.json()["details"] == "Publication with source_id: 'p-1' already exists"
    found = shop.server().get("/v1/publications", {"source_id": "p-1"}).json()
    assert [row["id"] for row in found["publications"]] == [first["id"]]
    many = publish(shop, campaign={"name": "Camp", "count": 2}, source_id="p-2")
    assert many.json()["key"] == "too_many_vouchers_requested"
    assert not Customer.objects.filter(source_id="bob").exists()
    assert Publication.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "key", "details"),
    [
        ({}, 400, "missing_vouchers", "Either Campaign or Voucher is required"),
        ({"campaign": {}}, 400, "invalid_payload", "Property .campaign should have required property 'name'"),
        ({"campaign": {"name": "A", "count": 51}}, 400, "invalid_payload",
         "Property .campaign.count should be between 1 and 50"),
        ({"campaign": {"name": "A", "count": True}}, 400, "invalid_payload",
         "Property .campaign.count should be integer"),
        ({"campaign": 5}, 400, "invalid_payload", "Property .campaign should be object"),
        ({"voucher": 5}, 400, "invalid_payload", "Property .voucher should be string"),
        ({"voucher": "A", "customer": None}, 400, "invalid_payload",
         "Payload should have required property 'customer'"),
        ({"voucher": "A", "customer": {}}, 400, "invalid_publish_params", "Property .customer should say who it is"),
        ({"voucher": "A", "customer": {"id": "cust_x"}}, 404, "not_found", "Cannot find customer with id cust_x"),
        ({"voucher": "A"}, 404, "not_found", "Cannot find voucher with id A"),
        ({"campaign": "A"}, 404, "not_found", "Cannot find campaign with id A"),
        ({"voucher": "A", "metadata": []}, 400, "invalid_payload", "Property .metadata should be object"),
        ({"voucher": "A" * 501}, 400, "invalid_payload", "Property .voucher cannot be longer than 500 characters"),
    ],
)  # fmt: skip
def test_a_bad_publication_changes_nothing(shop: Shop, body: Any, status: int, key: str, details: str) -> None:
    response = publish(shop, **body)
    assert (response.status_code, response.json()["key"], response.json()["details"]) == (status, key, details)
    assert not Publication.objects.exists()
    assert not Customer.objects.exists()


def test_somebody_without_a_source_id_becomes_a_new_customer(shop: Shop) -> None:
    campaign(shop, codes=1)
    wire = publish(shop, campaign="Camp", customer={"email": "x@shop.example"}).json()
    assert wire["customer"]["source_id"] is None
    assert "tracking_id" not in wire


def test_publishing_by_a_query(shop: Shop) -> None:
    campaign(shop, codes=2)
    server = shop.server()
    query = {"campaign[name]": "Camp", "customer[source_id]": "ada", "metadata[k]": "v", "source_id": "p"}
    wire = server.get("/v1/publications/create", query).json()
    assert (wire["voucher"]["code"], wire["metadata"], wire["source_id"]) == ("C-0", {"k": "v"}, "p")
    missing = server.get("/v1/publications/create", {"voucher": "C-1"})
    assert (missing.json()["key"], missing.json()["details"]) == (
        *("invalid_query_params", "Query should have required property 'customer'"),
    )


def test_a_browser_publishes_where_the_project_lets_it(shop: Shop) -> None:
    campaign(shop, codes=2)
    make_customer(project=shop.project, source_id="bob", name="Secret", metadata={"x": "Secret"})
    wire = shop.browser().post("/client/v1/publish", {"campaign": "Camp", "customer": {"source_id": "bob"}})
    assert wire.status_code == 200
    assert "Secret" not in wire.content.decode()
    assert wire.json()["customer"]["source_id"] == "bob"
    closed = make_shop("Closed")
    assert closed.browser().post("/client/v1/publish", {}).status_code == 403


def test_the_older_path_answers_the_voucher(shop: Shop) -> None:
    campaign(shop, codes=1)
    wire = shop.server().post("/v1/vouchers/publish", {"campaign": "Camp", "customer": "ada"}).json()
    assert (wire["code"], wire["publish"]["count"], wire["object"]) == ("C-0", 1, "voucher")
    assert Customer.objects.get().source_id == "ada"


def test_the_list_shows_both_outcomes_and_takes_as_many_queries_as_before(shop: Shop) -> None:
    row = campaign(shop, codes=4)
    first = publish(shop, campaign="Camp").json()
    several = publish(shop, campaign={"name": "Camp", "count": 2}, customer={"source_id": "bob"}).json()
    publish(shop, voucher="C-0")

    def listed(**query: Any) -> list[Any]:
        response = shop.server().get("/v1/publications", query)
        assert response.status_code == 200, response.json()
        return list(response.json()["publications"])

    failed, two, one = listed()
    assert (failed["result"], failed["failure_code"]) == ("FAILURE", "voucher_already_published")
    assert "voucher" not in failed
    assert two["vouchers"] == several["vouchers"]
    assert one["vouchers_id"] == first["vouchers_id"]
    assert one["voucher"] == {
        "code": "C-0",
        "campaign": "Camp",
        "discount": {"type": "PERCENT", "percent_off": 10},
        "is_referral_code": False,
        "object": "voucher",
    }
    assert [item["id"] for item in listed(result="SUCCESS", order="created_at")] == [first["id"], several["id"]]
    assert len(listed(customer="bob")) == 1
    assert len(listed(campaign="Camp")) == 2
    assert [item["id"] for item in listed(voucher="C-1")] == [several["id"]]
    assert len(listed(voucher_type="discount")) == 1
    assert len(listed(**{"filters[failure_code][conditions][$is]": "voucher_already_published"})) == 1
    assert listed(**{"filters[failure_code][conditions][$has_value]": ""}) == [failed]
    assert listed(**{"filters[failure_code][conditions][$is_unknown]": ""}) == [two, one]
    assert listed(order="-voucher_code") == [one, failed, two], "what names no single code comes last"
    assert len(listed(**{"filters[parent_object_id][conditions][$in][0]": row.public_id})) == 2
    assert listed(is_referral_code="true") == []
    for bad in ({"result": "x"}, {"order": "x"}, {"voucher_type": "x"}, {"is_referral_code": "false"}):
        assert shop.server().get("/v1/publications", bad).status_code == 400
    with CaptureQueriesContext(connection) as few:
        listed(limit=1)
    with CaptureQueriesContext(connection) as many:
        listed(limit=10)
    assert len(few) == len(many)


def test_the_holders_own_time_ends_after_the_publication(shop: Shop) -> None:
    campaign(shop, codes=1, activity_duration_after_publishing="P1D", expiration_date=NOW + timedelta(days=99999))
    publish(shop, campaign="Camp")
    asked = {"redeemables": [{"object": "voucher", "id": "C-0"}], "order": {"amount": 1000}}
    assert shop.server().post("/v1/validations", asked).json()["valid"] is True
    Voucher.objects.update(published_at=NOW - timedelta(days=400))
    entry = shop.server().post("/v1/validations", asked).json()["redeemables"][0]
    assert entry["result"]["error"]["key"] == "voucher_expired"


def test_publications_can_be_exported(shop: Shop, data_folder: Any) -> None:
    campaign(shop, codes=2)
    publish(shop, campaign={"name": "Camp", "count": 2})
    export = exports.start(
        project=shop.project,
        exported_object="publication",
        parameters={"fields": ["code", "customer_source_id", "channel", "campaign", "is_winner"]},
        at=NOW,
    )
    run_queued()
    address = shop.server().get(f"/v1/exports/{export.public_id}").json()["result"]["url"]
    content = b"".join(shop.server().get(address).streaming_content).decode()
    assert content.splitlines() == [
        "Voucher Code,Customer Source ID,Channel,Campaign,Is Winner",
        '"C-0,C-1",ada,API,Camp,',
    ]


def test_erasing_a_customer_leaves_the_code_and_not_the_person(shop: Shop) -> None:
    campaign(shop, codes=1)
    publish(shop, campaign="Camp", metadata={"note": "for Ada"}, source_id="ada-1234", channel="Ada")
    customers.erase(project=shop.project, identifier="ada", at=NOW)
    row = Publication.objects.get()
    assert (row.customer, row.tracking_id, row.metadata) == (None, None, {})
    assert row.codes == ["C-0"]
    assert Voucher.objects.get().holder is None


def test_a_voucher_lists_its_publications_where_its_own_address_of_them_leads(shop: Shop) -> None:
    row = campaign(shop, codes=2)
    published = publish(shop, campaign={"name": row.name}).json()
    code = published["voucher"]["code"]
    other = "C-1" if code == "C-0" else "C-0"
    answer = shop.server().get(f"/v1/vouchers/{code}/publications").json()
    assert answer == shop.server().get("/v1/publications").json()
    assert [item["id"] for item in answer["publications"]] == [published["id"]]
    assert shop.server().get(f"/v1/vouchers/{other}/publications").json()["publications"] == []
    assert shop.server().get("/v1/vouchers/NONE/publications").status_code == 404
    assert shop.server().post(f"/v1/vouchers/{code}/publications", {}).status_code == 405
