"""The audit log: its chain, what refuses to change it, and what may be erased."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from config.project import audit
from config.project.models import AuditDetail, AuditEntry
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db


def record(project, number=1, **fields):
    given = {
        "actor": audit.Actor("user", "user_1", "ann@shop.example"), "action": "customer.changed",
        "object_type": "customer", "object_id": f"cust_{number}", "channel": "dashboard", "request_id": "w-1",
    }  # fmt: skip
    return audit.record(project=project, at=NOW, **(given | fields))


def unguarded(sql, *params):
    """What an owner of the database can do: switch the trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, params)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_only_what_differs_is_kept():
    entry = record(make_project(), before={"name": "Ann", "city": "Bonn"}, after={"name": "Anna", "city": "Bonn"})
    assert audit.values_of(entry) == {
        "actor": "ann@shop.example", "name": "", "before": {"name": "Ann"}, "after": {"name": "Anna"},
    }  # fmt: skip


def test_each_project_has_a_chain_of_its_own():
    one, two = make_project(), make_project("Other")
    entries = [record(one), record(two), record(one, 2), record(None, 3)]
    assert [(entry.project_id, entry.number) for entry in entries] == [
        (one.pk, 1), (two.pk, 1), (one.pk, 2), (None, 1),
    ]  # fmt: skip
    assert entries[2].previous_hash == entries[0].hash
    assert [audit.verify(chain) for chain in (one, two, None)] == [None, None, None]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE project_auditentry SET action = 'nothing'",
        "DELETE FROM project_auditentry",
        "UPDATE project_auditdetail SET values = '{}'",
    ],
)
def test_the_database_refuses_to_change_the_log(sql):
    record(make_project())
    with pytest.raises(DatabaseError, match="insert only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert audit.verify(make_project()) is None


@pytest.mark.parametrize(
    ("sql", "number", "reason"),
    [
        ("UPDATE project_auditentry SET action = 'nothing' WHERE number = 2", 2, "it was changed"),
        ("UPDATE project_auditentry SET actor_id = 'user_2' WHERE number = 3", 3, "it was changed"),
        ("UPDATE project_auditentry SET number = 9 WHERE number = 2", 2, "entry 2 is missing"),
        ("UPDATE project_auditdetail SET values = '{}' WHERE entry_id = (SELECT min(entry_id) + 1 FROM"
         " project_auditdetail)", 2, "its values were changed"),
    ],
)  # fmt: skip
def test_the_first_broken_row_is_named(sql, number, reason):
    project = make_project()
    for index in range(4):
        record(project, index, after={"name": index})
    unguarded(sql)
    assert audit.verify(project) == audit.Broken(project.pk, number, reason)
    with pytest.raises(CommandError, match=f"{project.public_id} is broken at entry {number}: {reason}"):
        call_command("verify_audit")


def test_a_row_that_was_taken_out_is_named():
    project = make_project()
    for index in range(3):
        record(project, index)
    unguarded("DELETE FROM project_auditdetail WHERE entry_id IN (SELECT id FROM project_auditentry WHERE number = 2)")
    unguarded("DELETE FROM project_auditentry WHERE number = 2")
    assert audit.verify(project) == audit.Broken(project.pk, 2, "entry 2 is missing")


def test_erasing_the_values_of_a_person_leaves_the_chain_whole(capsys):
    project = make_project()
    kept = record(project, 1, after={"name": "Ann"})
    record(project, 2, after={"name": "Bob", "email": "bob@shop.example"})
    assert audit.erase(project=project, object_type="customer", object_id="cust_2") == 1
    assert AuditDetail.objects.get().entry == kept
    assert AuditEntry.objects.count() == 2
    call_command("verify_audit")
    assert "hold" in capsys.readouterr().out
