"""Every list: its empty state, its nothing-matches state, its cost, and other projects' rows that it never shows."""

from __future__ import annotations

import pytest
from django.urls import reverse

from config.kernel import instants
from tests.dashboard.rows import make_action, make_event, make_import, make_order, make_redemption
from tests.factories import (
    CampaignFactory,
    ProductFactory,
    ValidationRuleFactory,
    make_customer,
    make_project,
    make_voucher,
)

pytestmark = pytest.mark.django_db


def customer(project):
    make_customer(project=project, address={"city": "Berlin", "country": "DE"})


def voucher(project):
    make_voucher(project=project)


def redemption(project):
    who = make_customer(project=project)
    make_redemption(project, voucher=make_voucher(project=project), customer=who, failure_code="quantity_exceeded")


def task(project):
    make_action(project)


def import_file(project):
    make_import(project, action=make_action(project, result={"created": 1, "failed_count": 2}))


def campaign(project):
    CampaignFactory.create(project=project)


def rule(project):
    ValidationRuleFactory.create(project=project)


def order(project):
    make_order(make_customer(project=project))


def product(project):
    ProductFactory.create(project=project)


def event(project):
    make_event(make_customer(project=project), name="wished", created_at=instants.now())


LISTS = [
    ("campaigns", campaign, "No campaigns yet", "campaigns", 12),
    ("rules", rule, "No validation rules yet", "rules", 7),
    ("orders", order, "No orders yet", "orders", 7),
    ("products", product, "No products yet", "products", 7),
    ("events", event, "No events in the last 90 days", "events", 8),
    ("customers", customer, "No customers yet", "customers", 8),
    ("vouchers", voucher, "No vouchers yet", "vouchers", 7),
    ("redemptions", redemption, "No redemptions yet", "attempts", 7),
    ("tasks", task, "No tasks yet", "tasks", 7),
    ("imports", import_file, "No imports yet", "imports", 7),
]
"""Session, person, membership, begin, statement limit, rows, end."""


@pytest.mark.parametrize(("name", "make", "sentence", "_many", "_queries"), LISTS)
def test_an_empty_list_says_what_it_is_for(marketer, name, make, sentence, _many, _queries):
    make(make_project("Other"))
    answer = marketer.get(reverse(f"dashboard:{name}"))
    assert answer.status_code == 200
    assert sentence in answer.content.decode()


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize(("name", "make", "_sentence", "many", "queries"), LISTS)
def test_a_list_costs_the_same_for_3_and_for_30_rows(
    marketer, project, django_assert_num_queries, name, make, _sentence, many, queries, rows
):
    for _ in range(rows):
        make(project)
    with django_assert_num_queries(queries):
        answer = marketer.get(reverse(f"dashboard:{name}"))
    assert f"{rows} {many}" in answer.content.decode()


@pytest.mark.parametrize(("name", "make", "_sentence", "many", "queries"), LISTS)
def test_more_than_a_page_costs_one_count_more(
    marketer, project, django_assert_num_queries, name, make, _sentence, many, queries
):
    for _ in range(51):
        make(project)
    with django_assert_num_queries(queries + 1):
        answer = marketer.get(reverse(f"dashboard:{name}"))
    assert f"51 {many}" in answer.content.decode()
    assert len(answer.content) < 90_000


@pytest.mark.parametrize("name", ["customers", "vouchers", "redemptions"])
def test_a_search_without_a_match_offers_the_way_back(marketer, project, name):
    redemption(project)
    page = marketer.get(reverse(f"dashboard:{name}"), {"q": "zzz"}).content.decode()
    assert "Nothing matches" in page
    assert "Clear filters" in page


@pytest.mark.parametrize("name", [entry[0] for entry in LISTS])
def test_odd_parameters_never_break_a_list(marketer, project, name):
    redemption(project)
    odd = {"q": "'\"%_\\", "sort": "-nothing", "cursor": "😀", "tab": "x" * 300, "country": "<b>", "type": "LOYALTY"}
    assert marketer.get(reverse(f"dashboard:{name}"), odd).status_code == 200


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ada", True),
        ("ADA K", True),
        ("ada@", True),
        ("CRM-7", False),
        ("crm-7", True),
        ("keller", False),
        ("%", False),
    ],
)
def test_customers_are_found_by_the_beginning_of_name_mail_and_source_id(marketer, project, text, found):
    make_customer(project=project, name="Ada Keller", email="Ada@shop.example", source_id="crm-77")
    page = marketer.get(reverse("dashboard:customers"), {"q": text}).content.decode()
    assert ("Ada Keller" in page) == found


def test_redemptions_are_found_by_code_and_told_apart_by_tab(marketer, project):
    ten = make_voucher(project=project, code="TEN")
    make_redemption(project, voucher=ten)
    make_redemption(project, voucher=make_voucher(project=project, code="OTHER"), failure_code="voucher_expired")
    url = reverse("dashboard:redemptions")
    assert "OTHER" not in marketer.get(url, {"q": "TEN"}).content.decode()
    refused = marketer.get(url, {"tab": "refused"}).content.decode()
    assert "Expired" in refused
    assert "TEN" not in refused


def test_what_people_typed_is_shown_as_text(marketer, project):
    make_customer(project=project, name="<script>alert(1)</script>")
    make_voucher(project=project, code="<b>X</b>")
    for name in ("customers", "vouchers"):
        page = marketer.get(reverse(f"dashboard:{name}")).content.decode()
        assert "<script>alert" not in page
        assert "<b>X</b>" not in page
