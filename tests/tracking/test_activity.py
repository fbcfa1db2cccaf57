"""A customer's activity on the wire: every filter, the cursor, and the deprecated spelling."""

from datetime import timedelta

import pytest

from config.kernel.instants import to_wire
from tests.factories import NOW, CampaignFactory, make_customer, make_shop
from tracking.services import events

pytestmark = pytest.mark.django_db
OTHER_KINDS = (
    ("customer.order.created", "ACTION", None),
    ("customer.segment.entered", "EFFECT", None),
    ("customer.redemption.succeeded", "ACTION", "campaign"),
)


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def ann(shop):
    """Three events, one an hour; the last is a campaign's."""
    customer = make_customer(project=shop.project, source_id="ann/1")
    campaign = CampaignFactory.create(project=shop.project, public_id="camp_known")
    for hour, (type_, category, is_of_campaign) in enumerate(OTHER_KINDS):
        events.record(
            project=shop.project,
            type=type_,
            at=NOW + timedelta(hours=hour),
            data={"order": {"items": [{"product_id": f"prod_{hour}"}]}, "customer": {"id": customer.public_id}},
            customer=customer,
            category=category,
            group_id="v-1" if hour else "",
            source={"channel": "API"} if hour else None,
            campaign=(campaign.pk, campaign.campaign_type) if is_of_campaign else None,
        )
    make_customer(project=shop.project, source_id="bob")
    return customer


def ask(shop, path="activity", who="ann%2F1", **query):
    return shop.server().get(f"/v1/customers/{who}/{path}", query)


def types(answer):
    assert answer.status_code == 200, answer.json()
    return [event["type"].removeprefix("customer.") for event in answer.json()["data"]]


def test_an_event_shows_its_keys_flat_beside_its_source(shop, ann):
    body = ask(shop, who=ann.public_id, type="customer.order.created").json()
    [event] = body.pop("data")
    assert body == {"object": "list", "data_ref": "data", "has_more": False}
    assert event == {
        "id": event["id"],
        "type": "customer.order.created",
        "data": {
            "order": {"items": [{"product_id": "prod_0"}]},
            "customer": {"id": ann.public_id},
            "event_source": {"channel": "INTERNAL"},
        },
        "created_at": to_wire(NOW),
        "group_id": None,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["redemption.succeeded", "segment.entered", "order.created"]),
        ({"order": "created_at"}, ["order.created", "segment.entered", "redemption.succeeded"]),
        ({"category": "EFFECT"}, ["segment.entered"]),
        ({"type": "customer.segment_entered"}, ["segment.entered"]),
        ({"type": "customer.nothing"}, []),
        ({"campaign_id": "camp_known"}, ["redemption.succeeded"]),
        ({"campaign_id": "camp_unknown"}, []),
        ({"campaign_type": "DISCOUNT_COUPONS"}, ["redemption.succeeded"]),
        ({"campaign_type": "PROMOTION"}, []),
        ({"start_date": to_wire(NOW + timedelta(hours=1))}, ["redemption.succeeded", "segment.entered"]),
        ({"end_date": to_wire(NOW + timedelta(hours=1))}, ["segment.entered", "order.created"]),
        ({"starting_after_id": "evcus_unknown"}, []),
    ],
)
def test_every_filter_chooses(shop, ann, query, expected):
    assert types(ask(shop, **query)) == expected


def test_the_cursor_goes_through_all_of_them_once(shop, ann):
    seen, query = [], {"limit": 1}
    for _ in range(3):
        answer = ask(shop, **query)
        seen += types(answer)
        query["starting_after_id"] = answer.json().get("more_starting_after")
    assert seen == ["redemption.succeeded", "segment.entered", "order.created"]
    assert answer.json()["has_more"] is False


def test_the_deprecated_spelling_counts_and_scrolls_by_time(shop, ann):
    body = ask(shop, "activities", limit=1).json()
    assert (body["total"], body["has_more"]) == (3, True)
    assert types(ask(shop, "activities", starting_after=body["data"][0]["created_at"])) == [
        *("segment.entered", "order.created")
    ]
    assert types(ask(shop, "activities", product_id="prod_1")) == ["segment.entered"]


@pytest.mark.parametrize(
    "query",
    [{"limit": 101}, {"order": "type"}, {"category": "X"}, {"campaign_type": "X"}, {"start_date": "soon"}],
)
def test_a_wrong_parameter_is_refused_by_name(shop, ann, query):
    answer = ask(shop, **query)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_query_params")
    assert f".{next(iter(query))} " in answer.json()["details"]


def test_an_unknown_customer_is_not_found_and_others_see_nothing(shop, ann):
    assert ask(shop, who="nobody").json()["resource_type"] == "customer"
    assert ask(shop, who="bob").json()["data"] == []
    assert ask(make_shop("Other")).status_code == 404
