"""The statement and its twin in Python must agree; hypothesis looks for a case where they do not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.kernel import ids
from customers.models import Customer
from customers.services import loading, profile_of
from customers.staging import BITS, SCALARS, Profile, StagedRow, combine, deduplicate, merge
from tests.factories import make_project

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)

texts = st.sampled_from(["", "a", "B", "é", "\\N", 'q"', "x\ty"])
values = st.one_of(st.none(), texts, st.integers(0, 3), st.lists(texts, max_size=2))
keys = st.sampled_from(["a", "b", "c"])
address_keys = st.sampled_from(["city", "state", "line_1"])


@st.composite
def staged(draw, source_id="crm-1"):
    given_bits = draw(st.integers(0, 255))
    fields = {}
    for name in SCALARS:
        if given_bits & BITS[name]:
            dates = st.sampled_from([None, "1990-05-01", "2000-02-29"])
            fields[name] = draw(dates if name in ("birthdate", "birthday") else st.one_of(st.none(), texts))
    if given_bits & BITS["address"]:
        fields["address"] = draw(st.one_of(st.none(), st.dictionaries(address_keys, st.one_of(st.none(), texts))))
        if fields["address"] is not None:
            removed = draw(st.lists(address_keys, unique=True))
            fields["address_removed"] = tuple(key for key in removed if key not in fields["address"])
    if given_bits & BITS["metadata"]:
        fields["metadata"] = draw(st.dictionaries(keys, values))
        fields["metadata_removed"] = tuple(
            key for key in draw(st.lists(keys, unique=True)) if key not in fields["metadata"]
        )
        fields["metadata_replaced"] = draw(st.booleans())
    nulled = tuple(name for name in SCALARS if given_bits & BITS[name] and fields[name] is None and draw(st.booleans()))
    return StagedRow(0, ids.new("cust_"), None, source_id, given_bits, **fields, nulled=tuple(sorted(nulled)))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(staged(), min_size=1, max_size=4))
def test_the_statement_does_what_merge_says(rows):
    project = make_project()
    Customer.objects.all().delete()
    expected = Profile()
    for number, row in enumerate(rows):
        before, expected = expected, merge(expected, row)
        loaded = loading.load(project=project, rows=[row], at=NOON)
        stored = Customer.objects.get()
        assert profile_of(stored) == expected
        changed = before != expected
        assert (loaded.created, loaded.updated, loaded.unchanged) == (
            (1, 0, 0) if number == 0 else (0, int(changed), int(not changed))
        )


def test_an_address_that_is_cleared_and_then_written_loses_what_was_stored():
    clears = StagedRow(1, "p1", None, "a", BITS["address"])
    writes = StagedRow(2, "p2", None, "a", BITS["address"], address={"state": "BE"})
    assert merge(Profile(address={"city": "Bonn"}), combine(clears, writes)).address == {"state": "BE"}


@settings(max_examples=200, deadline=None)
@given(first=staged(), second=staged(), stored=staged())
def test_two_rows_combined_do_what_they_do_one_after_the_other(first, second, stored):
    before = merge(Profile(), stored)
    one_by_one, at_once = merge(merge(before, first), second), merge(before, combine(first, second))
    assert at_once._replace(metadata=at_once.metadata or None) == one_by_one._replace(
        metadata=one_by_one.metadata or None
    )


def test_every_key_stays_once_and_keyless_rows_all_stay():
    rows = [
        StagedRow(1, "p1", None, "a"),
        StagedRow(2, "p2", None, None),
        StagedRow(3, "p3", None, "a"),
        StagedRow(4, "p4", None, None),
        StagedRow(5, "p5", "cust_1", None),
        StagedRow(6, "p6", "cust_1", None),
    ]
    kept, followed = deduplicate(rows)
    assert [row.row for row in kept] == [2, 3, 4, 6]
    assert followed == {1: 3, 5: 6}
