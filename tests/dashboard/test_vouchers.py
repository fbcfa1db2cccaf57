"""A voucher's page and form, and the page of an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config.imports.models import ImportFile
from config.jobs.models import AsyncAction
from tests.dashboard.rows import make_redemption
from tests.factories import NOW, make_customer, make_project, make_rule, make_segment, make_voucher
from vouchers.models import RuleAssignment, ValidationRule, Voucher
from vouchers.services import issuing

pytestmark = pytest.mark.django_db
NEW = "dashboard:voucher-new"


def page_of(browser, voucher):
    return browser.get(reverse("dashboard:voucher", args=[voucher.public_id])).content.decode()


def test_a_voucher_only_for_a_segment_becomes_a_voucher_with_a_stored_rule(marketer, project):
    segment = make_segment(project=project, name="California corporates")
    answer = marketer.post(
        reverse(NEW),
        {"kind": "PERCENT", "percent_off": "20", "code": "CAL20", "quantity": "100", "segment": segment.public_id,
         "minimum": "50.00", "start": "2026-03-01", "end": "2026-03-31"},
    )  # fmt: skip
    voucher = Voucher.objects.get(code="CAL20")
    assert answer["Location"] == reverse("dashboard:voucher", args=[voucher.public_id])
    assert voucher.discount == {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER"}
    assert (voucher.quantity, voucher.type) == (100, "DISCOUNT_VOUCHER")
    assert voucher.start_date == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert voucher.expiration_date == datetime(2026, 3, 31, 21, 59, 59, 999_000, tzinfo=UTC)
    rule = RuleAssignment.objects.get(voucher=voucher).rule
    assert rule.name == "Only California corporates, from €50.00"
    assert rule.segment_ids == [segment.public_id]
    assert {key: rule.rules[key] for key in ("1", "2")} == {
        "1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}, "rules": {}},
        "2": {"name": "order.amount", "conditions": {"$more_than_or_equal": [5000]}, "rules": {}},
    }
    page = page_of(marketer, voucher)
    assert "Customer is in “California corporates”" in page
    assert "Order amount is at least €50.00" in page


@pytest.mark.parametrize(
    ("typed", "discount", "gift"),
    [
        ({"kind": "AMOUNT", "amount_off": "10"}, {"type": "AMOUNT", "amount_off": 1000}, 0),
        ({"kind": "FIXED", "fixed_amount": "19.90"}, {"type": "FIXED", "fixed_amount": 1990}, 0),
        ({"kind": "GIFT", "gift_amount": "100.00"}, None, 10_000),
        (
            {"kind": "PERCENT", "percent_off": "12.5", "amount_limit": "5"},
            {"type": "PERCENT", "percent_off": 12.5, "amount_limit": 500},
            0,
        ),
    ],
)
def test_each_kind_of_voucher(marketer, project, typed, discount, gift):
    assert marketer.post(reverse(NEW), typed).status_code == 302
    voucher = Voucher.objects.get()
    wanted = None if discount is None else {**discount, "effect": "APPLY_TO_ORDER"}
    assert (voucher.discount, voucher.gift_amount) == (wanted, gift)
    assert not ValidationRule.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"kind": "PERCENT"}, "Say how many percent."),
        ({"kind": "PERCENT", "percent_off": "101"}, "less than or equal to 100"),
        ({"kind": "AMOUNT", "amount_off": "-1"}, "greater than or equal to 0.01"),
        ({"kind": "AMOUNT", "amount_off": "1.005"}, "no more than 2 decimal places"),
        ({"kind": "GIFT"}, "Say how much is on the card."),
        ({"kind": "SOMETHING"}, "is not one of the available choices"),
        ({"kind": "PERCENT", "percent_off": "5", "quantity": "0"}, "greater than or equal to 1"),
        ({"kind": "PERCENT", "percent_off": "5", "start": "2026-02-02", "end": "2026-02-01"}, "lies before the first"),
        ({"kind": "PERCENT", "percent_off": "5", "segment": "seg_unknown"}, "is not one of the available choices"),
        ({"kind": "PERCENT", "percent_off": "5", "code": "TAKEN"}, "TAKEN"),
        ({"kind": "PERCENT", "percent_off": "5", "code": "a\x00b"}, "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_is_said_at_the_form_and_nothing_is_stored(marketer, project, typed, sentence):
    make_voucher(project=project, code="TAKEN")
    segment = make_segment(project=project)
    answer = marketer.post(reverse(NEW), {"segment": segment.public_id, **typed})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert Voucher.objects.count() == 1
    assert not ValidationRule.objects.exists()


def test_segments_of_other_projects_are_not_offered(marketer, project):
    make_segment(project=make_project("Other"), name="Foreign")
    assert "Foreign" not in marketer.get(reverse(NEW)).content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"active": False}, "The code is switched off"),
        ({"expiration_date": NOW - timedelta(days=400)}, "It ended on 30 Dec 2024, 11:00."),
        ({"start_date": NOW + timedelta(days=40_000)}, "Not valid yet"),
        ({"quantity": 2, "redeemed_quantity": 2}, "Redeemed 2 of 2."),
    ],
)
def test_the_page_names_every_reason_it_would_be_refused_now(marketer, project, fields, sentence):
    page = page_of(marketer, make_voucher(project=project, **fields))
    assert "Whoever tries it now is refused" in page
    assert sentence in page


def test_a_voucher_without_obstacles_says_so(marketer, project):
    assert "It can be redeemed by everybody." in page_of(marketer, make_voucher(project=project))


def test_vouchers_are_switched_off_and_on(marketer, project):
    voucher = make_voucher(project=project)
    url = reverse("dashboard:voucher-switch", args=[voucher.public_id])
    for typed, active in (({}, False), ({"active": "on"}, True)):
        assert marketer.post(url, typed).status_code == 302
        voucher.refresh_from_db()
        assert voucher.active is active


def test_viewers_switch_nothing(sign_in, project):
    voucher = make_voucher(project=project)
    answer = sign_in("viewer").post(reverse("dashboard:voucher-switch", args=[voucher.public_id]))
    voucher.refresh_from_db()
    assert (answer.status_code, voucher.active) == (403, True)


@pytest.mark.parametrize("name", ["voucher", "redemption", "customer", "task", "import", "voucher-switch"])
def test_rows_of_other_projects_are_not_found(marketer, project, name):
    other = make_project("Other")
    voucher, customer = make_voucher(project=other), make_customer(project=other)
    ids = {"voucher": voucher.public_id, "voucher-switch": voucher.public_id, "customer": customer.public_id}
    row = ids.get(name) or make_redemption(other).public_id
    url = reverse(f"dashboard:{name}", args=[row])
    answer = marketer.post(url) if name == "voucher-switch" else marketer.get(url)
    assert answer.status_code == 404


@pytest.mark.parametrize("attempts", [3, 30])
def test_a_voucher_costs_the_same_for_3_and_for_30_attempts(marketer, project, django_assert_num_queries, attempts):
    voucher = make_voucher(project=project)
    make_rule(voucher, rules={"1": {"name": "order.amount", "conditions": {"$is": [1]}}})
    for _ in range(attempts):
        make_redemption(project, voucher=voucher, customer=make_customer(project=project))
    with django_assert_num_queries(10):
        page_of(marketer, voucher)


def test_a_refused_attempt_shows_every_reason_with_the_fact_beside_the_rule(marketer, project):
    segment = make_segment(project=project, name="VIP")
    reasons = [
        {"key": "customer_rules_violated", "message": "m", "custom_message": "For friends only",
         "facts": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}, "found": []}},
        {"key": "order_rules_violated", "message": "m",
         "facts": {"name": "order.amount", "conditions": {"$more_than_or_equal": [10000]}, "found": 8000}},
    ]  # fmt: skip
    row = make_redemption(project, failure_code="customer_rules_violated", reasons=reasons)
    page = marketer.get(reverse("dashboard:redemption", args=[row.public_id])).content.decode()
    assert "The customer is not in the segment" in page
    assert "Rule: “VIP”. This customer is not in it. Your own message: For friends only" in page
    assert "The order is too small" in page
    assert "Rule: at least €100.00. This order: €80.00." in page


def test_an_attempt_shows_its_order(marketer, project):
    order = {"amount": 3000, "initial_amount": 3000, "total_discount_amount": 300, "total_amount": 2700,
             "items": [{"product": {"name": "Mug"}, "quantity": 2, "amount": 3000}]}  # fmt: skip
    row = make_redemption(project, order_snapshot=order, discount_amount=300)
    page = marketer.get(reverse("dashboard:redemption", args=[row.public_id])).content.decode()
    assert all(word in page for word in ("Mug", "€30.00", "€3.00", "€27.00", "Succeeded"))


def test_a_gift_card_shows_its_ledger_and_changes_by_hand(marketer, project):
    voucher = issuing.create(
        project=project, data={"type": "GIFT_VOUCHER", "code": "GC", "gift": {"amount": 5000}}, at=NOW
    )
    url = reverse("dashboard:voucher-balance", args=[voucher.public_id])
    for typed, balance in (
        ({"amount": "10.50", "reason": "Sorry"}, 6050),
        ({"amount": "-60.50", "reason": "Mistake"}, 0),
        ({"amount": "-1", "reason": "Too much"}, 0),
        ({"amount": "1", "reason": ""}, 0),
        ({"amount": "many", "reason": "x"}, 0),
        ({"amount": "0", "reason": "x"}, 0),
    ):
        marketer.post(url, typed)
        voucher.refresh_from_db()
        assert voucher.gift_balance == balance, typed
    page = page_of(marketer, voucher)
    assert "Sorry" in page
    assert "−€60.50" in page
    assert "Too much" not in page


def test_a_code_is_shown_as_a_picture(marketer, project):
    answer = marketer.get(reverse("dashboard:voucher-picture", args=[make_voucher(project=project).public_id]))
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.content.startswith(b"<?xml") or answer.content.startswith(b"<svg")


def test_a_deleted_code_is_gone_and_stays_reserved(marketer, project):
    voucher = make_voucher(project=project, code="ONCE")
    marketer.post(reverse("dashboard:voucher-delete", args=[voucher.public_id]))
    assert marketer.get(reverse("dashboard:voucher", args=[voucher.public_id])).status_code == 404
    assert marketer.post(reverse(NEW), {"kind": "PERCENT", "percent_off": "5", "code": "ONCE"}).status_code == 400


def test_a_code_is_published_to_a_customer(marketer, project):
    customer = make_customer(project=project, name="Ada Keller", source_id="crm-7")
    voucher = make_voucher(project=project, code="MINE")
    url = reverse("dashboard:voucher-publish", args=[voucher.public_id])
    assert "nobody here has" in marketer.post(url, {"customer": "nobody"}, follow=True).content.decode()
    assert "MINE is published to Ada Keller" in marketer.post(url, {"customer": "crm-7"}, follow=True).content.decode()
    voucher.refresh_from_db()
    assert voucher.holder == customer
    assert "Not published" in marketer.post(url, {"customer": "crm-7"}, follow=True).content.decode()


def test_a_file_of_codes_is_imported_in_the_background(marketer, project, data_folder):
    content = b"Code,Voucher Type,Value,Discount Type\nNEW-1,DISCOUNT_VOUCHER,10,PERCENT\n"
    file = SimpleUploadedFile("codes.csv", content, content_type="text/csv")
    answer = marketer.post(reverse("dashboard:voucher-import"), {"file": file})
    row = ImportFile.objects.get()
    assert answer["Location"] == reverse("dashboard:import", args=[row.public_id])
    assert row.subject == "vouchers"
    assert marketer.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"Value\n10\n"])
def test_what_is_no_file_of_codes_is_said_at_the_form(marketer, project, data_folder, content):
    file = SimpleUploadedFile("codes.csv", content)
    answer = marketer.post(reverse("dashboard:voucher-import"), {"file": file})
    assert answer.status_code == 400
    assert not AsyncAction.objects.exists()
