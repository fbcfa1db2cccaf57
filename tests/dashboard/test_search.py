"""The search in the sidebar: what it finds, for whom, and at which cost."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.dashboard.rows import make_order, make_redemption
from tests.factories import CampaignFactory, make_customer, make_project, make_segment, make_voucher

pytestmark = pytest.mark.django_db
SEARCH = "dashboard:search"


@pytest.fixture
def shop(project):
    who = make_customer(project=project, name="Ada Keller", email="Ada@shop.example", source_id="crm-7")
    return {
        "customer": who,
        "voucher": make_voucher(project=project, code="SUMMER20"),
        "campaign": CampaignFactory.create(project=project, name="Summer sale"),
        "segment": make_segment(project=project, name="Summer lovers"),
        "order": make_order(who, source_id="o-77"),
        "redemption": make_redemption(project),
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SUMMER20", "voucher"),
        ("crm-", "customer"),
        ("ada@", "customer"),
        ("ADA K", "customer"),
        ("summer sa", "campaign"),
        ("Summer lov", "segment"),
        ("o-77", "order"),
    ],
)
def test_a_single_hit_is_opened_at_once(marketer, shop, text, kind):
    answer = marketer.get(reverse(SEARCH), {"q": text})
    assert answer["Location"] == reverse(f"dashboard:{kind}", args=[shop[kind].public_id])


@pytest.mark.parametrize("kind", ["voucher", "customer", "campaign", "segment", "order", "redemption"])
def test_everything_is_found_by_its_id(marketer, shop, kind):
    answer = marketer.get(reverse(SEARCH), {"q": shop[kind].public_id})
    assert answer["Location"] == reverse(f"dashboard:{kind}", args=[shop[kind].public_id])


def test_several_hits_stand_in_their_groups(marketer, shop):
    page = marketer.get(reverse(SEARCH), {"q": "summer"}).content.decode()
    assert "Summer sale" in page
    assert "Summer lovers" in page
    assert "SUMMER20" not in page


def test_at_most_five_of_a_kind(marketer, project):
    for number in range(8):
        make_customer(project=project, name=f"Ada {number}")
    groups = marketer.get(reverse(SEARCH), {"q": "ada"}).context["groups"]
    assert [(group.label, len(group.hits)) for group in groups] == [("Customers", 5)]
    assert groups[0].more


@pytest.mark.parametrize("text", ["", "nothing", "%", "_", "'", "x" * 5000, "😀", "r_", "cust_none"])
def test_what_finds_nothing_says_so(marketer, shop, text):
    answer = marketer.get(reverse(SEARCH), {"q": text})
    assert answer.status_code == 200
    assert not answer.context["groups"]


def test_merchants_find_attempts_only(sign_in, shop):
    merchant = sign_in("merchant")
    for text in ("SUMMER20", "crm-7", "Summer", "o-77"):
        assert not merchant.get(reverse(SEARCH), {"q": text}).context["groups"]
    assert merchant.get(reverse(SEARCH), {"q": shop["redemption"].public_id}).status_code == 302


def test_other_projects_are_not_searched(marketer, project):
    other = make_project("Other")
    make_voucher(project=other, code="FOREIGN")
    make_customer(project=other, source_id="FOREIGN")
    CampaignFactory.create(project=other, name="FOREIGN")
    make_segment(project=other, name="FOREIGN")
    assert not marketer.get(reverse(SEARCH), {"q": "FOREIGN"}).context["groups"]


@pytest.mark.parametrize("rows", [1, 20])
def test_a_search_costs_one_question_for_each_group(marketer, project, django_assert_num_queries, rows):
    for number in range(rows + 1):
        make_customer(project=project, name=f"Ada {number}")
        CampaignFactory.create(project=project, name=f"Ada {number}")
        make_segment(project=project, name=f"Ada {number}")
    with django_assert_num_queries(12):
        marketer.get(reverse(SEARCH), {"q": "ada"})
