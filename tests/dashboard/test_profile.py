"""The tabs of a profile: timeline with its filters, wallet, metadata and its editor; permanent deletion."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from config.imports.models import ImportFile
from config.project import schemas
from config.project.models import AuditEntry
from customers import services
from customers.models import Customer, Erasure, ImportedCustomer
from customers.payloads import CustomerData
from tests.dashboard.rows import make_event, make_order, make_redemption
from tests.factories import NOW, PASSWORD, CampaignFactory, make_customer, make_project, make_voucher
from tracking.models import Event
from vouchers.models import Publication

pytestmark = pytest.mark.django_db


def url(name, customer):
    return reverse(f"dashboard:{name}", args=[customer.public_id])


def titles(answer):
    return [item.title for _, items in answer.context["timeline"] for item in items]


@pytest.fixture
def ada(project):
    return make_customer(project=project, source_id="ada", name="Ada")


def imported(project, customer, *, created, hours=0):
    file = ImportFile.objects.create(
        project=project, subject="customers", title="crm.csv", path=f"x{hours}", size=1, sha256="", created_at=NOW
    )
    file.created_at = NOW + timedelta(hours=hours)
    file.save(update_fields=["created_at"])
    ImportedCustomer.objects.create(import_file=file, customer=customer, created=created)
    return file


def test_the_timeline_tells_edits_with_who_did_them_and_imports_with_their_file(marketer, project, ada):
    file = imported(project, ada, created=True)
    marketer.post(url("customer-edit", ada), {"name": "Ada L", "email": "", "version": "1"})
    answer = marketer.get(url("customer", ada))
    assert titles(answer) == ["Profile changed", "Added by import “crm.csv”"]
    page = answer.content.decode()
    assert "by user@shop.example" in page
    assert reverse("dashboard:import", args=[file.public_id]) in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"Did “opened”", "Order placed", "Redeemed TEN", "Changed by import “crm.csv”"}),
        ({"kind": "events"}, {"Did “opened”"}),
        ({"kind": "orders"}, {"Order placed"}),
        ({"kind": "redemptions"}, {"Redeemed TEN"}),
        ({"kind": "imports"}, {"Changed by import “crm.csv”"}),
        ({"kind": "segments"}, set()),
        ({"kind": "nonsense", "from": "x", "to": "99999999-1-1"}, 4),
        ({"from": "2100-01-01"}, set()),
        ({"to": "2000-01-01"}, set()),
    ],
)
def test_the_timeline_narrows_by_kind_and_date(marketer, project, ada, query, expected):
    make_event(ada, name="opened")
    Event.objects.create(
        project=project, type="customer.order.created", customer=ada, created_at=NOW, data={"order": {"id": "ord_1"}}
    )
    make_redemption(project, customer=ada, voucher=make_voucher(project=project, code="TEN"))
    imported(project, ada, created=False)
    answer = marketer.get(url("customer", ada), query)
    assert answer.status_code == 200
    found = titles(answer)
    assert len(found) == expected if isinstance(expected, int) else set(found) == expected


def test_the_timeline_narrows_by_campaign(marketer, project, ada):
    spring, other = CampaignFactory(project=project, name="Spring"), CampaignFactory(project=project, name="Other")
    for campaign, code in ((spring, "S1"), (other, "O1")):
        make_redemption(
            project,
            customer=ada,
            voucher=make_voucher(project=project, code=code, campaign=campaign),
            campaign=campaign,
        )
    answer = marketer.get(url("customer", ada), {"campaign": spring.public_id})
    assert titles(answer) == ["Redeemed S1"]
    assert [chip.words for chip in answer.context["chips"]] == ["Campaign is Spring"]


def test_the_wallet_shows_what_is_held_with_its_status_and_what_was_published(
    marketer, project, ada, django_assert_num_queries
):
    make_voucher(project=project, code="LIVE", holder=ada)
    make_voucher(project=project, code="OFF", holder=ada, active=False)
    make_voucher(project=project, code="GIFT", holder=ada, type="GIFT_VOUCHER", gift_amount=5000, discount=None)
    make_voucher(project=project, code="SOMEBODYS", holder=make_customer(project=project))
    Publication.objects.create(project=project, customer=ada, result="SUCCESS", codes=["LIVE"], created_at=NOW)
    Publication.objects.create(
        project=project, customer=ada, result="FAILURE", failure_message="No codes left", created_at=NOW
    )
    answer = marketer.get(url("customer-wallet", ada))
    page = answer.content.decode()
    assert [row.code for row in answer.context["listing"].rows] == ["GIFT", "OFF", "LIVE"]
    assert all(words in page for words in ("Disabled", "Active", "Gift card", "No codes left", "Published"))
    assert "SOMEBODYS" not in page


def test_an_empty_wallet_says_so(marketer, ada):
    assert "Nothing held yet" in marketer.get(url("customer-wallet", ada)).content.decode()


SCHEMA = {
    "tier": {"type": "string", "eq": ["gold", "silver"]},
    "visits": {"type": "number"},
    "vip": {"type": "boolean"},
    "brands": {"type": "string", "array": True},
}


@pytest.fixture
def declared(project):
    schemas.create(project=project, body={"related_object": "customer", "properties": SCHEMA}, at=NOW)


def posted(rows, **more):
    """(key, state, value, type) of each row as the form sends it."""
    sent = {"version": "1"}
    for number, (key, state, value, *kind) in enumerate(rows):
        sent |= {f"key-{number}": key, f"state-{number}": state, f"value-{number}": value}
        sent |= {f"type-{number}": kind[0]} if kind else {}
    return sent | more


def test_the_editor_shows_not_set_null_and_values_as_different_things(marketer, project, declared):
    metadata = {"tier": "gold", "vip": None, "brands": ["A", "B"], "free": {"a": [1]}}
    customer = make_customer(project=project, metadata=metadata)
    rows = marketer.get(url("customer-metadata-edit", customer)).context["rows"]
    assert [(row.key, row.state, row.text, row.input) for row in rows if row.key] == [
        ("brands", "value", "A\nB", "lines"),
        ("tier", "value", "gold", "choice"),
        ("vip", "null", "", "choice"),
        ("visits", "unset", "", "number"),
        ("free", "value", '{\n "a": [\n  1\n ]\n}', "lines"),
    ]
    assert len([row for row in rows if not row.key]) == 3


def test_rows_become_typed_metadata_and_removed_keys_are_gone(marketer, project, declared):
    customer = make_customer(project=project, metadata={"old": 1, "tier": "gold"})
    rows = [
        ("tier", "unset", ""), ("visits", "value", "12"), ("vip", "null", "true"), ("brands", "value", "A\n\nB\n"),
        ("old", "unset", "1", "number"), ("note", "value", " two  words ", "string"),
        ("half", "value", "0.5", "number"), ("yes", "value", "true", "boolean"),
        ("deep", "value", '{"a": [null]}', "json"), ("", "unset", "", "string"),
    ]  # fmt: skip
    answer = marketer.post(url("customer-metadata-edit", customer), posted(rows))
    assert answer["Location"] == url("customer-metadata", customer)
    customer.refresh_from_db()
    assert customer.metadata == {
        "visits": 12, "vip": None, "brands": ["A", "B"], "note": " two  words ", "half": 0.5, "yes": True,
        "deep": {"a": [None]},
    }  # fmt: skip
    assert (customer.version, Event.objects.get().type) == (2, "customer.updated")
    assert AuditEntry.objects.filter(action="customer.changed").count() == 1


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([("visits", "value", "many")], "is not a number"),
        ([("vip", "value", "perhaps")], "neither true, false nor null"),
        ([("tier", "value", "lead")], "tier: must be a string, must be equal to one of gold,silver"),
        ([("x", "value", "{", "json")], "line 1, column 2"),
        ([("x", "value", "NaN", "json")], "NaN is no JSON number"),
        ([("", "value", "x", "string")], "Give the key a name."),
        ([("x", "value", "1", "string"), ("x", "value", "2", "string")], "stands further up already"),
        ([("x", "nonsense", "1", "string")], "Choose not set, null or value."),
        ([("x", "value", "[" * 3000, "json")], "nested too deeply"),
        ([("x", "value", '{"a":{"b":{"c":{"d":1}}}}', "json")], "nested too deeply"),
    ],
)
def test_what_cannot_be_kept_is_said_at_its_row_and_nothing_changes(marketer, project, declared, rows, sentence):
    customer = make_customer(project=project, metadata={"tier": "gold"})
    answer = marketer.post(url("customer-metadata-edit", customer), posted(rows))
    assert answer.status_code == 400
    assert sentence in answer.content.decode().replace("&#x27;", "'")
    customer.refresh_from_db()
    assert (customer.metadata, customer.version) == ({"tier": "gold"}, 1)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n "a": 1,\n "b": }', "line 3, column 7"),
        ("[1]", "Write an object"),
        ('{"visits": "x"}', "visits: must be a number"),
        ('{"a": "\\u0000"}', "contains a character that cannot be stored"),
    ],
)
def test_broken_json_is_told_with_line_and_column(marketer, project, declared, text, sentence):
    customer = make_customer(project=project, metadata={"tier": "gold"})
    answer = marketer.post(url("customer-metadata-edit", customer), {"version": "1", "json": text})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert answer.context["text"] == text
    customer.refresh_from_db()
    assert customer.metadata == {"tier": "gold"}


def test_json_replaces_the_metadata_as_a_whole(marketer, project, declared):
    customer = make_customer(project=project, metadata={"tier": "gold", "x": 1})
    text = json.dumps({"visits": 3, "new": None})
    marketer.post(url("customer-metadata-edit", customer), {"version": "1", "json": text})
    customer.refresh_from_db()
    assert customer.metadata == {"visits": 3, "new": None}


def test_an_edit_over_a_newer_version_is_refused_and_shows_both(marketer, project):
    customer = make_customer(project=project, metadata={"a": 1})
    services.update(project=project, customer=customer, data=CustomerData(metadata={"a": 2}), at=NOW)
    rows = [("a", "value", "3", "number")]
    answer = marketer.post(url("customer-metadata-edit", customer), posted(rows))
    assert answer.status_code == 409
    assert (answer.context["stored"], answer.context["rows"][0].text, answer.context["version"]) == ({"a": 2}, "3", 2)
    marketer.post(url("customer-metadata-edit", customer), posted(rows, version="2"))
    customer.refresh_from_db()
    assert customer.metadata == {"a": 3}


def test_only_admins_delete_permanently_with_the_name_typed_and_their_password(sign_in, project, ada):
    make_order(ada, source_id="o1")
    user = sign_in("user")
    assert "Delete permanently" not in user.get(url("customer", ada)).content.decode()
    assert user.post(url("customer-erase", ada), {}).status_code == 403
    admin = sign_in("admin")
    assert "Delete permanently" in admin.get(url("customer", ada)).content.decode()
    good = {"typed": "Ada", "password": PASSWORD}
    for wrong in ({"typed": "ada"}, {"typed": ""}, {"password": "x"}, {"password": ""}):
        assert admin.post(url("customer-erase", ada), good | wrong).status_code == 400
    assert Customer.objects.filter(pk=ada.pk).exists()
    answer = admin.post(url("customer-erase", ada), good)
    assert answer["Location"] == reverse("dashboard:customers")
    assert not Customer.objects.filter(pk=ada.pk).exists()
    assert Erasure.objects.get().data["orders"] == 1


def test_nothing_of_another_project_opens(marketer):
    other = make_customer(project=make_project("Other"))
    for name in ("customer-wallet", "customer-metadata-edit", "customer-erase"):
        assert marketer.get(url(name, other)).status_code in (403, 404)
