"""Counting while building, and why somebody is in or not."""

import pytest
from django.db import connection

from segments import services
from segments.services import previews
from tests.factories import NOW, make_customer, make_project
from tests.segments.test_services import BERLIN, condition, make

pytestmark = pytest.mark.django_db


def crowd(number=8):
    return [
        make_customer(name=f"C{n}", address={"city": "Berlin" if n % 2 else "Bonn"}, metadata={"level": n})
        for n in range(number)
    ]


def test_the_exact_count_comes_with_share_and_newest_members():
    people = crowd()
    deleted = make_customer(address={"city": "Berlin"})
    deleted.deleted_at = NOW
    deleted.save(update_fields=["deleted_at"])
    make_customer(address={"city": "Berlin"}, project=make_project("Other"))
    found = services.preview(project=make_project(), filter=BERLIN, at=NOW)
    assert (found.count, found.exact, found.share, found.sentence) == (4, True, 0.5, "City is Berlin")
    assert [customer.pk for customer in found.sample] == [people[n].pk for n in (7, 5, 3, 1)]
    assert found.as_json()["sample"][0] == {
        "id": people[7].public_id,
        "name": "C7",
        "email": None,
        "source_id": people[7].source_id,
        "metadata": {"level": 7},
        "object": "customer",
    }


def test_the_first_phase_of_a_small_project_is_exact_already():
    crowd()
    found = services.preview(project=make_project(), filter=BERLIN, at=NOW, phase=1)
    assert (found.count, found.exact, found.share, found.sample) == (4, True, 0.5, ())


def test_a_large_project_gets_an_estimate_at_once(monkeypatch):
    crowd()
    monkeypatch.setattr(previews, "EXACT_UP_TO", 3)
    monkeypatch.setattr(previews, "SAMPLED_PERCENT", 100)
    found = services.preview(project=make_project(), filter=BERLIN, at=NOW, phase=1)
    assert (found.count, found.exact, found.share) == (4, False, 0.5)


def test_what_takes_too_long_stays_an_estimate(monkeypatch):
    crowd()
    monkeypatch.setattr(previews, "SAMPLED_PERCENT", 100)

    def too_slow(project, condition):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(1)")

    monkeypatch.setattr(previews, "_count", too_slow)
    found = services.preview(project=make_project(), filter=BERLIN, at=NOW)
    assert (found.count, found.exact) == (4, False)


@pytest.mark.parametrize(
    ("number", "about"), [(0, 0), (7, 7), (99, 99), (104, 100), (105, 110), (62_412, 62_000), (999_999, 1_000_000)]
)
def test_an_estimate_has_two_digits(number, about):
    assert previews.two_digits(number) == about


def test_problems_are_an_answer():
    found = services.preview(project=make_project(), filter={"junction": "and", "x": {}}, at=NOW).as_json()
    assert found == {
        "count": None,
        "exact": False,
        "share": None,
        "sample": [],
        "problems": [{"path": ".filter.x", "message": "Property .filter has unknown field `x`"}],
        "sentence": "",
        "empties": [],
    }


def test_a_count_of_nobody_says_which_condition_alone_matches_nobody():
    crowd()
    body = {**BERLIN, "name": {"conditions": {"$is": ["Nobody"]}}, "metadata.level": {"conditions": {"$is": [2]}}}
    found = services.preview(project=make_project(), filter=body, at=NOW)
    assert (found.count, found.empties) == (0, (".filter.name.conditions.$is",))


def test_why_not():
    segment = make(
        {
            "junction": "and",
            "address.country": {"conditions": {"$is": ["Germany"]}},
            "g1": {
                "junction": "or",
                "metadata.tier": {"conditions": {"$in": ["Gold", "Silver"]}},
                "summary.orders.total_amount": {"conditions": {"$more_than": [40000]}},
            },
            "email": {"conditions": {"$has_value": True}},
        }
    )
    ann = make_customer(
        name="Ann", address={"country": "PL"}, email="Ann@shop.example", orders_total_amount=1250, orders_total_count=1
    )
    found = services.why(segment=segment, customer=ann, at=NOW)
    assert not found.member
    assert found.sentence == "Not in, because Country is PL and tier is empty and Total spent is 12.50"
    page = found.as_json()
    assert page["customer"]["id"] == ann.public_id
    tree = page["tree"]
    assert (tree["match"], tree["verdict"], tree["path"]) == ("all", False, ".filter")
    country, group, email = tree["rules"]
    assert country == {
        "field": "address.country",
        "label": "Country",
        "op": "$is",
        "words": "Country is Germany",
        "verdict": False,
        "actual": "PL",
        "actual_words": "PL",
        "path": ".filter.address.country.conditions.$is",
    }
    assert (group["match"], group["verdict"], group["path"]) == ("any", False, ".filter.g1")
    assert [(rule["verdict"], rule["actual"]) for rule in group["rules"]] == [(False, None), (False, 1250)]
    assert (email["verdict"], email["actual"]) == (True, "Ann@shop.example")


def test_why_in():
    berlin = make()
    segment = make(
        {
            "junction": "or",
            "segments": {"conditions": {"$is": [berlin.public_id]}},
            "birthdate": {"conditions": {"$is_unknown": True}},
            "name": {"conditions": {"$is": ["Bob"]}},
        }
    )
    ann = make_customer(name="Ann", address={"city": "Berlin"})
    found = services.why(segment=segment, customer=ann, at=NOW)
    assert (found.member, found.sentence) == (True, "In, because the customer is in S and Birthdate is empty")


def test_why_asks_one_statement(django_assert_num_queries):
    segment, ann = make(condition("events.visited.count", more_than=1)), make_customer()
    with django_assert_num_queries(1):
        found = services.why(segment=segment, customer=ann, at=NOW)
    assert found.sentence == "Not in, because Event visited is empty"


def test_why_of_a_list():
    ann, bob = make_customer(), make_customer()
    segment = make(filter=None, type="static", customers=[ann.public_id])
    assert services.why(segment=segment, customer=ann, at=NOW).sentence == "In, because the customer is on the list"
    assert not services.why(segment=segment, customer=bob, at=NOW).member


def test_why_of_a_filter_that_is_being_written():
    ann = make_customer(address={"city": "Bonn"})
    found = services.why_filter(project=ann.project, filter=BERLIN, customer=ann, at=NOW)
    assert found.sentence == "Not in, because City is Bonn"
