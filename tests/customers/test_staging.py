"""The statement and its twin in Python must agree; hypothesis looks for a case where they do not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.kernel import ids
from customers.models import Customer
from customers.services import loading, profile_of
from customers.staging import BITS, SCALARS, Profile, StagedRow, chains, combine, fold, merge
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


def test_rows_of_one_key_are_one_chain_and_keyless_rows_stay_alone():
    rows = [
        StagedRow(1, "p1", None, "a"),
        StagedRow(2, "p2", None, None),
        StagedRow(3, "p3", None, "a"),
        StagedRow(4, "p4", None, None),
        StagedRow(5, "p5", "cust_1", None),
        StagedRow(6, "p6", "cust_1", None),
    ]
    assert [[row.row for row in chain] for chain in chains(rows).values()] == [[1, 3], [2], [4], [5, 6]]


def named(*names):
    return [StagedRow(n, f"p{n}", None, "a", BITS["name"], name=name) for n, name in enumerate(names, start=1)]


@pytest.mark.parametrize(
    ("stored", "names", "adds", "updates", "counts", "says", "name"),
    [
        (None, "AAB", True, True, (1, 1, 1), 0, "B"),
        (None, "AAB", True, False, (1, 0, 2), 0, "A"),
        (None, "AAB", False, True, (0, 0, 3), 2, "A"),
        ("A", "AAB", True, True, (0, 1, 2), 1, "B"),
        ("A", "BAB", True, True, (0, 3, 0), 1, "B"),
        ("A", "BA", True, True, (0, 2, 0), 2, "A"),
        ("A", "BB", True, False, (0, 0, 2), 2, "B"),
        ("A", "BB", False, True, (0, 1, 1), 1, "B"),
    ],
)
def test_each_row_of_a_chain_counts_as_what_it_would_have_done_alone(stored, names, adds, updates, counts, says, name):
    profile = None if stored is None else Profile(name=stored)
    folded = fold(profile, named(*names), adds=adds, updates=updates)
    assert (folded.counts, folded.says, folded.row.name) == (counts, says, name)
