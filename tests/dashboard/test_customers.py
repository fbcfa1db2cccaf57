"""Adding, editing and deleting a customer, and the profile."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.urls import reverse

from config.dashboard.narrowings import as_filter
from customers.models import Customer
from segments.models import Segment
from tests.dashboard.rows import make_event, make_order, make_redemption
from tests.factories import NOW, make_customer, make_project, make_segment, make_voucher
from tracking.models import EventCounter

pytestmark = pytest.mark.django_db


def url(name, customer):
    return reverse(f"dashboard:{name}", args=[customer.public_id])


def form_of(browser, customer):
    """What the opened form would send back unchanged."""
    form = browser.get(url("customer-edit", customer)).context["form"]
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    return {name: "" if value is None else value for name, value in values.items()}


def test_a_customer_is_added_with_what_was_typed(marketer, project):
    typed = {"source_id": "crm-1", "name": " Ada ", "email": "ada@shop.example", "birthdate": "1990-12-31",
             "city": "Berlin", "metadata": '{"tier": "gold"}'}  # fmt: skip
    answer = marketer.post(reverse("dashboard:customer-new"), typed)
    customer = Customer.objects.get()
    assert answer["Location"] == url("customer", customer)
    assert (customer.source_id, customer.name, customer.email_key) == ("crm-1", "Ada", "ada@shop.example")
    assert (customer.birthdate, customer.address, customer.metadata) == (
        *(date(1990, 12, 31), {"city": "Berlin"}, {"tier": "gold"}),
    )
    assert customer.project == project


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"source_id": "taken", "name": "New"}, "Duplicated customer exists with source_id taken"),
        ({"email": "no mail"}, "Enter a valid email address."),
        ({"birthdate": "31/31/1990"}, "Enter a valid date."),
        ({"metadata": "{"}, "This is not JSON: line 1, column 2."),
        ({"metadata": "[1]"}, "Write an object"),
        ({"name": "x" * 501}, "cannot be longer than 500 characters"),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_stored_is_said_and_nothing_changes(marketer, project, typed, sentence):
    stored = make_customer(project=project, source_id="taken", name="Old")
    answer = marketer.post(reverse("dashboard:customer-new"), typed)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    stored.refresh_from_db()
    assert (Customer.objects.count(), stored.name) == (1, "Old")


def test_an_edit_sends_only_what_differs(marketer, project):
    customer = make_customer(project=project, name="Ada", email="a@b.example", address={"city": "Bonn", "line_2": None})
    typed = form_of(marketer, customer) | {"name": "", "city": "Köln"}
    assert marketer.post(url("customer-edit", customer), typed)["Location"] == url("customer", customer)
    customer.refresh_from_db()
    assert (customer.name, customer.email, customer.address) == (None, "a@b.example", {"city": "Köln", "line_2": None})
    assert (customer.nulled_fields, customer.version) == (["name"], 2)


def test_saving_without_a_change_changes_nothing(marketer, project):
    customer = make_customer(project=project, name="Ada", metadata={"a": 1}, birthdate=date(1990, 1, 1))
    marketer.post(url("customer-edit", customer), form_of(marketer, customer))
    customer.refresh_from_db()
    assert (customer.version, customer.updated_at) == (1, None)


def test_two_people_at_one_profile_the_second_sees_both_and_decides(marketer, project):
    customer = make_customer(project=project, name="Ada", phone="1")
    mine = form_of(marketer, customer)
    marketer.post(url("customer-edit", customer), mine | {"name": "Theirs"})

    answer = marketer.post(url("customer-edit", customer), mine | {"name": "Mine"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Somebody changed this customer after you opened the form" in page
    assert "Theirs" in page
    assert 'value="Mine"' in page
    customer.refresh_from_db()
    assert customer.name == "Theirs"

    answer = marketer.post(url("customer-edit", customer), mine | {"name": "Mine", "version": "2"})
    customer.refresh_from_db()
    assert (answer.status_code, customer.name, customer.version) == (302, "Mine", 3)


def test_the_source_id_cannot_be_edited(marketer, project):
    customer = make_customer(project=project, source_id="crm-1")
    marketer.post(url("customer-edit", customer), form_of(marketer, customer) | {"source_id": "crm-2"})
    customer.refresh_from_db()
    assert customer.source_id == "crm-1"


def test_a_deleted_customer_is_gone_and_attempts_stay(marketer, project):
    customer = make_customer(project=project)
    attempt = make_redemption(project, customer=customer)
    assert marketer.post(url("customer-delete", customer))["Location"] == reverse("dashboard:customers")
    assert marketer.get(url("customer", customer)).status_code == 404
    attempt.refresh_from_db()
    assert attempt.customer_id == customer.pk


@pytest.mark.parametrize("name", ["customer-new", "customer-edit", "customer-delete"])
def test_viewers_change_no_customer(sign_in, project, name):
    customer = make_customer(project=project)
    address = reverse("dashboard:customer-new") if name == "customer-new" else url(name, customer)
    assert sign_in("viewer").post(address, {"name": "X"}).status_code == 403
    assert Customer.objects.get().deleted_at is None


def test_the_timeline_is_one_feed_of_events_and_attempts(marketer, project):
    customer = make_customer(project=project)
    make_event(customer, "customer.custom_event", name="newsletter_opened", created_at=NOW)
    make_event(customer, "customer.redemption.failed", created_at=NOW)
    make_event(customer, "customer.something_unheard_of", created_at=NOW - timedelta(days=40))
    reasons = [{"key": "quantity_exceeded", "facts": {"quantity": 1, "redeemed_quantity": 1}}]
    made = make_voucher(project=project, code="TEN")
    make_redemption(
        project, customer=customer, voucher=made, failure_code="quantity_exceeded", reasons=reasons,
        created_at=NOW + timedelta(minutes=1),
    )  # fmt: skip
    make_redemption(project, customer=customer, discount_amount=300, created_at=NOW + timedelta(minutes=2))
    months = marketer.get(url("customer", customer)).context["timeline"]
    assert [(label, [(item.title, item.text) for item in items]) for label, items in months] == [
        (
            "February 2026",
            [
                ("Redeemed TEN", "€3.00 off"),
                ("TEN was refused", "All uses are taken"),
                ("Did “newsletter_opened”", ""),
            ],
        ),
        ("December 2025", [("Something unheard of", "")]),
    ]


def test_the_timeline_goes_on_page_by_page_without_gap_or_repetition(marketer, project):
    customer = make_customer(project=project)
    for number in range(70):
        at = NOW + timedelta(seconds=number // 3)
        if number % 2:
            make_event(customer, name=f"e{number}", created_at=at)
        else:
            make_redemption(project, customer=customer, code=f"e{number}", created_at=at)
    seen = []
    address = url("customer", customer)
    query = ""
    while True:
        context = marketer.get(address + query).context
        seen += [item.title for _, items in context["timeline"] for item in items]
        if not (query := context["older_url"]):
            break
    assert len(seen) == len(set(seen)) == 70


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "%00", "😀"])
def test_a_forged_cursor_is_the_beginning(marketer, project, cursor):
    customer = make_customer(project=project)
    make_event(customer, name="once")
    context = marketer.get(url("customer", customer), {"before": cursor}).context
    assert [item.title for _, items in context["timeline"] for item in items] == ["Did “once”"]


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("customer", 12),
        ("customer-wallet", 9),
        ("customer-orders", 8),
        ("customer-metadata", 8),
        ("customer-segments", 10),
    ],
)
def test_a_profile_costs_the_same_for_3_and_for_30_rows(
    marketer, project, django_assert_num_queries, rows, name, queries
):
    customer = make_customer(project=project, metadata={"deep": {"er": [1, None, ""]}, "no": False})
    for number in range(rows):
        make_segment(project=project)
        make_event(customer, name="opened")
        make_order(customer, source_id=f"o{number}")
        make_redemption(project, customer=customer, voucher=make_voucher(project=project))
        EventCounter.objects.create(customer=customer, name=f"n{number}", count=1, first_at=NOW, last_at=NOW)
    with django_assert_num_queries(queries):
        assert marketer.get(url(name, customer)).status_code == 200


def test_metadata_shows_null_empty_and_no_as_different_things(marketer, project):
    customer = make_customer(project=project, metadata={"a": None, "b": "", "c": False, "d": 0, "e": [], "f": {"g": 1}})
    page = marketer.get(url("customer-metadata", customer)).content.decode()
    assert all(word in page for word in ("null</span>", "empty text", "<dd>no<", "<dd>0<", "empty list", "1 key<"))


def test_customers_of_other_projects_have_no_form(marketer):
    customer = make_customer(project=make_project("Other"))
    assert marketer.get(url("customer-edit", customer)).status_code == 404
    assert marketer.post(url("customer-edit", customer), {"name": "X"}).status_code == 404


def test_deep_json_in_the_form_is_refused(marketer):
    answer = marketer.post(reverse("dashboard:customer-new"), {"metadata": "[" * 100_000})
    assert answer.status_code == 400
    answer = marketer.post(reverse("dashboard:customer-new"), {"metadata": json.dumps({"a": {"b": {"c": {"d": {}}}}})})
    assert answer.status_code == 400


def test_the_profile_says_in_which_segments_and_why_not_in_another(marketer, project):
    customer = make_customer(project=project, address={"city": "Bonn"})
    berlin = make_segment(project=project, name="Berliners")
    make_segment(
        project=project, name="Bonners", definition='{"junction":"and","address.city":{"conditions":{"$is":["Bonn"]}}}'
    )
    answer = marketer.get(url("customer-segments", customer), {"check": berlin.public_id})
    assert [segment.name for segment in answer.context["inside"]] == ["Bonners"]
    page = answer.content.decode()
    assert "Not in, because" in page
    assert "Bonn" in page


def test_the_list_narrows_by_segment_and_by_the_filter_language(marketer, project):
    make_customer(project=project, name="Ada", address={"city": "Berlin"})
    make_customer(project=project, name="Ben", address={"city": "Bonn"})
    segment = make_segment(project=project, name="Berliners")
    address = reverse("dashboard:customers")
    written = '{"junction":"and","address.city":{"conditions":{"$is":["Bonn"]}}}'
    for query, chip, shown, hidden in (
        ({"segment": segment.public_id}, "In segment “Berliners”", "Ada", "Ben"),
        ({"filter": written}, "City is Bonn", "Ben", "Ada"),
    ):
        answer = marketer.get(address, query)
        assert [found.words for found in answer.context["listing"].chips] == [chip]
        assert [row.name for row in answer.context["listing"].rows] == [shown]
        assert hidden not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"segment": "seg_gone"}, "This segment does not exist any more."),
        ({"filter": "{"}, "The filter in the address is not JSON."),
        ({"filter": "[" * 5000}, "The filter in the address is not JSON."),
        ({"filter": '{"junction":"and","nonsense":{"conditions":{"$is":[1]}}}'}, "nonsense"),
        ({"filter": '{"junction":"and"}'}, "filter"),
    ],
)
def test_a_filter_that_cannot_be_read_is_never_everyone(marketer, project, query, sentence):
    make_customer(project=project, name="Ada")
    answer = marketer.get(reverse("dashboard:customers"), query)
    assert answer.status_code == 200
    assert answer.context["listing"].rows == []
    assert sentence in " ".join(answer.context["listing"].problems)


def test_segments_of_other_projects_narrow_nothing(marketer, project):
    make_customer(project=project)
    foreign = make_segment(project=make_project("Other"), name="Foreign")
    answer = marketer.get(reverse("dashboard:customers"), {"segment": foreign.public_id})
    assert answer.context["listing"].rows == []
    assert "Foreign" not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ({}, ""),
        ({"q": "ada", "country": "DE"}, ""),
        ({"country": "DE"}, {"junction": "and", "address.country": {"conditions": {"$is": ["DE"]}}}),
        ({"segment": "seg_1"}, {"junction": "and", "segments": {"conditions": {"$in": ["seg_1"]}}}),
        ({"filter": '{"junction":"or"}'}, {"junction": "or"}),
        (
            {"filter": '{"junction":"or"}', "city": "Bonn"},
            {"junction": "and", "address.city": {"conditions": {"$is": ["Bonn"]}}, "g1": {"junction": "or"}},
        ),
        ({"filter": "{"}, ""),
    ],
)
def test_the_filters_of_the_list_as_one_filter(query, written):
    found = as_filter(query)
    assert (json.loads(found) if found else "") == written


def test_a_filtered_list_becomes_the_segment_it_shows(marketer, project):
    make_customer(project=project, name="Ada", address={"country": "DE"})
    make_customer(project=project, name="Ben", address={"country": "FR"})
    address = marketer.get(reverse("dashboard:customers"), {"country": "DE"}).context["save_as"]
    form = marketer.get(address).context["form"]
    marketer.post(reverse("dashboard:segment-new"), {"name": "Germans", "filter": form.initial["filter"]})
    segment = Segment.objects.get()
    shown = marketer.get(reverse("dashboard:customers"), {"segment": segment.public_id}).context["listing"].rows
    assert [row.name for row in shown] == ["Ada"]
