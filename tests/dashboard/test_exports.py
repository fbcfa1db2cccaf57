"""Exports in the dashboard: the file is the list, big ones ask for the password, formulas are defused."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse

from config.dashboard import exports
from config.dashboard.exportables import EXPORTABLES
from config.jobs.models import Export
from config.kernel import formulas
from config.project import audit
from config.project.models import AuditEntry, Preference
from tests.dashboard.rows import make_redemption
from tests.factories import NOW, PASSWORD, make_customer, make_project, make_segment, make_voucher
from tests.jobs import run_queued

pytestmark = pytest.mark.django_db
FORMULAS = (
    *("=1+1", "=cmd|' /C calc'!A0", "+1+cmd", "-2+3+cmd|'x'!A1", "@SUM(1+1)", '=HYPERLINK("http://e")', "=1", "@a"),
    *("\t=1+1", "\r=1+1", "'=1+1", "''=1+1", "-a", "+a", '="a"', "-(1)", "=A1;B2", "+SUM(A1)", "@", "-=1"),
)
HARMLESS = (
    *("-1", "+1", "-1.5", "+49 30 123456", "+1 (555) 010-9999", "-0", "1", "12.50", "-1,000.00", "0049-30-1"),
    *("+491701234567", "-12/2026", "3.14", "-3.14", "+0", "1-2", "-99.9", "+44 20 7946 0958", "2026-01-31", "-7"),
)


@pytest.fixture(autouse=True)
def files_here(data_folder):
    """Files of this test."""


def url(name, **query):
    return exports.export_url(name, {key: str(value) for key, value in query.items()})


def ask(browser, name, fields=("source_id",), *, data=None, **query):
    return browser.post(url(name, **query), {"fields_chosen": list(fields), **(data or {})})


def file_of(browser):
    run_queued()
    export = Export.objects.latest("pk")
    answer = browser.get(reverse("dashboard:export-file", args=[export.public_id]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert answer["Content-Disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(answer.getvalue().decode(), newline="")))


def shown(project, name, **query):
    """Ids of all rows of the list in its order, page by page as a person reads it."""
    one = EXPORTABLES[name]
    listing = exports.lists.read(one.spec(project, NOW), one.rows(project), query)
    return [row.public_id for row in listing.rows]


@pytest.fixture
def people(project):
    for index in range(12):
        make_customer(
            project=project, source_id=f"crm-{index}", name=["Ann", "bob", "Åsa", None][index % 4],
            address={"country": ["DE", "FR", "PL"][index % 3], "city": ["Berlin", "Bonn"][index % 2]},
            created_at=NOW - timedelta(days=index % 5),
        )  # fmt: skip
    make_customer(project=make_project("Other"), address={"country": "DE"})


CITY = json.dumps({"junction": "and", "address.city": {"conditions": {"$is": ["Bonn"]}}})


@pytest.mark.parametrize(
    "query",
    [
        {}, {"country": "DE"}, {"country": "DE", "city": "Bonn"}, {"q": "crm-1"}, {"sort": "name"}, {"sort": "-name"},
        {"sort": "created"}, {"sort": "-changed"}, {"filter": CITY}, {"country": "XX"}, {"segment": "the segment"},
        {"filter": CITY, "q": "ann", "sort": "name"}, {"filter": "not JSON"},
    ],
    ids=str,
)  # fmt: skip
def test_an_export_equals_the_list(marketer, project, people, query):
    segment = make_segment(project=project)
    query = {key: segment.public_id if value == "the segment" else value for key, value in query.items()}
    assert ask(marketer, "customers", ["id"], **query)["Location"] == reverse("dashboard:exports")
    rows = file_of(marketer)
    assert rows[0] == ["ID"]
    assert [row[0] for row in rows[1:]] == shown(project, "customers", **query)


@pytest.mark.parametrize("query", [{}, {"tab": "expired"}, {"tab": "disabled"}, {"q": "SUM"}, {"type": "GIFT_VOUCHER"}])
def test_an_export_of_vouchers_equals_the_list(marketer, project, query):
    make_voucher(project=project, code="SUMMER")
    make_voucher(project=project, code="OLD", expiration_date=NOW - timedelta(days=1))
    make_voucher(project=project, code="OFF", active=False)
    make_voucher(project=project, code="GIFT", gift_amount=500)
    ask(marketer, "vouchers", ["id", "code"], **query)
    assert [row[0] for row in file_of(marketer)[1:]] == shown(project, "vouchers", **query)


@pytest.mark.parametrize("query", [{}, {"tab": "refused"}, {"tab": "succeeded"}, {"reason": "quantity_exceeded"}])
def test_an_export_of_redemptions_equals_the_list(marketer, project, query):
    make_redemption(project)
    make_redemption(project, failure_code="quantity_exceeded")
    make_redemption(project, failure_code="voucher_expired")
    ask(marketer, "redemptions", ["id"], **query)
    assert [row[0] for row in file_of(marketer)[1:]] == shown(project, "redemptions", **query)


def test_the_fields_stand_in_the_order_chosen_and_are_remembered(marketer, project, people):
    ask(marketer, "customers", ["email", "id", "name"])
    assert file_of(marketer)[0] == ["Email", "ID", "Name"]
    assert Preference.objects.get().value == ["email", "id", "name"]
    fields = marketer.get(url("customers")).context["fields"]
    assert [name for name, _, on in fields if on] == ["email", "id", "name"]
    assert [name for name, *_ in fields[:3]] == ["email", "id", "name"]


def test_metadata_keys_are_offered_and_written(marketer, project):
    make_customer(project=project, source_id="a", metadata={"tier": "gold"})
    assert ("metadata.tier", "tier", False) in marketer.get(url("customers")).context["fields"]
    ask(marketer, "customers", ["source_id", "metadata.tier"])
    assert file_of(marketer) == [["Source ID", "metadata.tier"], ["a", "gold"]]


def test_the_filter_stands_as_a_sentence_on_the_page_in_the_history_and_in_the_audit_log(marketer, project, people):
    page = marketer.get(url("customers", country="DE", q="crm")).content.decode()
    sentence = "Customers: Country is DE; search “crm”"
    assert sentence in page
    assert "4 rows" in page
    ask(marketer, "customers", country="DE", q="crm")
    assert Export.objects.get().title == sentence
    run_queued()
    assert sentence in marketer.get(reverse("dashboard:exports")).content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == ("export.created", Export.objects.get().public_id)
    assert audit.values_of(entry)["after"] == {"filter": sentence, "rows": 4, "fields": ["source_id"]}
    file_of(marketer)
    assert AuditEntry.objects.latest("pk").action == "export.downloaded"


@pytest.mark.parametrize(("password", "status"), [(None, 400), ("", 400), ("wrong", 400), (PASSWORD, 302)])
def test_a_big_export_asks_for_the_password(marketer, project, people, monkeypatch, password, status):
    monkeypatch.setattr(exports, "ASKS_FROM", 11)
    given = {} if password is None else {"password": password}
    assert ask(marketer, "customers", data=given).status_code == status
    assert Export.objects.count() == (1 if status == 302 else 0)
    assert 'name="password"' in marketer.get(url("customers")).content.decode()
    assert 'name="password"' not in marketer.get(url("customers", country="DE")).content.decode()


@pytest.mark.parametrize("fields", [[], ["secret"], ["source_id", "project__webhook_token"]])
def test_other_fields_are_refused(marketer, people, fields):
    assert ask(marketer, "customers", fields).status_code == 400
    assert not Export.objects.exists()


def test_unknown_lists_and_files_of_other_projects_are_not_there(marketer, project):
    assert marketer.get(url("secrets")).status_code == 404
    other = Export.objects.create(
        project=make_project("Other"), exported_object="customer", status="DONE", created_at=NOW
    )
    assert marketer.get(reverse("dashboard:export-file", args=[other.public_id])).status_code == 404
    assert other.public_id not in marketer.get(reverse("dashboard:exports")).content.decode()


def test_a_merchant_exports_nothing(sign_in, people):
    browser = sign_in("merchant")
    assert browser.get(url("redemptions")).status_code == 403
    assert ask(browser, "redemptions").status_code == 403


def test_run_again_leads_to_the_same_question(marketer, project, people):
    ask(marketer, "customers", country="DE")
    run_queued()
    assert (
        url("customers", country="DE").replace("&", "&amp;")
        in marketer.get(reverse("dashboard:exports")).content.decode()
    )


@pytest.mark.parametrize("rows", [3, 30])
def test_the_history_costs_the_same_for_3_and_for_30_rows(marketer, project, django_assert_num_queries, rows):
    for _ in range(rows):
        Export.objects.create(project=project, exported_object="customer", status="DONE", created_at=NOW)
    with django_assert_num_queries(7):
        assert marketer.get(reverse("dashboard:exports")).status_code == 200


@pytest.mark.parametrize("rows", [3, 30])
def test_the_question_costs_the_same_for_3_and_for_30_rows(marketer, project, django_assert_num_queries, rows):
    for index in range(rows):
        make_customer(project=project, metadata={f"key {index}": 1})
    marketer.get(url("customers"))
    with django_assert_num_queries(10):
        assert marketer.get(url("customers")).status_code == 200


@pytest.mark.parametrize("payload", FORMULAS + HARMLESS, ids=repr)
def test_no_cell_of_a_download_is_a_formula_and_import_gives_the_original(marketer, project, payload):
    make_customer(project=project, source_id="a", name=payload, metadata={"note": payload})
    ask(marketer, "customers", ["source_id", "name", "metadata.note"])
    _, (_, name, note) = file_of(marketer)
    risky = payload in FORMULAS
    for cell in (name, note):
        assert cell == (f"'{payload}" if risky else payload)
        assert not risky or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert formulas.unguard(cell) == payload


def guarded(payload):
    return f"'{payload}" if payload in FORMULAS else payload


def test_no_cell_of_vouchers_is_a_formula(marketer, project):
    for index, payload in enumerate(FORMULAS + HARMLESS):
        make_voucher(
            code=payload,
            code_key=payload,
            project=project,
            additional_info=payload,
            metadata={"note": [payload, "x"], "n": index},
        )
    ask(marketer, "vouchers", ["code", "additional_info", "metadata.note", "metadata.n"])
    found = {int(row[3]): row[:3] for row in file_of(marketer)[1:]}
    for index, payload in enumerate(FORMULAS + HARMLESS):
        assert found[index] == [guarded(payload), guarded(payload), formulas.guard(f"{payload},x")]


def test_no_cell_of_redemptions_is_a_formula(marketer, project):
    for index, payload in enumerate(FORMULAS + HARMLESS):
        customer = make_customer(project=project, source_id=payload, name=payload)
        make_redemption(
            project, customer=customer, code=payload, token=payload, failure_code="x", failure_message=payload,
            public_id=f"rf_{index}",
        )  # fmt: skip
    text = ["voucher_code", "customer_source_id", "customer_name", "tracking_id", "failure_message"]
    ask(marketer, "redemptions", ["id", *text])
    found = {row[0]: row[1:] for row in file_of(marketer)[1:]}
    for index, payload in enumerate(FORMULAS + HARMLESS):
        assert found[f"rf_{index}"] == [guarded(payload)] * 5
