"""Segments through their services: definition, membership, deletion."""

import json
from datetime import timedelta

import pytest

from config.filters.parser import InvalidFilter
from config.kernel.errors import LimitExceeded, NotFound, ResourceInUse
from config.project import schemas
from customers import services as customers
from customers.payloads import CustomerData, parse_customer
from segments import services
from segments.errors import SegmentChanged, SegmentNotEditable
from segments.models import Membership, Segment
from segments.services import activation, overlaps
from tests.factories import NOW, make_customer, make_project, make_rule
from tracking.models import Event
from tracking.services import events

pytestmark = pytest.mark.django_db


def condition(field, **operators):
    return {"junction": "and", field: {"conditions": {f"${key}": value for key, value in operators.items()}}}


BERLIN = condition("address.city", **{"is": ["Berlin"]})


def make(filter=BERLIN, type="passive", project=None, **fields):
    return services.create(project=project or make_project(), name="S", type=type, filter=filter, at=NOW, **fields)


def names(segment, at=NOW):
    return sorted(customer.name for customer in services.members(segment, at))


def test_members_of_a_dynamic_segment_are_live_and_of_its_project():
    segment = make()
    ann = make_customer(name="Ann", address={"city": "Berlin"})
    make_customer(name="Bob", address={"city": "Bonn"})
    make_customer(name="Other project", address={"city": "Berlin"}, project=make_project("Other"))
    assert names(segment) == ["Ann"]
    customers.update(project=ann.project, customer=ann, data=parse_customer({"address": {"city": "Bonn"}}), at=NOW)
    assert names(segment) == []


def test_a_static_segment_holds_customers_by_id_or_source_id_and_each_once():
    ann, bob = make_customer(name="Ann", source_id="a"), make_customer(name="Bob")
    segment = make(filter=None, type="static", customers=[ann.public_id, "a", bob.source_id])
    assert names(segment) == ["Ann", "Bob"]
    assert Membership.objects.count() == 2
    customers.delete(project=ann.project, customer=ann, at=NOW)
    assert names(segment) == ["Bob"]


def test_an_id_goes_before_a_source_id_that_looks_like_it():
    ann = make_customer(name="Ann", source_id="a")
    make_customer(name="Bob", source_id=ann.public_id)
    assert names(make(filter=None, type="static", customers=[ann.public_id])) == ["Ann"]


def test_the_first_unknown_customer_is_named_and_nothing_is_stored():
    make_customer(source_id="a")
    make_customer(source_id="elsewhere", project=make_project("Other"))
    with pytest.raises(NotFound) as refused:
        make(filter=None, type="static", customers=["a", "elsewhere", "nobody"])
    assert (refused.value.resource_type, refused.value.resource_id) == ("customer", "elsewhere")
    assert Segment.objects.count() == Membership.objects.count() == 0


def test_caps_are_off_until_the_project_switches_them_on():
    project = make_project(vendor_caps={"static_segment_customers": 1, "dynamic_segments": 1})
    make_customer(source_id="a"), make_customer(source_id="b")
    with pytest.raises(LimitExceeded, match="must NOT have more than 1 items"):
        make(filter=None, type="static", customers=["a", "b"], project=project)
    make(project=project)
    with pytest.raises(LimitExceeded):
        make(project=project)


def test_a_segment_knows_what_it_reads_and_whether_time_changes_it():
    segment = make(
        {
            "junction": "and",
            "birthdate": {"conditions": {"$next_month": True}},
            "email": {"conditions": {"$has_value": True}},
            "metadata.level": {"conditions": {"$is": "Gold"}},
        }
    )
    assert segment.fields_read == ["birthdate", "birthday", "email", "metadata.level"]
    assert segment.relative_to_now
    assert not make().relative_to_now
    assert not make(condition("created_at", after="2026-01-01")).relative_to_now
    assert make(condition("created_at", **{"is": [3]})).relative_to_now


def test_inline_data_counts_as_if_it_were_stored_and_changes_nothing():
    segment = make(
        {
            "junction": "and",
            "address.city": {"conditions": {"$is": ["Berlin"]}},
            "metadata.level": {"conditions": {"$is": ["Gold"]}},
            "summary.redemptions.total_succeeded": {"conditions": {"$is": [2]}},
        }
    )
    ann = make_customer(address={"country": "Germany"}, metadata={"level": "Gold"}, redemptions_succeeded=2)
    data = parse_customer({"address": {"city": "Berlin"}})
    assert not services.is_member(segment=segment, customer=ann, data=None, at=NOW)
    assert services.is_member(segment=segment, customer=ann, data=data, at=NOW)
    assert not services.is_member(
        segment=segment, customer=ann, data=parse_customer({"metadata": {"level": 1}}), at=NOW
    )
    assert not services.is_member(segment=segment, customer=None, data=data, at=NOW)
    ann.refresh_from_db()
    assert (ann.city, ann.metadata) == (None, {"level": "Gold"})


