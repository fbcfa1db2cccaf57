from __future__ import annotations

import pytest

from config.webhooks import outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from customers.models import Customer
from tests.factories import NOW, make_customer, make_shop
from tracking.models import Event, EventCounter, EventName
from tracking.services import custom_events, event_schemas

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    shop = make_shop(client_side=("create_customer",))
    event_schemas.forget(shop.project)
    return shop


def test_an_event_of_a_new_customer_stores_both(shop):
    answer = shop.server().post(
        "/v1/events",
        {"event": "wishlist_saved", "customer": {"source_id": "crm-1", "name": "Nora"}, "metadata": {"items": 3}},
    )
    customer = Customer.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "object": "event",
        "type": "wishlist_saved",
        "customer": {
            "id": customer.public_id, "source_id": "crm-1", "name": "Nora", "email": None, "metadata": {},
            "object": "customer",
        },
        "referral": None,
        "loyalty": None,
        "metadata": {"items": 3},
    }  # fmt: skip
    event = Event.objects.get(type="customer.custom_event")
    assert (event.name, event.customer_id, event.category) == ("wishlist_saved", customer.pk, "ACTION")
    assert event.data["event"]["metadata"] == {"items": 3}
    assert event.data["event"]["id"].startswith("event_")
    assert event.source["channel"] == "API"
    assert EventCounter.objects.values_list("customer_id", "name", "count").get() == (customer.pk, "wishlist_saved", 1)


def test_a_second_event_counts_and_makes_nobody(shop):
    for _ in range(2):
        shop.server().post("/v1/events", {"event": "seen", "customer": {"source_id": "crm-1"}})
    assert Customer.objects.count() == 1
    assert EventCounter.objects.get().count == 2
    assert EventName.objects.values_list("name", "from_client").get() == ("seen", False)


def test_the_activity_of_the_customer_shows_it(shop):
    made = shop.server().post("/v1/events", {"event": "seen", "customer": {"source_id": "crm-1"}}).json()
    rows = (
        shop.server().get(f"/v1/customers/{made['customer']['id']}/activity?type=customer.custom_event").json()["data"]
    )
    assert [row["data"]["event"]["type"] for row in rows] == ["seen"]
    assert rows[0]["data"]["event_schema"] is None


@pytest.mark.parametrize(
    ("body", "status", "key", "part"),
    [
        ({"customer": {}}, 400, "invalid_payload", "'event'"),
        ({"event": 5}, 400, "invalid_payload", ".event should be string"),
        ({"event": ""}, 400, "invalid_payload", ".event"),
        ({"event": "x" * 301}, 400, "invalid_payload", ".event"),
        ({"event": "a\x00b"}, 400, "invalid_payload", ""),
        ({"event": "seen", "customer": "crm-1"}, 400, "invalid_payload", ".customer should be object"),
        ({"event": "seen", "customer": {"source_id": 5}}, 400, "invalid_payload", ".customer.source_id"),
        (
            {"event": "seen", "customer": {"id": "cust_unknown"}},
            404,
            "not_found",
            "Cannot find customer with id cust_unknown",
        ),
        ({"event": "seen", "referral": {}}, 400, "invalid_payload", ".referral should have required property 'code'"),
        ({"event": "seen", "referral": 5}, 400, "invalid_payload", ".referral should be object"),
        ({"event": "seen", "loyalty": {"code": "UNKNOWN"}}, 404, "not_found", "Cannot find voucher with id UNKNOWN"),
        ({"event": "seen", "metadata": []}, 400, "invalid_payload", ".metadata"),
        ({"event": "seen", "tracking_id": 7}, 400, "invalid_payload", ".tracking_id"),
    ],
)
def test_a_wrong_event_is_refused_and_changes_nothing(shop, body, status, key, part):
    answer = shop.server().post("/v1/events", {"customer": {"source_id": "crm-1"}} | body)
    assert (answer.status_code, answer.json()["key"]) == (status, key)
    assert part in answer.json()["details"]
    assert not Customer.objects.exists()
    assert not Event.objects.exists()
    assert not EventName.objects.exists()


def test_a_code_of_a_referral_is_taken_where_somebody_keeps_it(shop, monkeypatch):
    monkeypatch.setattr(custom_events, "known_codes", [lambda project, code: code == "FRIEND"])
    body = {"event": "invited", "customer": {"source_id": "crm-1"}, "referral": {"code": "FRIEND"}}
    answer = shop.server().post("/v1/events", body)
    assert (answer.status_code, answer.json()["referral"]) == (200, None)


def test_the_schema_of_an_event_is_kept(shop):
    address = f"/management/v1/projects/{shop.project.public_id}/custom-event-schemas"
    body = {"name": "review", "schema": {"properties": {"stars": {"type": "number", "optional": False}}}}
    schema = shop.management().post(address, body).json()
    assert schema["object"] == "custom-event-schema"
    event = {"event": "review", "customer": {"source_id": "crm-1"}}
    for metadata in ({}, {"stars": "five"}):
        answer = shop.server().post("/v1/events", event | {"metadata": metadata})
        assert (answer.status_code, answer.json()["key"]) == (400, "metadata_validation_failed")
        assert "stars" in answer.json()["details"]
    assert shop.server().post("/v1/events", event | {"metadata": {"stars": 5}}).status_code == 200
    assert Event.objects.get(type="customer.custom_event").data["event_schema"] == {
        "id": schema["id"],
        "name": "review",
    }


def test_a_strict_project_takes_defined_events_only(shop):
    type(shop.project).objects.filter(pk=shop.project.pk).update(strict_event_names=True)
    answer = shop.server().post("/v1/events", {"event": "odd", "customer": {"source_id": "crm-1"}})
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert "'odd' is not defined" in answer.json()["details"]


