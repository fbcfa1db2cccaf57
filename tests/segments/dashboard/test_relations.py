"""A segment's activity, overlap, check and activation."""

import pytest
from django.urls import reverse

from segments import services
from segments.services import overlaps
from tests.factories import NOW, make_customer, make_project, make_segment

pytestmark = pytest.mark.django_db
BERLIN = {"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}}
GOLD = {"junction": "and", "metadata.tier": {"conditions": {"$is": ["gold"]}}}


def page(client, name, segment, **query):
    return client.get(reverse(f"dashboard:{name}", args=[segment.public_id]), query)


def make(project, filter=BERLIN, **fields):
    fields = {"name": "Berliners", "type": "passive"} | fields
    return services.create(project=project, filter=filter, at=NOW, **fields)


def test_activity_says_who_changed_what_from_which_words_to_which(marketer, project):
    segment = make(project)
    url = reverse("dashboard:segment-edit", args=[segment.public_id])
    body = {"name": "Golden", "description": "", "version": 1,
            "filter": '{"junction": "and", "metadata.tier": {"conditions": {"$is": ["gold"]}}}'}  # fmt: skip
    assert marketer.post(url, body).status_code == 302
    text = page(marketer, "segment-activity", segment).content.decode()
    assert "Created by the API" in text
    assert "Definition changed by user@shop.example" in text
    assert "Name: Berliners → Golden. Before: City is Berlin. Now: tier is gold." in text


def test_the_overlap_with_two_others(marketer, project):
    make_customer(project=project, address={"city": "Berlin"}, metadata={"tier": "gold"})
    make_customer(project=project, address={"city": "Berlin"})
    segment, gold, third = make(project), make(project, GOLD, name="Golden"), make(project, GOLD, name="Third")
    assert "Only Berliners" not in page(marketer, "segment-overlap", segment).content.decode()
    text = page(marketer, "segment-overlap", segment, **{"with": gold.public_id}).content.decode()
    assert "Berliners and Golden" in text
    assert "Only Berliners" in text
    assert "50 %" in text
    url = reverse("dashboard:segment-overlap", args=[segment.public_id])
    three = marketer.get(f"{url}?with={gold.public_id}&with={third.public_id}").content.decode()
    assert "In all of them" in three


def test_an_overlap_that_takes_too_long_is_a_state(marketer, project, monkeypatch):
    segment, gold = make(project), make(project, GOLD)
    monkeypatch.setattr(overlaps, "within_budget", lambda ask: None)
    answer = page(marketer, "segment-overlap", segment, **{"with": gold.public_id})
    assert (answer.status_code, "Counting took too long" in answer.content.decode()) == (200, True)


def test_the_only_segment_has_nothing_to_be_compared_with(marketer, project):
    assert "Nothing to compare with" in page(marketer, "segment-overlap", make(project)).content.decode()


def test_another_projects_segment_is_not_compared(marketer, project):
    foreign = make_segment(project=make_project("Other"))
    assert page(marketer, "segment-overlap", make(project), **{"with": foreign.public_id}).status_code == 404


@pytest.mark.parametrize("name", ["source_id", "public_id", "email"])
def test_a_customer_is_checked_by_id_source_id_and_email(marketer, project, name):
    ann = make_customer(project=project, name="Ann", email="ann@shop.example", address={"city": "Bonn"})
    text = page(marketer, "segment-check", make(project), customer=getattr(ann, name)).content.decode()
    assert "Not in, because City is Bonn" in text
    assert reverse("dashboard:customer", args=[ann.public_id]) in text


@pytest.mark.parametrize("typed", ["nobody", "x" * 3000, "%"])
def test_who_is_unknown_is_said(marketer, project, typed):
    answer = page(marketer, "segment-check", make(project), customer=typed)
    assert (answer.status_code, "No customer has this id" in answer.content.decode()) == (200, True)


def test_a_segment_begins_to_report_from_its_page(marketer, project):
    segment = make(project)
    assert "Report who enters and leaves" in page(marketer, "segment", segment).content.decode()
    url = reverse("dashboard:segment-activate", args=[segment.public_id])
    assert marketer.post(url).status_code == 302
    assert marketer.post(url, follow=True).status_code == 200
    segment.refresh_from_db()
    assert (segment.type, segment.version) == ("auto-update", 2)
    assert (
        "Reports who enters and leaves from now on by user@shop.example"
        in page(marketer, "segment-activity", segment).content.decode()
    )


def test_counts_are_asked_five_times_a_second_at_most(marketer, project):
    url = reverse("dashboard:segment-preview")
    body = {"filter": BERLIN, "phase": 2}
    statuses = [marketer.post(url, body, content_type="application/json").status_code for _ in range(20)]
    assert statuses[:5] == [200] * 5
    assert 429 in statuses
    once = marketer.post(url, body | {"phase": 1}, content_type="application/json")
    assert once.status_code == 200
