"""The compiled filter chooses the customers that the oracle chooses."""

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings

from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.documents import Document
from config.filters.fields import Field, Scope
from config.filters.parser import parse
from config.filters.values import Kind
from customers.fields import FIELDS
from customers.models import Customer
from tests.config.filters import oracle, people

pytestmark = pytest.mark.django_db
TREES = int(os.environ.get("FILTER_TREES", "2000"))
"""Random filters; 50000 by hand before a change of the language."""


class Crowd(dict):
    """Persons by primary key, too many to print."""

    def __repr__(self):
        return f"{len(self)} customers"


@pytest.fixture
def crowd():
    source = random.Random(2026)
    return Crowd(people.store([people.draw_person(source) for _ in range(150)]))


def chosen(body, fields=FIELDS):
    scope = Scope(0, Moment(people.NOW, people.ZONE), fields)
    return set(Customer.objects.filter(to_q(parse(body, fields), scope)).values_list("pk", flat=True))


@settings(max_examples=TREES, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=people.filters)
def test_random_filters_choose_what_the_oracle_chooses(crowd, body):
    expected = {pk for pk, person in crowd.items() if oracle.member(body, person, people.PRESENT)}
    assert chosen(body) == expected


DECLARED = {"k": Kind.NUMBER, "n": Kind.BOOLEAN, "d": Kind.DATE, "ü key": Kind.DATETIME}


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=people.groups(
        people.rules(["metadata.d", "metadata.ü key"], people.dates_ops | people.known_ops)
        | people.rules(["metadata.k"], people.number_ops | people.known_ops)
    )
)
def test_declared_metadata_is_compared_in_its_type(crowd, body):
    declared = {
        f"metadata.{key}": Field(f"metadata.{key}", key, "Metadata", kind, Document("metadata", key))
        for key, kind in DECLARED.items()
    }
    kinds = {key: field.kind.value for key, field in declared.items()}
    expected = {pk for pk, person in crowd.items() if oracle.member(body, person, people.PRESENT, kinds)}
    assert chosen(body, FIELDS.with_declared(lambda: declared)) == expected


def sql(body):
    scope = Scope(0, Moment(people.NOW, people.ZONE), FIELDS)
    text = str(Customer.objects.filter(to_q(parse(body, FIELDS), scope)).values("pk").query)
    return text[text.index(" WHERE ") :]


def test_equality_of_metadata_is_containment():
    where = sql({"junction": "and", "metadata.level": {"conditions": {"$is": ["Gold"]}}})
    assert '"metadata" @> {"level": "Gold"}::jsonb' in where
    assert "->" not in where


def test_hostile_values_stay_parameters():
    body = {"junction": "and", "metadata.x'; --": {"conditions": {"$is": ["%s'; DROP TABLE customers_customer; --"]}}}
    assert chosen(body) == set()


def test_an_index_serves_a_real_column_and_metadata():
    assert '"city" = Berlin::text' in sql({"junction": "and", "address.city": {"conditions": {"$is": "Berlin"}}})
