"""A condition that was finished once chooses, at every later moment, what the oracle chooses then."""

import os
import random
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.filters import fragments
from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.fields import Scope
from config.filters.parser import parse
from customers.fields import FIELDS
from customers.models import Customer
from tests.config.filters import oracle, people
from tests.factories import make_customer

pytestmark = pytest.mark.django_db
TREES = int(os.environ.get("FRAGMENT_TREES", "300"))


@pytest.fixture
def crowd():
    source = random.Random(2027)
    return people.store([people.draw_person(source) for _ in range(100)])


def finished(body, at):
    scope = Scope(0, Moment(at, people.ZONE), FIELDS, late=True)
    return fragments.of(to_q(parse(body, FIELDS), scope), Customer.objects.all())


def asked(bound):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM customers_customer WHERE %s AND ({bound.text})", [True, *bound.values])
        return {row for (row,) in cursor.fetchall()}


@settings(max_examples=TREES, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=people.filters, days=st.sampled_from([-800, -366, -31, -1, 0, 1, 59, 400]), hours=st.integers(-30, 30))
def test_a_fragment_made_at_another_moment_chooses_what_the_oracle_chooses_now(crowd, body, days, hours):
    made = finished(body, people.NOW + timedelta(days=days, hours=hours))
    bound = made.at(Moment(people.NOW, people.ZONE)) or finished(body, people.NOW).at(Moment(people.NOW, people.ZONE))
    assert asked(bound) == {pk for pk, person in crowd.items() if oracle.member(body, person, people.PRESENT)}


def test_only_bounds_relative_to_now_stay_open():
    conditions = {"$less_than_ago": [30], "$after": ["2026-01-01"]}
    made = finished({"junction": "and", "created_at": {"conditions": conditions}}, people.NOW)
    assert len(made.places) == 2
    assert made.text.count("%s") == 2
    assert made.at(Moment(people.NOW, people.ZONE)).values == (
        people.NOW - timedelta(days=30) + timedelta(microseconds=1),
        people.NOW + timedelta(microseconds=1),
    )


def test_a_bound_that_falls_off_the_calendar_asks_for_a_new_fragment():
    body = {"junction": "and", "created_at": {"conditions": {"$more_than_ago": [730_000]}}}
    made = finished(body, people.NOW)
    assert made.at(Moment(people.NOW, people.ZONE)) is not None
    assert made.at(Moment(people.NOW.replace(year=1990), people.ZONE)) is None


@pytest.mark.parametrize("text", ["100%", "%s", "%%s", "'; --", "\\", "\\'", 'a"b', "$1", "{}", "é🎈"])
def test_values_in_the_text_are_only_values(text):
    row = make_customer(name=text)
    make_customer(name="other")
    for operator in ("$is", "$contains", "$starts_with"):
        made = finished({"junction": "and", "name": {"conditions": {operator: [text]}}}, people.NOW)
        assert made.places == ()
        assert asked(made.at(Moment(people.NOW, people.ZONE))) == {row.pk}
