"""The audit log: its chain, what refuses to change it, and what may be erased."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from config.jobs import loops
from config.project import audit
from config.project.models import AuditDetail, AuditEntry, AuditLink, AuditPending
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
    assert audit.seal() == 4
    links = [AuditLink.objects.get(entry=entry) for entry in entries]
    assert [(link.project_id, link.number) for link in links] == [(one.pk, 1), (two.pk, 1), (one.pk, 2), (None, 1)]
    assert links[2].previous_hash == links[0].hash
    assert [audit.verify(chain) for chain in (one, two, None)] == [None, None, None]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE project_auditentry SET action = 'nothing'",
        "DELETE FROM project_auditentry",
        "UPDATE project_auditdetail SET values = '{}'",
        "UPDATE project_auditlink SET number = 7",
        "DELETE FROM project_auditlink",
    ],
)
def test_the_database_refuses_to_change_the_log(sql):
    record(make_project())
    audit.seal()
    with pytest.raises(DatabaseError, match="insert only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert audit.verify(make_project()) is None


@pytest.mark.parametrize(
    ("sql", "number", "reason"),
    [
        ("UPDATE project_auditentry SET action = 'nothing' WHERE object_id = 'cust_1'", 2, "it was changed"),
        ("UPDATE project_auditentry SET actor_id = 'user_2' WHERE object_id = 'cust_2'", 3, "it was changed"),
        ("UPDATE project_auditlink SET number = 9 WHERE number = 2", 2, "entry 2 is missing"),
        ("UPDATE project_auditlink SET previous_hash = '' WHERE number = 2", 2, "it does not follow the one before it"),
        ("UPDATE project_auditdetail SET values = '{}' WHERE entry_id = (SELECT min(entry_id) + 1 FROM"
         " project_auditdetail)", 2, "its values were changed"),
    ],
)  # fmt: skip
def test_the_first_broken_row_is_named(sql, number, reason):
    project = make_project()
    for index in range(4):
        record(project, index, after={"name": index})
    audit.seal()
    unguarded(sql)
    assert audit.verify(project) == audit.Broken(project.pk, number, reason)
    with pytest.raises(CommandError, match=f"{project.public_id} is broken at entry {number}: {reason}"):
        call_command("verify_audit")


SECOND = "(SELECT id FROM project_auditentry WHERE object_id = 'cust_1')"


def test_a_row_that_was_taken_out_is_named():
    project = make_project()
    for index in range(3):
        record(project, index)
    audit.seal()
    for table in ("auditdetail", "auditlink"):
        unguarded(f"DELETE FROM project_{table} WHERE entry_id IN {SECOND}")
    unguarded(f"DELETE FROM project_auditentry WHERE id IN {SECOND}")
    assert audit.verify(project) == audit.Broken(project.pk, 2, "entry 2 is missing")


def test_a_row_that_was_never_chained_is_named():
    project = make_project()
    kept, loose = record(project, 1), record(project, 2)
    AuditPending.objects.filter(entry=loose).delete()
    assert audit.verify(project) == audit.Broken(project.pk, 2, f"the row {loose.pk} was left out of the chain")
    assert AuditLink.objects.get().entry == kept


def test_a_row_moved_to_another_project_is_named():
    project, other = make_project(), make_project("Other")
    record(project)
    audit.seal()
    unguarded(f"UPDATE project_auditentry SET project_id = {other.pk}")
    assert audit.verify(project) == audit.Broken(project.pk, 1, "it was changed")


def test_sealing_goes_on_where_it_ended(monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 2)
    project = make_project()
    for index in range(5):
        record(project, index)
    assert audit.seal_some() is True
    assert AuditLink.objects.count() == 2
    record(project, 6)
    assert audit.seal() == 4
    assert list(AuditLink.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert (audit.seal(), audit.seal_some(), AuditPending.objects.count()) == (0, False, 0)
    assert audit.verify(project) is None


def test_a_crash_while_sealing_leaves_the_rest_pending(monkeypatch):
    project = make_project()
    record(project)
    with monkeypatch.context() as broken, pytest.raises(RuntimeError), transaction.atomic():
        broken.setattr(AuditPending.objects, "filter", lambda **_: raise_())
        audit.seal()
    assert (AuditLink.objects.count(), AuditPending.objects.count()) == (0, 1)
    assert audit.verify(project) is None
    assert AuditLink.objects.count() == 1


def raise_():
    raise RuntimeError("killed")


def test_what_is_rolled_back_leaves_no_entry():
    project = make_project()
    with pytest.raises(RuntimeError), transaction.atomic():
        record(project)
        raise_()
    assert not AuditEntry.objects.exists()
    assert not AuditPending.objects.exists()


def test_every_worker_seals():
    assert loops.LOOPS["audit.seal"].step is audit.seal_some


def test_erasing_the_values_of_a_person_leaves_the_chain_whole(capsys):
    project = make_project()
    kept = record(project, 1, after={"name": "Ann"})
    record(project, 2, after={"name": "Bob", "email": "bob@shop.example"})
    assert audit.erase(project=project, object_type="customer", object_id="cust_2") == 1
    assert AuditDetail.objects.get().entry == kept
    assert AuditEntry.objects.count() == 2
    call_command("verify_audit")
    assert "hold" in capsys.readouterr().out