@pytest.mark.parametrize(
    ("filter", "body", "member"),
    [
        (BERLIN, {"address": {"city": "Berlin"}}, True),
        (BERLIN, {"address": {"city": "Bonn"}}, False),
        (BERLIN, {}, False),
        (condition("address.city", is_unknown=True), {}, True),
        (condition("email", ends_with=".example"), {"email": "ANN@Shop.Example"}, True),
        (condition("metadata.tags", includes=["a", "b"]), {"metadata": {"tags": ["b", "a"]}}, True),
        (condition("birthdate", is_month=5), {"birthday": "1990-05-01"}, True),
        (condition("source_id", starts_with="crm-"), {"source_id": "crm-1"}, True),
        (condition("events.visited.count", **{"is": ["0"]}), {}, True),
        (condition("summary.orders.total_count", less_than=[5]), {}, True),
        (condition("summary.orders.total_amount", has_value=True), {}, False),
        (condition("name", contains="'; --"), {"name": "a'; --"}, True),
        (condition("created_at", today=True), {}, True),
    ],
)
def test_someone_who_is_not_stored_is_judged_by_what_was_sent(filter, body, member):
    segment = make(filter)
    assert services.is_member(segment=segment, customer=None, data=parse_customer(body), at=NOW) is member


def test_a_stored_customer_is_not_found_by_another_id_in_the_data():
    segment = make()
    make_customer(source_id="other", address={"city": "Berlin"})
    data = CustomerData(source_id="other")
    assert not services.is_member(segment=segment, customer=make_customer(), data=data, at=NOW)


def test_many_segments_need_one_statement(django_assert_num_queries):
    ann = make_customer(address={"city": "Berlin"}, metadata={"level": "Gold"})
    yes, no = make(), make(condition("metadata.level", **{"is": "Silver"}))
    static = make(filter=None, type="static", customers=[ann.public_id])
    project = ann.project
    services.which_of(project=project, segments=[yes], customer=ann, at=NOW)  # remembers the metadata schema
    with django_assert_num_queries(1):
        found = services.which_of(project=project, segments=[no, static, yes], customer=ann, at=NOW)
    assert found == [static, yes]


def test_a_customer_that_is_unknown_is_where_nobody_in_particular_is():
    make()
    anyone = make(condition("address.city", is_not=["Berlin"]))
    assert services.segments_of(project=anyone.project, customer=None, at=NOW) == [anyone]


def test_events_are_counted_by_name():
    segment = make(condition("events.cart.abandoned v2.count", more_than=1))
    ann = make_customer()
    for minutes in range(2):
        assert not services.is_member(segment=segment, customer=ann, data=None, at=NOW)
        events.record(
            project=ann.project,
            type=events.CUSTOM_EVENT,
            name="cart.abandoned v2",
            customer=ann,
            at=NOW + timedelta(minutes=minutes),
            data={},
        )
    assert services.is_member(segment=segment, customer=ann, data=None, at=NOW)


# Segments that name segments


def test_segments_can_name_segments():
    ann = make_customer(name="Ann", address={"city": "Berlin"}, metadata={"level": "Gold"})
    make_customer(name="Bob", address={"city": "Berlin"})
    make_customer(name="Cyd", metadata={"level": "Gold"})
    berlin, listed = make(), make(filter=None, type="static", customers=[ann.public_id])
    gold = condition("metadata.level", **{"is": "Gold"})
    assert names(make({**gold, "segments": {"conditions": {"$is": [berlin.public_id]}}})) == ["Ann"]
    assert names(make({**gold, "segments": {"conditions": {"$is_not": [berlin.public_id]}}})) == ["Cyd"]
    both = [berlin.public_id, listed.public_id]
    assert names(make(condition("segments", not_in=both))) == ["Cyd"]
    outer = make(condition("segments", **{"in": both}))
    assert names(outer) == ["Ann", "Bob"]
    assert outer.fields_read == ["address.city", "segments", *both]


def test_a_segment_that_does_not_exist_cannot_be_named():
    with pytest.raises(InvalidFilter) as refused:
        make(condition("segments", **{"is": ["seg_1"]}))
    [problem] = refused.value.problems
    assert problem.path == ".filter.segments.conditions.$is"
    assert problem.message == "Property .filter.segments.conditions.$is names segment seg_1, which does not exist"


def test_a_segment_of_another_project_does_not_exist():
    elsewhere = make(project=make_project("Other"))
    with pytest.raises(InvalidFilter):
        make(condition("segments", **{"is": [elsewhere.public_id]}))


def test_circles_are_refused_and_change_nothing():
    inner = make()
    middle = make(condition("segments", **{"is": [inner.public_id]}))
    outer = make(condition("segments", **{"is": [middle.public_id]}))
    for named in (inner, middle, outer):
        with pytest.raises(InvalidFilter):
            services.update(segment=inner, at=NOW, version=1, filter=condition("segments", **{"is": [named.public_id]}))
    inner.refresh_from_db()
    assert (inner.version, json.loads(inner.definition)) == (1, BERLIN)


