"""Keyset paging, tabs, chips, search and the capped count, on customers."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from django.db.models import Q
from django.db.models.functions import Lower

from config.dashboard import lists
from config.dashboard.lists import Column, Filter, ListSpec, Sort, Tab
from customers.models import Customer
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db


def refuse_numbers(rows, value):
    if value.isdigit():
        raise ValueError("Write the name of a city, not a number.")
    return rows.filter(city=value)


SPEC = ListSpec[Customer](
    one="customer",
    many="customers",
    columns=(Column("Name", lambda row: row.name, sort="name"), Column("Source id", lambda row: row.source_id)),
    sorts=(
        Sort("created", "Newest", "created_at", descending=True),
        Sort("name", "Name", "name_key", nullable=True),
    ),
    tabs=(Tab("", "All"), Tab("german", "German", Q(country="DE"))),
    filters=(Filter("city", "City", refuse_numbers), Filter("kind", "Kind", lambda rows, value: rows)),
    search=lambda rows, text: rows.filter(source_id__startswith=text),
    page_size=3,
)


def read(project, **query):
    rows = Customer.objects.of(project).annotate(name_key=Lower("name"))
    return lists.read(SPEC, rows, query)


def follow(project, url):
    return read(project, **dict(parse_qsl(url.removeprefix("?"))))


def walk(project, **query):
    """All pages forwards, then all pages back to the first, as lists of source ids."""
    page = read(project, **query)
    there = [[row.source_id for row in page.rows]]
    while page.next_url:
        page = follow(project, page.next_url)
        there.append([row.source_id for row in page.rows])
    back = [there[-1]]
    while page.previous_url:
        page = follow(project, page.previous_url)
        back.append([row.source_id for row in page.rows])
    return there, back[::-1]


def test_pages_by_time_show_each_row_once_also_where_times_are_equal(project):
    for number in range(8):
        make_customer(project=project, source_id=f"c{number}", created_at=NOW + timedelta(hours=number // 3))
    there, _ = walk(project)
    assert there == [["c7", "c6", "c5"], ["c4", "c3", "c2"], ["c1", "c0"]]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("name", ["a", "b", "c", "d", "e", "x", "y", "z"]), ("-name", ["e", "d", "c", "b", "a", "z", "y", "x"])],
)
def test_rows_without_a_value_come_last_in_both_directions(project, sort, order):
    for key, name in [
        ("c", "Cy"),
        ("x", None),
        ("a", "al"),
        ("y", None),
        ("b", "Bo"),
        ("e", "eve"),
        ("d", "cy"),
        ("z", None),
    ]:
        make_customer(project=project, source_id=key, name=name)
    there, _ = walk(project, sort=sort)
    assert [key for page in there for key in page] == order


@pytest.mark.parametrize("sort", ["", "created", "name", "-name"])
@pytest.mark.parametrize("size", [1, 3, 4, 6, 7])
def test_the_way_back_shows_the_same_pages_as_the_way_there(project, sort, size):
    for number in range(size):
        make_customer(project=project, source_id=f"c{number}", name=f"N{number % 2}" if number % 3 else None)
    there, back = walk(project, sort=sort)
    assert sorted(key for page in there for key in page) == [f"c{number}" for number in range(size)]
    assert [key for page in back for key in page][-len(there[-1]) :] == there[-1]
    assert back[0] == there[0]


def test_a_short_list_is_counted_without_a_query_and_has_no_pager(project, django_assert_num_queries):
    make_customer(project=project)
    with django_assert_num_queries(1):
        page = read(project)
    assert (page.count_words, page.next_url, page.previous_url) == ("1 customer", "", "")


def test_the_count_ends_at_its_limit(project, monkeypatch):
    monkeypatch.setattr(lists, "COUNT_LIMIT", 4)
    for _ in range(4):
        make_customer(project=project)
    assert read(project).count_words == "4 customers"
    make_customer(project=project)
    assert read(project).count_words == "More than 4 customers"


def test_chips_say_what_is_filtered_and_can_be_taken_off(project):
    make_customer(project=project, source_id="in", address={"city": "0"})
    make_customer(project=project, source_id="out", address={"city": "Bonn"})
    page = read(project, kind="0", q="i", sort="-name")
    assert [(chip.words, chip.remove_url) for chip in page.chips] == [("Kind is 0", "?q=i&sort=-name")]
    assert [row.source_id for row in page.rows] == ["in"]


def test_a_filter_that_cannot_be_read_shows_nothing_and_says_why(project):
    make_customer(project=project)
    page = read(project, city="12")
    assert (page.rows, page.problems) == ([], ["Write the name of a city, not a number."])
    assert [chip.words for chip in page.chips] == ["City: not understood"]


def test_tabs_narrow_the_list_and_keep_the_rest_of_the_address(project):
    make_customer(project=project, source_id="de", address={"country": "DE"})
    make_customer(project=project, source_id="fr", address={"country": "FR"})
    page = read(project, tab="german", sort="name")
    assert [row.source_id for row in page.rows] == ["de"]
    assert [(tab.label, tab.url, tab.current) for tab in page.tabs] == [
        ("All", "?sort=name", False),
        ("German", "?tab=german&sort=name", True),
    ]


@pytest.mark.parametrize("cursor", ["x", "1:2:3", "eyJ:forged", "\x00"])
def test_forged_cursors_show_the_first_page(project, cursor):
    make_customer(project=project, source_id="one")
    assert [row.source_id for row in read(project, cursor=cursor).rows] == ["one"]


def test_a_cursor_of_another_order_shows_the_first_page(project):
    for number in range(5):
        make_customer(project=project, source_id=f"c{number}", name=f"N{number}")
    cursor = dict(parse_qsl(read(project).next_url.removeprefix("?")))["cursor"]
    assert [row.source_id for row in read(project, sort="name", cursor=cursor).rows] == ["c0", "c1", "c2"]


def test_heads_sort_and_turn_round(project):
    make_customer(project=project)
    assert [(head.url, head.direction) for head in read(project).heads] == [("?sort=name", ""), ("", "")]
    assert [(h.url, h.direction) for h in read(project, sort="name").heads] == [("?sort=-name", "ascending"), ("", "")]
