"""A project's settings: what is a value of each, what is refused, and what the audit log keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.kernel.errors import InvalidPayload
from config.project import audit, editing
from config.project.models import AuditEntry, Project
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db


def change(project, seen=None, check_seen=False, **changes):
    return editing.change(
        project=project, changes=changes, at=NOW + timedelta(hours=1), actor=audit.Actor("user", "user_1", "ann"),
        channel="dashboard", seen=seen, check_seen=check_seen,
    )  # fmt: skip


def test_what_was_sent_is_stored_and_written_down():
    project = make_project()
    stored = change(project, name=" Café ", currency="eur", client_trusted_domains=["https://a.example/", "*", "*"])
    assert (stored.name, stored.currency, stored.client_trusted_domains) == ("Café", "EUR", ["https://a.example", "*"])
    assert Project.objects.get(pk=project.pk).updated_at == NOW + timedelta(hours=1)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.channel) == ("project.changed", project.public_id, "dashboard")
    values = audit.values_of(entry)
    assert values["before"] == {"name": "Shop", "currency": "", "client_trusted_domains": []}
    assert values["after"]["name"] == "Café"


def test_a_change_that_changes_nothing_leaves_no_trace():
    project = make_project()
    change(project, name="Shop", strict_tracking=False)
    assert not AuditEntry.objects.exists()
    assert Project.objects.get(pk=project.pk).updated_at is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("name", "  ", ".name should not be empty"),
        ("name", "x" * 201, ".name should not be longer than 200 characters"),
        ("name", "a\0b", ".name contains a character that cannot be stored"),
        ("name", 7, ".name should be string"),
        ("description", "x" * 10_001, ".description should not be longer"),
        ("timezone", "Mars/Base", ".timezone is not a time zone: Mars/Base"),
        ("timezone", ["UTC"], ".timezone is not a time zone"),
        ("currency", "EURO", ".currency is not a currency of three letters"),
        ("dial_code", "+49 30", ".dial_code is not a dial code"),
        ("client_trusted_domains", "https://a.example", ".client_trusted_domains should be array of strings"),
        ("client_trusted_domains", ["https://a.example/path"], ".client_trusted_domains has an entry that is no"),
        ("client_trusted_domains", ["a.example"] * 101, ".client_trusted_domains should not have more than 100"),
        ("client_trusted_domains", ["a" * 400], ".client_trusted_domains has an entry that"),
        ("client_redeem_enabled", "yes", ".client_redeem_enabled should be boolean"),
        ("vendor_caps", {"cats": 1}, ".vendor_caps.cats is not a cap"),
        ("vendor_caps", {"dynamic_segments": True}, ".vendor_caps.dynamic_segments should be a number"),
        ("vendor_caps", {"dynamic_segments": 2**53}, ".vendor_caps.dynamic_segments should be a number"),
        ("case_sensitive_codes", False, ".case_sensitive_codes cannot be changed"),
        ("tracking_secret", "x", ".tracking_secret cannot be changed"),
        ("pk", 1, ".pk cannot be changed"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused_by_its_name_and_nothing_is_stored(name, value, sentence):
    project = make_project()
    with pytest.raises(InvalidPayload) as refused:
        change(project, **({"description": "new"} | {name: value}))
    assert sentence in refused.value.details
    assert Project.objects.get(pk=project.pk).description == ""
    assert not AuditEntry.objects.exists()


def test_a_form_opened_before_somebody_elses_change_is_refused():
    project = make_project()
    stored = change(project, name="First", check_seen=True)
    with pytest.raises(editing.ChangedMeanwhile):
        change(project, name="Second", check_seen=True, seen=None)
    assert change(project, name="Third", check_seen=True, seen=stored.updated_at).name == "Third"