def test_schemas_are_listed_changed_and_removed(shop):
    address = f"/management/v1/projects/{shop.project.public_id}/custom-event-schemas"
    one = shop.management().post(address, {"name": "a", "schema": {"properties": {"n": {"type": "number"}}}}).json()
    again = shop.management().post(address, {"name": "a", "schema": {"properties": {}}})
    assert (again.status_code, again.json()["key"]) == (409, "duplicate_found")
    assert again.json()["details"] == "Duplicated custom_event_schema exists with name a"
    changed = (
        shop.management()
        .put(f"{address}/{one['id']}", {"schema": {"properties": {"m": {"type": "date", "deleted": True}}}})
        .json()
    )
    assert changed["schema"]["properties"] == {
        "n": {"type": "number", "optional": True},
        "m": {"type": "date", "optional": True, "deleted": True},
    }
    assert shop.management().get(address).json()["data"] == [changed]
    assert shop.management().delete(f"{address}/{one['id']}").status_code == 204
    assert shop.management().get(f"{address}/{one['id']}").status_code == 404


@pytest.mark.parametrize(
    "schema",
    [None, [], {}, {"properties": []}, {"properties": {"a": 1}}, {"properties": {"a": {"type": "object"}}},
     {"properties": {"a": {"type": "string", "optional": "no"}}}, {"properties": {"": {"type": "string"}}}],
)  # fmt: skip
def test_a_wrong_schema_is_refused(shop, schema):
    address = f"/management/v1/projects/{shop.project.public_id}/custom-event-schemas"
    answer = shop.management().post(address, {"name": "a", "schema": schema})
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")


def test_a_browser_without_identity_gets_an_anonymous_profile_and_keeps_it_by_its_cookie(shop):
    browser = shop.browser()
    first = browser.post("/client/v1/events", {"event": "seen", "customer": {}})
    assert first.status_code == 200
    again = browser.post("/client/v1/events", {"event": "seen"})
    assert again.json()["customer"]["id"] == first.json()["customer"]["id"]
    assert Customer.objects.get().source_id.startswith("track_")


def test_a_browser_is_shown_only_what_it_sent_and_changes_nobody(shop):
    known = make_customer(project=shop.project, source_id="crm-1", name="Nora", email="n@shop.example")
    answer = shop.browser().post(
        "/client/v1/events", {"event": "seen", "customer": {"source_id": "crm-1", "name": "Mallory"}}
    )
    assert answer.json()["customer"] == {
        "id": known.public_id, "source_id": "crm-1", "name": "Mallory", "email": None, "metadata": {},
        "object": "customer",
    }  # fmt: skip
    known.refresh_from_db()
    assert known.name == "Nora"


def test_a_browser_may_keep_sixteen_kilobytes_and_no_codes(shop):
    big = shop.browser().post("/client/v1/events", {"event": "seen", "metadata": {"a": "x" * 17_000}})
    assert (big.status_code, big.json()["key"]) == (400, "invalid_payload")
    code = shop.browser().post("/client/v1/events", {"event": "seen", "referral": {"code": "A"}})
    assert code.status_code == 403
    assert not Event.objects.exists()


def test_browsers_cannot_make_up_names_for_ever(shop, monkeypatch):
    monkeypatch.setattr(event_schemas, "MOST_CLIENT_NAMES", 2)
    answers = [shop.browser().post("/client/v1/events", {"event": f"e{n}"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert answers[2].json()["key"] == "limit_exceeded"
    assert shop.server().post("/v1/events", {"event": "e9", "customer": {"source_id": "a"}}).status_code == 200


def test_the_switch_turns_events_off(shop):
    type(shop.project).objects.filter(pk=shop.project.pk).update(client_events_enabled=False)
    assert shop.browser().post("/client/v1/events", {"event": "seen"}).status_code == 403


def test_a_webhook_is_told_under_the_id_of_the_activity(shop):
    webhooks.create(
        project=shop.project, body={"target_url": "https://a.example/", "events": ["customer.custom_event"]}, at=NOW
    )
    outbox.forget_everything()
    shop.server().post("/v1/events", {"event": "seen", "customer": {"source_id": "crm-1"}})
    delivery, event = Delivery.objects.get(), Event.objects.get(type="customer.custom_event")
    assert (delivery.event_id, delivery.type, delivery.customer_id) == (
        event.public_id, "customer.custom_event", event.customer_id,
    )  # fmt: skip


def test_a_page_stores_a_profile_where_that_is_allowed(shop):
    answer = shop.browser().post("/client/v1/customers", {"source_id": "crm-7", "name": "Ida", "metadata": {"a": 1}})
    assert answer.status_code == 200
    assert answer.json()["tracking_id"].startswith("track_")
    assert Customer.objects.values_list("source_id", "name", "metadata").get() == ("crm-7", "Ida", {"a": 1})
    again = shop.browser().post("/client/v1/customers", {"source_id": "crm-7", "name": "Mallory"})
    assert again.json()["id"] == answer.json()["id"]
    assert Customer.objects.get().name == "Ida"
    assert make_shop("Other").browser().post("/client/v1/customers", {"source_id": "crm-8"}).status_code == 403


def test_a_repeated_key_records_one_event(shop):
    body = {"event": "seen", "customer": {"source_id": "crm-1"}}
    answers = [shop.server().post("/v1/events", body, HTTP_IDEMPOTENCY_KEY="one").content for _ in range(2)]
    assert answers[0] == answers[1]
    assert EventCounter.objects.get().count == 1
    other = shop.server().post("/v1/events", body | {"event": "left"}, HTTP_IDEMPOTENCY_KEY="one")
    assert (other.status_code, other.json()["key"]) == (409, "idempotency_key_reused")