def test_chains_of_segments_end():
    segment = make()
    with pytest.raises(InvalidFilter, match="nested deeper than 10"):
        for _ in range(12):
            segment = make(condition("segments", **{"is": [segment.public_id]}))


def test_who_names_a_changed_segment_reads_what_it_reads_now():
    inner = make()
    outer = make(condition("segments", **{"is": [inner.public_id]}))
    services.update(segment=inner, at=NOW, version=1, filter=condition("created_at", less_than=[30]))
    outer.refresh_from_db()
    assert (outer.fields_read, outer.relative_to_now) == (["created_at", "segments", inner.public_id], True)


# Changing and deleting


def test_only_the_filter_of_a_passive_segment_can_change():
    segment = make(type="auto-update")
    with pytest.raises(SegmentNotEditable):
        services.update(segment=segment, at=NOW, version=1, filter=BERLIN)
    changed = services.update(segment=segment, at=NOW, version=1, name="New name")
    assert (changed.name, changed.version, changed.updated_at) == ("New name", 2, NOW)
    with pytest.raises(SegmentChanged):
        services.update(segment=segment, at=NOW, version=1, name="Late")


def test_a_segment_in_use_stays():
    used = make()
    outer = make(condition("segments", **{"is": [used.public_id]}))
    with pytest.raises(ResourceInUse) as refused:
        services.delete(project=used.project, identifier=used.public_id)
    assert refused.value.details == (
        f"Resource segment with id {used.public_id} is in use by segments with ids [{outer.public_id}]"
    )
    services.delete(project=used.project, identifier=outer.public_id)
    rule = make_rule(project=used.project, segment_ids=[used.public_id])
    with pytest.raises(ResourceInUse) as refused:
        services.delete(project=used.project, identifier=used.public_id)
    assert refused.value.details == (
        f"Resource segment with id {used.public_id} is in use by validation rules with ids [{rule.public_id}]"
    )
    rule.delete()
    services.delete(project=used.project, identifier=used.public_id)
    assert Segment.objects.count() == 0


def test_a_schema_declared_later_changes_the_type_and_never_breaks_a_segment():
    segment = make(condition("metadata.level", contains="1"))
    numeric = make(condition("metadata.level", more_than=[5]))
    ann = make_customer(metadata={"level": 15})
    number = {"related_object": "customer", "properties": {"level": {"type": "number"}}}
    schemas.create(project=ann.project, body=number, at=NOW)
    assert services.is_member(segment=segment, customer=ann, data=None, at=NOW)
    assert services.is_member(segment=numeric, customer=ann, data=None, at=NOW)
    with pytest.raises(InvalidFilter):
        make(condition("metadata.level", contains="1"))


def test_a_segment_in_use_by_rules_and_segments_names_them_all():
    used = make()
    outer = make(condition("segments", **{"is": [used.public_id]}))
    rules = [make_rule(project=used.project, segment_ids=[used.public_id]) for _ in range(2)]
    with pytest.raises(ResourceInUse) as refused:
        services.delete(project=used.project, identifier=used.public_id)
    listed = ", ".join(rule.public_id for rule in rules)
    assert f"validation rules with ids [{listed}]" in refused.value.details
    assert f"segments with ids [{outer.public_id}]" in refused.value.details
    assert Segment.objects.filter(pk=used.pk).exists()


def test_a_passive_segment_can_be_activated_once():
    ann = make_customer(name="Ann", address={"city": "Berlin"})
    segment = activation.activate(segment=make(), at=NOW)
    assert (segment.type, segment.is_counting, segment.version) == ("auto-update", True, 2)
    assert names(segment) == [ann.name]
    with pytest.raises(SegmentNotEditable):
        activation.activate(segment=segment, at=NOW)
    types = Event.objects.filter(name=segment.public_id).order_by("pk").values_list("type", flat=True)
    assert list(types) == ["segment.created", "segment.activated"]


def test_an_overlap_counts_each_region_in_one_statement(django_assert_num_queries):
    berlin, gold = make(), make(condition("metadata.tier", **{"is": ["gold"]}))
    both = make_customer(address={"city": "Berlin"}, metadata={"tier": "gold"})
    make_customer(address={"city": "Berlin"})
    make_customer(address={"city": "Berlin"})
    make_customer(name="neither")
    make_customer(address={"city": "Berlin"}, project=make_project("Other"))
    static = make(filter=None, type="static", customers=[both.public_id])
    found = overlaps.of(project=berlin.project, segments=[berlin, gold], at=NOW)
    assert [(one.inside, one.count) for one in found] == [((True, True), 1), ((True, False), 2), ((False, True), 0)]
    with django_assert_num_queries(4):  # savepoint, time limit, statement, release
        three = overlaps.of(project=berlin.project, segments=[berlin, gold, static], at=NOW)
    assert (three[0].inside, three[0].count, len(three)) == ((True, True, True), 1, 7)
