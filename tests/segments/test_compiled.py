"""Finished conditions are kept, and whatever they were made of makes them anew when it changes."""

from datetime import timedelta

import pytest

from config.filters import fragments
from config.project import schemas
from customers.payloads import CustomerData
from segments import compiled, services
from tests.factories import NOW, make_customer, make_project

pytestmark = pytest.mark.django_db
GOLD = {"junction": "and", "metadata.tier": {"conditions": {"$is": ["gold"]}}}
RECENT = {"junction": "and", "created_at": {"conditions": {"$less_than_ago": [30]}}}


@pytest.fixture(autouse=True)
def nothing_kept():
    compiled.forget()


@pytest.fixture
def made(monkeypatch):
    """How often a condition is compiled from here on."""
    calls, former = [], fragments.of
    monkeypatch.setattr(fragments, "of", lambda *given: calls.append(1) or former(*given))
    return calls


def make(filter, **fields):
    return services.create(project=make_project(), name="S", type="passive", filter=filter, at=NOW, **fields)


def test_a_condition_is_made_once(made):
    segment, twin, ann = make(GOLD), make(GOLD), make_customer(metadata={"tier": "gold"})
    for _ in range(3):
        assert services.is_member(segment=segment, customer=ann, at=NOW)
        assert services.is_member(segment=twin, customer=ann, at=NOW)
        assert not services.is_member(segment=segment, customer=None, data=CustomerData(), at=NOW)
    assert len(made) == 1


def test_a_kept_condition_that_is_relative_to_now_follows_the_time(made):
    segment, ann = make(RECENT), make_customer(created_at=NOW)
    found = [services.is_member(segment=segment, customer=ann, at=NOW + timedelta(days=days)) for days in (0, 29, 31)]
    assert (found, len(made)) == ([True, True, False], 1)


def test_a_changed_filter_counts_at_once():
    segment, ann = make(GOLD), make_customer(metadata={"tier": "gold"})
    assert services.is_member(segment=segment, customer=ann, at=NOW)
    changed = services.update(segment=segment, at=NOW, version=segment.version, filter=RECENT)
    assert not services.is_member(segment=changed, customer=ann, at=NOW + timedelta(days=40))


def test_a_changed_filter_of_a_named_segment_counts_at_once():
    inner, ann = make(GOLD), make_customer(metadata={"tier": "gold"}, created_at=NOW)
    outer = make({"junction": "and", "segments": {"conditions": {"$is": [inner.public_id]}}})
    later = NOW + timedelta(days=40)
    assert services.is_member(segment=outer, customer=ann, at=later)
    services.update(segment=inner, at=NOW, version=inner.version, filter=RECENT)
    assert not services.is_member(segment=outer, customer=ann, at=later)


def test_a_schema_that_was_declared_since_makes_the_condition_anew():
    project = make_project()
    segment = make({"junction": "and", "metadata.n": {"conditions": {"$is": ["2026-01-02"]}}})
    ann = make_customer(metadata={"n": "2026-01-02T23:30:00Z"})
    assert not services.is_member(segment=segment, customer=ann, at=NOW)
    schemas.create(
        project=project,
        body={"related_object": "customer", "properties": {"n": {"type": "datetime"}}},
        at=NOW,
    )
    schemas.forget(project)
    assert services.is_member(segment=segment, customer=ann, at=NOW)


def test_another_time_zone_makes_the_condition_anew():
    segment = make({"junction": "and", "created_at": {"conditions": {"$is": ["2026-01-02"]}}})
    ann = make_customer(created_at=NOW.replace(year=2026, month=1, day=1, hour=20))
    assert not services.is_member(segment=segment, customer=ann, at=NOW)
    project = segment.project
    project.timezone = "Asia/Tokyo"
    project.save(update_fields=["timezone"])
    assert services.is_member(segment=segment, customer=ann, at=NOW)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(compiled, "MOST_CHARACTERS", 5_000)
    ann = make_customer()
    for number in range(60):
        filter = {"junction": "and", "name": {"conditions": {"$is": [f"{number}" * 40]}}}
        services.is_member(segment=make(filter), customer=ann, at=NOW)
    assert 1 < len(compiled._kept) < 40
    assert 0 < compiled._size <= 5_000
    compiled.forget()
    assert (len(compiled._kept), compiled._size) == (0, 0)
