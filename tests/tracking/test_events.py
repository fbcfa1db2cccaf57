from datetime import timedelta

import pytest

from tests.factories import NOW, make_customer, make_project
from tracking.models import Event, EventCounter
from tracking.services import events
from tracking.services.events import CUSTOM_EVENT, NewEvent

pytestmark = pytest.mark.django_db


def counters(customer):
    rows = EventCounter.objects.filter(customer=customer).order_by("name")
    return {row.name: (row.count, row.first_at, row.last_at) for row in rows}


def test_an_event_keeps_all_that_was_said():
    customer = make_customer()
    event = events.record(
        project=customer.project,
        type="customer.redemption.succeeded",
        at=NOW,
        data={"redemption": {"id": "r_1"}},
        customer=customer,
        category="EFFECT",
        group_id="v-1",
        source={"channel": "API"},
        campaign=(7, "DISCOUNT_COUPONS"),
    )
    stored = Event.objects.get(pk=event.pk)
    assert stored.public_id.startswith("evcus_")
    assert (stored.type, stored.category, stored.group_id, stored.created_at) == (
        *("customer.redemption.succeeded", "EFFECT", "v-1", NOW),
    )
    assert (stored.data, stored.source) == ({"redemption": {"id": "r_1"}}, {"channel": "API"})
    assert (stored.campaign_id, stored.campaign_type, stored.customer_id) == (7, "DISCOUNT_COUPONS", customer.pk)
    assert counters(customer) == {}


def test_custom_events_move_their_counter_and_no_other():
    customer, other = make_customer(), make_customer()
    for minutes in (5, 0, 9):
        events.record(
            project=customer.project, type=CUSTOM_EVENT, name="visited", customer=customer,
            at=NOW + timedelta(minutes=minutes), data={},
        )  # fmt: skip
    assert counters(customer) == {"visited": (3, NOW, NOW + timedelta(minutes=9))}
    assert counters(other) == {}


def test_many_events_need_one_statement_for_rows_and_one_for_counters(django_assert_num_queries):
    project, first, second = make_project(), make_customer(), make_customer()
    batch = [
        NewEvent(type=CUSTOM_EVENT, name=name, customer_id=customer.pk, at=NOW + timedelta(seconds=number), data={})
        for number, (customer, name) in enumerate([(first, "a"), (second, "a"), (first, "b"), (first, "a")])
    ]
    with django_assert_num_queries(4):  # savepoint, rows, counters, release
        made = events.record_many(project=project, events=batch)
    assert [event.pk for event in made] == sorted(event.pk for event in made)
    assert counters(first) == {
        "a": (2, NOW, NOW + timedelta(seconds=3)),
        "b": (1, NOW + timedelta(seconds=2), NOW + timedelta(seconds=2)),
    }
    assert counters(second) == {"a": (1, NOW + timedelta(seconds=1), NOW + timedelta(seconds=1))}


def test_an_anonymous_custom_event_moves_no_counter():
    events.record(project=make_project(), type=CUSTOM_EVENT, name="visited", token="track_a", at=NOW, data={})
    assert EventCounter.objects.count() == 0


def history(customer, count):
    return events.record_many(
        project=customer.project,
        events=[
            NewEvent(type="customer.updated", customer_id=customer.pk, at=NOW + timedelta(days=number // 2), data={})
            for number in range(count)
        ],
    )


def test_the_timeline_pages_without_gaps_in_both_directions():
    customer = make_customer()
    made = [event.public_id for event in history(customer, 7)]
    history(make_customer(), 3)
    for newest_first, wanted in ((True, made[::-1]), (False, made)):
        seen, after, more = [], None, True
        while more:
            page, more = events.timeline(customer=customer, limit=3, newest_first=newest_first, after=after)
            seen += [event.public_id for event in page]
            after = seen[-1]
        assert seen == wanted


def test_the_timeline_can_be_narrowed():
    customer = make_customer()
    history(customer, 6)
    events.record(
        project=customer.project, type="customer.segment.entered", category="EFFECT", customer=customer,
        at=NOW + timedelta(days=1), data={}, campaign=(3, "PROMOTION"),
    )  # fmt: skip

    def found(**narrowed):
        return len(events.timeline(customer=customer, limit=100, **narrowed)[0])

    assert found() == 7
    assert found(since=NOW + timedelta(days=1)) == 5
    assert found(until=NOW + timedelta(days=1)) == 5
    assert found(category="EFFECT") == found(campaign_id=3) == found(campaign_type="PROMOTION") == 1
    assert found(type="customer.segment.entered") == found(type="customer.segment_entered") == 1
    assert found(after="evcus_unknown") == 0


def test_an_event_of_somebody_else_is_no_cursor():
    customer = make_customer()
    history(customer, 2)
    [foreign] = history(make_customer(), 1)
    assert events.timeline(customer=customer, limit=10, after=foreign.public_id) == ([], False)


def test_claimed_history_belongs_to_the_customer_and_is_counted_once():
    customer = make_customer()
    project = customer.project
    for minutes in range(3):
        events.record(
            project=project, type=CUSTOM_EVENT, name="visited", token="track_a", at=NOW + timedelta(minutes=minutes),
            data={},
        )  # fmt: skip
    events.record(project=project, type="customer.validation.failed", token="track_a", at=NOW, data={})
    events.record(project=project, type=CUSTOM_EVENT, name="visited", token="track_b", at=NOW, data={})
    events.record(project=make_project("Other"), type=CUSTOM_EVENT, name="visited", token="track_a", at=NOW, data={})
    events.record(project=project, type=CUSTOM_EVENT, name="visited", customer=customer, at=NOW, data={})

    assert len(events.timeline_of_token(project=project, token="track_a", limit=10)[0]) == 4
    assert events.claim(project=project, token="track_a", customer_id=customer.pk, since=NOW) == 4
    assert events.claim(project=project, token="track_a", customer_id=customer.pk, since=NOW) == 0

    assert events.timeline_of_token(project=project, token="track_a", limit=10) == ([], False)
    assert len(events.timeline(customer=customer, limit=10)[0]) == 5
    assert counters(customer) == {"visited": (4, NOW, NOW + timedelta(minutes=2))}
    assert Event.objects.filter(customer=None).count() == 2


def test_nothing_was_recorded_under_the_empty_token():
    customer = make_customer()
    events.record(project=customer.project, type="customer.updated", at=NOW, data={})
    assert events.claim(project=customer.project, token="", customer_id=customer.pk, since=NOW) == 0
    assert events.timeline_of_token(project=customer.project, token="", limit=10) == ([], False)
