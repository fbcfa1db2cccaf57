"""Events of people who are named plainly: one statement, and nothing but what the long way would leave."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection

from config.kernel.causes import Cause
from config.kernel.errors import MetadataValidationFailed
from config.project import schemas
from config.webhooks import outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from customers import happenings
from customers import services as customers
from customers.models import Customer
from customers.payloads import parse_customer
from customers.rendering import render_simple
from tests.factories import NOW, make_customer, make_project
from tracking.custom_events import parse_event
from tracking.models import Event, EventCounter, TrackingIdentity
from tracking.services import at_once, custom_events, event_schemas, events, identities, profile_events

pytestmark = pytest.mark.django_db

CAUSE = Cause({"channel": "API", "api_key": {"name": "Shop", "app_id": "a"}}, "v-1")
PROFILE = {
    "source_id": "crm-1", "name": "Zoe\u0301", "email": "Zoé@Shop.example", "phone": None, "birthdate": "1990-02-03",
    "address": {"city": "Graz"}, "metadata": {"age": 3, "tags": ["a"]}, "description": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nobody_was_met():
    at_once._met.clear()
    return


def track(project, customer, *, cookie=None, from_client=False, at=NOW, **body):
    data = parse_event({"event": "seen", "customer": customer, **body})
    return custom_events.track(
        project=project, data=data, at=at, cookie=cookie, from_client=from_client, cause=CAUSE
    )  # fmt: skip


def validate(project, **given):
    """What a validation leaves: the identity stored, an event under its token."""
    names = ("tracking_id", "source_id", "customer_id", "cookie")
    identity = identities.resolve(project=project, at=NOW, anonymous=True, **{**dict.fromkeys(names), **given})
    events.record(project=project, type="customer.validation.succeeded", token=identity.token, at=NOW, data={})
    return identity.token


def left(project):
    """All that is stored of people and what they did, without what is drawn by lot."""
    names = {row.public_id: f"<{row.source_id}>" for row in Customer.objects.of(project)}
    names |= {row.token: f"<token of {row.source_id}>" for row in TrackingIdentity.objects.of(project)}
    names |= {row.public_id: "<event>" for row in Event.objects.of(project)}
    names |= {row.data["event"]["id"]: "<event object>" for row in Event.objects.of(project) if "event" in row.data}
    fields = [field.attname for field in Customer._meta.concrete_fields if field.attname not in ("id", "project_id")]
    rows = {
        "customers": list(Customer.objects.of(project).order_by("pk").values(*fields)),
        "identities": list(
            TrackingIdentity.objects.of(project)
            .order_by("source_id", "pk")
            .values("token", "source_id", "customer__source_id", "alias_of__source_id", "created_at", "last_seen_at")
        ),
        "events": list(
            Event.objects.of(project)
            .order_by("created_at", "pk")
            .values("type", "name", "category", "token", "data", "source", "group_id", "created_at",
                "customer__source_id", "campaign_id", "campaign_type")
        ),
        "counters": list(
            EventCounter.objects.filter(customer__project=project).values("name", "count", "first_at", "last_at")
        ),
    }  # fmt: skip
    text = json.dumps(rows, default=str, sort_keys=True)
    for name, stands_for in names.items():
        text = text.replace(name, stands_for)
    return json.loads(text)


LATER = NOW + timedelta(hours=2)


def delete(project):
    """The project's only customer goes."""
    customers.delete(project=project, customer=Customer.objects.of(project).get(), at=NOW)


