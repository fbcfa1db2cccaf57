"""Check a code: the verdict, every reason, the calculation; and that asking keeps nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from config.project.models import Member
from tests.dashboard.rows import make_redemption
from tests.factories import NOW, make_customer, make_rule, make_segment, make_voucher
from tracking.models import Event, Order
from vouchers import fields
from vouchers.models import Redemption

pytestmark = pytest.mark.django_db
CHECK = "dashboard:check"


def page(browser, **query):
    answer = browser.get(reverse(CHECK), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_code_that_works_says_what_it_takes_off(marketer, project):
    make_voucher(project=project, code="TEN")
    text = page(marketer, code="TEN", amount="80,00")
    assert "It can be redeemed" in text
    assert "−€8.00" in text
    assert "€72.00" in text
    assert not Redemption.objects.exists()
    assert not Event.objects.exists()


def test_lines_are_shown_before_and_after(marketer, project):
    make_voucher(project=project, code="TEN")
    text = page(marketer, code="TEN", item=["mug", ""], quantity=["2", ""], price=["15.00", ""])
    assert "mug" in text
    assert "€30.00" in text
    assert "€27.00" in text


def test_every_reason_stands_with_the_fact_beside_the_rule(marketer, project):
    segment = make_segment(project=project, name="VIP")
    voucher = make_voucher(project=project, code="VIP20", expiration_date=NOW - timedelta(days=400))
    rule = make_rule(
        voucher,
        rules={
            "1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}},
            "2": {"name": "order.amount", "conditions": {"$more_than_or_equal": [10000]}},
            "logic": "1 AND 2",
        },
    )
    who = make_customer(project=project, name="Ada Keller", email="ada@shop.example")
    text = page(marketer, code="VIP20", customer="ada@shop.example", amount="80")
    assert "It would be refused" in text
    assert "Ada Keller" in text
    assert "It ended on" in text
    assert "Rule: “VIP”. This customer is not in it." in text
    assert "Rule: at least €100.00. This order: €80.00." in text
    assert reverse("dashboard:rule", args=[rule.public_id]) in text
    assert who.public_id not in text.split("Answer for support")[1]


def test_as_of_another_day_in_the_persons_zone(marketer, project):
    make_voucher(project=project, code="SOON", start_date=NOW)  # 11:00 in Berlin
    assert "Not valid yet" in page(marketer, code="SOON", when="2026-02-03T10:59")
    assert "It can be redeemed" in page(marketer, code="SOON", when="2026-02-03T11:00")


def test_an_unknown_code_offers_those_that_begin_alike(marketer, project):
    for code in ("SUMMER20", "SUMMER10", "WINTER5"):
        make_voucher(project=project, code=code)
    text = page(marketer, code="SUMMER2O")
    assert "Nobody knows this code" in text
    assert "SUMMER20" in text
    assert "WINTER5" not in text


def test_several_codes_are_checked_together(marketer, project):
    make_voucher(project=project, code="A")
    make_voucher(project=project, code="B", active=False)
    text = page(marketer, code="A, B", amount="100")
    assert "The attempt would be refused" in text
    assert text.count("Applies") == 1
    assert "The code is switched off" in text


def test_a_refused_attempt_fills_in_the_form(marketer, project):
    customer = make_customer(project=project)
    row = make_redemption(project, code="TEN", customer=customer, order_amount=8050, failure_code="voucher_expired")
    text = page(marketer, **{"from": row.public_id})
    for value in ("TEN", customer.public_id, "80.50", "2026-02-03T11:00:00"):
        assert f'value="{value}"' in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"amount": "abc"}, "is not an amount"),
        ({"amount": "-1"}, "is not an amount"),
        ({"amount": "1.005"}, "is not an amount"),
        ({"amount": "9" * 30}, "is not an amount"),
        ({"amount": "NaN"}, "is not an amount"),
        ({"customer": "nobody"}, "Nobody here has the id"),
        ({"when": "yesterday"}, "This is not a date and time."),
        ({"item": "mug", "quantity": "many"}, "is not a quantity"),
        ({"code": ",".join(f"C{n}" for n in range(31))}, "Not checked yet"),
        ({"code": "x" * 600}, "Not checked yet"),
    ],
)
def test_bad_input_is_said_beside_the_field(marketer, project, query, sentence):
    make_voucher(project=project, code="TEN")
    assert sentence in page(marketer, **{"code": "TEN", **query})


@pytest.mark.parametrize("value", ["😀" * 300, "<b>bold</b>", "' OR 1=1 --"])
def test_odd_values_never_break_the_page(marketer, project, value):
    for key in ("code", "customer", "amount", "when", "item", "quantity", "price"):
        assert "<b>bold</b>" not in page(marketer, **{"code": "TEN", key: value})
    assert marketer.get(reverse(CHECK), {"from": value}).status_code == 404


def test_merchants_check_codes_but_learn_no_others_and_no_customers(sign_in, project):
    make_voucher(project=project, code="SUMMER20")
    merchant = sign_in("merchant")
    text = page(merchant, code="SUMMER2O")
    assert "Nobody knows this code" in text
    assert "SUMMER20" not in text
    assert "data-find" not in text
    assert "Redeem now" not in page(merchant, code="SUMMER20")
    assert merchant.post(reverse("dashboard:check-redeem"), {"code": "SUMMER20"}).status_code == 403


def test_redeem_counts_a_use_as_the_person_who_is_signed_in(marketer, project):
    voucher = make_voucher(project=project, code="TEN", quantity=1)
    customer = make_customer(project=project)
    assert "Redeem now" in page(marketer, code="TEN", amount="80")
    asked = {"code": "TEN", "amount": "80", "customer": customer.public_id}
    answer = marketer.post(reverse("dashboard:check-redeem"), asked)
    row = Redemption.objects.get(result="SUCCESS")
    assert answer["Location"] == reverse("dashboard:redemption", args=[row.public_id])
    assert (row.channel_type, row.customer, row.discount_amount) == ("USER", customer, 800)
    voucher.refresh_from_db()
    assert voucher.redeemed_quantity == 1
    again = marketer.post(reverse("dashboard:check-redeem"), asked)
    assert again.status_code == 400
    assert "Not redeemed" in again.content.decode()
    assert Order.objects.count() == 1


@pytest.mark.parametrize("rules", [1, 5])
def test_a_check_costs_the_same_however_many_rules_there_are(marketer, project, django_assert_max_num_queries, rules):
    voucher = make_voucher(project=project, code="TEN")
    for _ in range(rules):
        make_rule(voucher, rules={"1": {"name": "order.amount", "conditions": {"$more_than": [10**6]}}})
    with django_assert_max_num_queries(12):
        page(marketer, code="TEN", amount="5")


def test_a_rule_and_the_lists_know_who_redeemed_here_by_login(marketer, project):
    """Source: validation rules 4.4; validation and redemption, listing."""
    voucher = make_voucher(project=project, code="DESK")
    login = Member.objects.get(project=project).user.email
    make_rule(voucher, rules={"1": {"name": "redemption.user.login", "conditions": {"$is": [login]}}})
    make_redemption(project, code="OTHER", channel_type="API", channel_id="app-1")
    assert marketer.post(reverse("dashboard:check-redeem"), {"code": "DESK", "amount": "10"}).status_code == 302
    row = Redemption.objects.get(code="DESK")
    assert (row.result, row.channel_type) == ("SUCCESS", "USER")

    def found(**conditions):
        where = fields.condition(
            fields.REDEMPTIONS, project, {"user_login": {"conditions": conditions}}, NOW, path=".filters"
        )
        return list(Redemption.objects.filter(where).values_list("code", flat=True))

    assert found(**{"$is": [login]}) == found(**{"$starts_with": [login[:3]]}) == ["DESK"]
    assert found(**{"$is_not": [login]}) == found(**{"$is_unknown": True}) == ["OTHER"]
    assert found(**{"$has_value": True}) == ["DESK"]
