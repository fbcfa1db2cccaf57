"""T12: filters with hostile keys, operators and values choose what the oracle chooses, or are refused with a path."""

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.fields import Scope
from config.filters.parser import InvalidFilter, parse
from customers.fields import FIELDS
from customers.models import Customer
from tests.config.filters import oracle, people

pytestmark = pytest.mark.django_db
HOSTILE = (
    *("'", '"', "\\", "%", "%s", "%(x)s", "{}", "{0}", "$$", "--", "/*", ";", "'; DROP TABLE customers_customer; --"),
    *("' OR 1=1 --", "\\'", "\\x00", "E'\\\\'", "pg_sleep(9)", "(a+)+$", ".*", "^", "[", "__class__", "pk__gt", "a__b"),
    *("\n", "\t", "\u202e", "\ufeff", "\U0001f600", "e\u0301", "ﬀ", "İ", "ß", "NaN", "Infinity", "1e400", "-0", "null"),
    *("a.b", ".", "..", "a..b", " ", "conditions", "junction", "constructor", "x" * 300),
)
strings = st.sampled_from(HOSTILE) | st.text(max_size=12)
storable = strings.filter(lambda text: "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text))
asked = people.each(
    ["$is", "$is_not", "$in", "$not_in", "$contains", "$starts_with", "$ends_with"], people.some(storable)
)
keys = st.one_of(
    storable.filter(lambda key: key.strip(".") == key and key).map(lambda key: f"metadata.missing {key}"),
    st.sampled_from(["name", "email", "address.city", "phone", "system_metadata.source"]),
)
rules = st.tuples(keys, st.lists(asked, min_size=1, max_size=2).map(lambda found: {"conditions": dict(found)}))
known_language = people.groups(rules | people.groups(rules).map(lambda group: (None, group)))
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | strings,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        strings | st.sampled_from(["junction", "conditions", "name", "metadata.k", "events..count", "events.a.last"])
        | st.sampled_from(["$is", "$more_than", "$before", "$includes", "$is_day", "$in_location", "$nope"]),
        inner | st.sampled_from(["and", "OR", "none"]),
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
EXAMPLES = int(os.environ.get("HOSTILE_TREES", "150"))
relaxed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def crowd():
    source = random.Random(12)
    return people.store([people.draw_person(source) for _ in range(40)])


def chosen(body):
    scope = Scope(0, Moment(people.NOW, people.ZONE), FIELDS)
    return set(Customer.objects.filter(to_q(parse(body, FIELDS), scope)).values_list("pk", flat=True))


@relaxed
@given(body=known_language)
def test_hostile_keys_and_values_choose_what_the_oracle_chooses(crowd, body):
    try:
        found = chosen(body)
    except InvalidFilter as refused:
        assert all(problem.path.startswith(".filter") for problem in refused.problems)
        return
    assert found == {pk for pk, person in dict(crowd).items() if oracle.member(body, person, people.PRESENT)}


@relaxed
@given(body=junk)
def test_junk_is_answered_or_refused_with_a_path_and_never_reaches_the_database_as_sql(crowd, body):
    try:
        chosen(body)
    except InvalidFilter as refused:
        assert refused.problems
        assert all(problem.path.startswith(".filter") and problem.message for problem in refused.problems)
