"""What the builder is told while it is used."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.urls import reverse

from tests.factories import make_customer, make_project, make_segment

pytestmark = pytest.mark.django_db

BERLIN = {"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}}


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def ask(client, name, body, **headers):
    return client.post(
        reverse(f"dashboard:segment-{name}"), json.dumps(body), content_type="application/json", **headers
    )


def values(client, field):
    return client.get(reverse("dashboard:segment-values"), {"field": field}).json()["values"]


def test_the_count_comes_with_share_and_sample(marketer, project):
    for number in range(7):
        make_customer(project=project, name=f"B{number}", email=f"b{number}@x.example", address={"city": "Berlin"})
    make_customer(project=project)
    found = ask(marketer, "preview", {"filter": BERLIN, "phase": 2}).json()
    assert (found["count"], found["exact"], found["note"]) == (7, True, "87.5 % of all customers")
    assert [row["name"] for row in found["sample"]] == ["B6", "B5", "B4", "B3", "B2"]
    assert found["sample"][0]["about"] == "b6@x.example · Berlin"
    assert (found["problems"], found["notes"], found["more"]) == ([], [], False)
    assert (found["words"], found["said"]) == ("7", "7 customers match")
    assert found["sentence"] == "City is Berlin"


def test_the_first_answer_asks_for_the_second(marketer, project):
    assert ask(marketer, "preview", {"filter": BERLIN, "phase": 1}).json()["more"] is True


def test_nobody_names_the_condition_that_empties(marketer, project):
    make_customer(project=project, name="Anna")
    body = {**BERLIN, "name": {"conditions": {"$is": ["Anna"]}}}
    found = ask(marketer, "preview", {"filter": body, "phase": 2}).json()
    assert found["count"] == 0
    assert found["notes"] == ["No customer matches what is asked of City."]


def test_a_mistake_is_an_answer_with_its_place(marketer, project):
    found = ask(marketer, "preview", {"filter": {"junction": "and", "color": {"conditions": {"$is": ["x"]}}}}).json()
    assert (found["count"], found["more"]) == (None, False)
    assert [problem["path"] for problem in found["problems"]] == [".filter.color"]


@pytest.mark.parametrize("body", ["{", "[]", '{"filter": "\\u0000"}', "\xff"])
def test_what_is_no_request_is_refused(marketer, project, body):
    for name in ("preview", "why"):
        answer = marketer.post(reverse(f"dashboard:segment-{name}"), body, content_type="application/json")
        assert answer.status_code == 400


def test_merchants_count_nobody(sign_in, project):
    client = sign_in("merchant")
    assert ask(client, "preview", {"filter": BERLIN}).status_code == 403
    assert ask(client, "why", {"filter": BERLIN, "customer": "x"}).status_code == 403


def test_why_tells_each_condition_with_what_the_customer_has(marketer, project):
    customer = make_customer(project=project, name="Anna", address={"city": "Bonn"})
    found = ask(marketer, "why", {"filter": BERLIN, "customer": customer.public_id}).json()
    assert found["sentence"] == "Not in, because City is Bonn"
    assert found["tree"]["words"] == "All of these"
    [rule] = found["tree"]["rules"]
    assert (rule["words"], rule["verdict"], rule["actual_words"]) == ("City is Berlin", False, "Bonn")


def test_why_about_a_stranger_is_refused(marketer, project):
    foreign = make_customer(project=make_project("Other"))
    assert ask(marketer, "why", {"filter": BERLIN, "customer": foreign.public_id}).status_code == 400


def test_values_are_the_most_frequent_of_this_project(marketer, project):
    for city, times in (("Berlin", 1), ("Bonn", 3), ("Kiel", 2)):
        for _ in range(times):
            make_customer(project=project, address={"city": city})
    make_customer(project=make_project("Other"), address={"city": "Elsewhere"})
    assert [row["label"] for row in values(marketer, "address.city")] == ["Bonn", "Kiel", "Berlin"]


def test_values_of_metadata_keep_their_type(marketer, project):
    for value in (["red", "blue"], "red", 5, True, {"a": 1}, None, ""):
        make_customer(project=project, metadata={"k": value})
    found = values(marketer, "metadata.k")
    assert found[0] == {"value": "red", "label": "red"}
    assert {json.dumps(row["value"]) for row in found} == {'"red"', '"blue"', "5", "true"}
    assert {row["label"] for row in found} == {"red", "blue", "5", "true"}


def test_values_of_being_in_a_segment_are_names(marketer, project):
    segment = make_segment(project=project, name="Berliners")
    assert values(marketer, "segments") == [{"value": segment.public_id, "label": "Berliners"}]


def test_values_are_kept_for_a_while(marketer, project):
    make_customer(project=project, address={"city": "Bonn"})
    first = values(marketer, "address.city")
    make_customer(project=project, address={"city": "Kiel"})
    assert values(marketer, "address.city") == first


@pytest.mark.parametrize("field", ["", "color", "created_at", "metadata.nothing", "x" * 5000])
def test_fields_without_values_suggest_nothing(marketer, project, field):
    assert values(marketer, field) == []


def test_a_large_table_is_sampled(marketer, project, monkeypatch):
    monkeypatch.setattr("segments.dashboard.values.SMALL", 1)
    for _ in range(3):
        make_customer(project=project, address={"city": "Bonn"})
    assert {row["label"] for row in values(marketer, "address.city")} <= {"Bonn"}


def test_customers_are_found_by_the_beginning_of_what_names_them(marketer, project):
    anna = make_customer(project=project, name="Anna", email="Boss@x.example", source_id="crm-anna")
    make_customer(project=project, name="Bert", source_id="crm-bert")
    url = reverse("dashboard:segment-customers")
    for text in ("ann", "boss@", "crm-a", anna.public_id):
        found = marketer.get(url, {"q": text}).json()["items"]
        assert found == [{"value": anna.public_id, "label": "Anna", "note": "Boss@x.example"}]
    assert len(marketer.get(url, {"q": ""}).json()["items"]) == 2


def test_seen_metadata_and_segments_stand_in_the_catalogue(marketer, project):
    make_customer(project=project, metadata={"customer_type": "Corporate"})
    segment = make_segment(project=project, name="Berliners")
    catalogue = marketer.get(reverse("dashboard:segment-new")).context["catalogue"]
    fields = {row["key"]: row for row in catalogue["fields"]}
    assert fields["metadata.customer_type"]["declared"] is False
    assert fields["segments"]["values"] == [{"value": segment.public_id, "label": "Berliners"}]


def test_every_starter_is_a_filter_that_can_be_counted(marketer, project):
    url = reverse("dashboard:segment-new")
    starters = marketer.get(url).context["starters"]
    assert len(starters) == 4
    for starter in starters:
        form = marketer.get(url, {"start": starter.key}).context["form"]
        found = ask(marketer, "preview", {"filter": json.loads(form["filter"].value()), "phase": 2}).json()
        assert (form["name"].value(), found["problems"], found["count"]) == (starter.label, [], 0)