STORIES = {
    "somebody new": lambda p: [track(p, {"source_id": "crm-1"})],
    "somebody new, with a profile": lambda p: [track(p, PROFILE)],
    "again": lambda p: [track(p, {"source_id": "crm-1"}), track(p, {"source_id": "crm-1"}, at=LATER)],
    "again, saying the same": lambda p: [track(p, PROFILE), track(p, PROFILE, at=LATER)],
    "again, saying something else": lambda p: [track(p, PROFILE), track(p, {**PROFILE, "name": "Ann"}, at=LATER)],
    "again, with other metadata": lambda p: [
        track(p, PROFILE),
        track(p, {"source_id": "crm-1", "metadata": {"age": 4}}, at=LATER),
    ],
    "again, unsaying": lambda p: [track(p, PROFILE), track(p, {"source_id": "crm-1", "name": None}, at=LATER)],
    "empty metadata": lambda p: [track(p, {"source_id": "crm-1", "metadata": {}}) for _ in range(2)],
    "a profile that a browser may not change": lambda p: [
        track(p, {"source_id": "crm-1"}, from_client=True),
        track(p, PROFILE, from_client=True, at=LATER),
    ],
    "stored, never seen": lambda p: [
        customers.upsert(project=p, data=parse_customer({"source_id": "crm-1"}), at=NOW),
        track(p, {"source_id": "crm-1"}),
    ],
    "validated before": lambda p: [validate(p, source_id="crm-1"), track(p, {"source_id": "crm-1"}, at=LATER)],
    "a visitor's cookie": lambda p: [track(p, {"source_id": "crm-1"}, cookie=validate(p), at=LATER)],
    "one's own cookie": lambda p: [
        track(p, {"source_id": "crm-1"}, cookie=track(p, {"source_id": "crm-1"}).token, at=LATER)
    ],
    "the cookie of somebody else": lambda p: [
        track(p, {"source_id": "crm-1"}, cookie=track(p, {"source_id": "crm-2"}).token, at=LATER)
    ],
    "the token as the source id": lambda p: [track(p, {"source_id": track(p, {"source_id": "crm-1"}).token}, at=LATER)],
    "another tracking id": lambda p: [track(p, {"source_id": "crm-1"}, tracking_id=validate(p))],
    "gone": lambda p: [
        track(p, {"source_id": "crm-1"}),
        delete(p),
        track(p, {"source_id": "crm-1"}, at=LATER),
    ],
    "nobody": lambda p: [track(p, {})],
    "another name of an event": lambda p: [
        track(p, {"source_id": "crm-1"}),
        track(p, {"source_id": "crm-1"}, event="Cafe\u0301", metadata={"n": 1.5}, at=LATER),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_it_leaves_what_the_long_way_leaves(story, monkeypatch):
    short, long = make_project("Short"), make_project("Long")
    STORIES[story](short)
    monkeypatch.setattr(at_once, "source_id_of", lambda *_, **__: None)
    STORIES[story](long)
    assert left(short) == left(long)


@pytest.mark.parametrize("story", ["somebody new, with a profile", "again, saying the same", "stored, never seen"])
def test_it_works_behind_a_transaction_pooler(story, monkeypatch):
    long, short = make_project("Long"), make_project("Short")
    with monkeypatch.context() as patch:
        patch.setattr(at_once, "source_id_of", lambda *_, **__: None)
        STORIES[story](long)
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    STORIES[story](short)
    assert left(short) == left(long)


@pytest.mark.parametrize("customer", [{"source_id": "crm-1"}, PROFILE])
def test_both_ways_answer_the_same(customer, monkeypatch):
    answers = []
    for project in (make_project("Short"), make_project("Long")):
        for at in (NOW, LATER):
            tracked = track(project, customer, at=at)
            stored = Customer.objects.of(project).get()
            assert tracked.customer == render_simple(stored)
            assert list(tracked.customer) == list(render_simple(stored))
            assert tracked.token == identities.token_of(project=project, customer=stored)
            answers.append({**tracked.customer, "id": ""})
        monkeypatch.setattr(at_once, "source_id_of", lambda *_, **__: None)
    assert answers == [answers[0]] * 4


def test_it_takes_one_statement(django_assert_num_queries):
    project = make_project()
    event_schemas.note_name(project=project, name="seen", from_client=False, at=NOW)
    event_schemas.schema_of(project, "seen")
    schemas.schemas_of(project)
    outbox.begin(project, NOW)
    for customer in ({"source_id": "crm-1"}, {"source_id": "crm-1"}, {"source_id": "crm-2", "name": "Ann"}):
        with django_assert_num_queries(1):
            track(project, customer)
    at_once._met.clear()
    with django_assert_num_queries(1):
        track(project, {"source_id": "crm-2", "name": "Ann"})
    assert Event.objects.filter(type="customer.custom_event").count() == 4
    assert Customer.objects.count() == 2


def test_a_known_customer_costs_two_statements_on_the_long_way(django_assert_num_queries):
    customer = make_customer(source_id="crm-1")
    outbox.begin(customer.project, NOW)
    track(customer.project, {"id": customer.public_id})
    with django_assert_num_queries(3):  # the customer, the tokens, the event with its counter
        track(customer.project, {"id": customer.public_id})


def test_somebody_who_left_since_we_met_is_made_again():
    project = make_project()
    track(project, {"source_id": "crm-1"})
    Customer.objects.update(deleted_at=NOW)
    TrackingIdentity.objects.all().delete()
    track(project, {"source_id": "crm-1"})
    assert Customer.objects.alive().get().source_id == "crm-1"
    assert Customer.objects.count() == 2


def test_an_identity_stored_meanwhile_brings_its_history_along(monkeypatch):
    project = make_project()
    token = at_once.token_of(project, "crm-1")
    real = at_once.prepared.fetch_named

    def late(sql, params):
        answer = real(sql, params)
        monkeypatch.undo()
        row = TrackingIdentity.objects.get()
        row.customer = None
        row.save(update_fields=["customer"])
        events.record(project=project, type="customer.validation.succeeded", token=token, at=NOW, data={})
        return [(*answer[0][:3], False)]

    monkeypatch.setattr(at_once.prepared, "fetch_named", late)
    track(project, {"source_id": "crm-1"})
    customer = Customer.objects.get()
    assert TrackingIdentity.objects.get().customer == customer
    assert set(Event.objects.values_list("customer_id", "token")) == {(customer.pk, "")}


def test_required_metadata_is_asked_for_before_anything_is_written():
    project = make_project()
    schemas.create(
        project=project, body={"related_object": "customer", "properties": {"age": {"type": "number"}}}, at=NOW
    )
    with pytest.raises(MetadataValidationFailed):
        track(project, {"source_id": "crm-1", "metadata": {"age": "old"}})
    assert not Customer.objects.exists()
    assert not Event.objects.exists()


def test_webhooks_are_told_of_the_newcomer_and_of_the_event():
    project = make_project()
    body = {"target_url": "https://shop.example/h", "events": ["customer.created", "customer.custom_event"]}
    webhooks.create(project=project, body=body, at=NOW)
    outbox.forget(project)
    track(project, {"source_id": "crm-1"})
    assert sorted(Delivery.objects.values_list("type", flat=True)) == ["customer.created", "customer.custom_event"]


def test_nobody_else_is_told_what_happens_to_profiles():
    """The statement writes the event of a newcomer itself; whoever wants to hear of it too has to be added there."""
    assert happenings.tellers == [profile_events.record]
