"""What the audit log was missing: assignments, work on many rows, exports' ends, operators, commands."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from config.dashboard.audit_log import OBJECTS
from config.paths import BASE_DIR
from config.project import audit
from config.project.models import AuditEntry, User
from customers import imports, tasks
from tests.factories import NOW, PASSWORD, make_customer, make_member, make_rule, make_segment, make_shop, make_voucher
from tests.jobs import run_queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop()


def written():
    """(action, object type, channel), oldest first."""
    return list(AuditEntry.objects.order_by("pk").values_list("action", "object_type", "channel"))


def last():
    return audit.values_of(AuditEntry.objects.latest("pk"))


def test_assigning_a_rule_and_taking_it_back(shop):
    rule, voucher = make_rule(project=shop.project), make_voucher(project=shop.project)
    address = f"/v1/validation-rules/{rule.public_id}/assignments"
    target = {"related_object_type": "voucher", "related_object_id": voucher.public_id}
    made = shop.server().post(address, target).json()
    assert last()["after"] == target
    assert shop.server().delete(f"{address}/{made['id']}").status_code == 204
    assert last()["before"] == target
    assert [action for action, *_ in written()] == ["validation_rule.assigned", "validation_rule.unassigned"]
    assert shop.server().delete(f"{address}/{made['id']}").status_code == 404
    assert len(written()) == 2


@pytest.mark.parametrize(
    ("path", "body", "action"),
    [
        ("customers/bulk/async", [{"source_id": "a"}, {"source_id": "b"}], "customer.bulk_started"),
        ("customers/metadata/async", {"source_ids": ["a", "b"], "metadata": {"x": 1}}, "customer.metadata_started"),
        ("products/bulk/async", [{"source_id": "a"}, {"source_id": "b"}], "product.bulk_started"),
        ("products/metadata/async", {"source_ids": ["a", "b"], "metadata": {"x": 1}}, "product.metadata_started"),
        ("orders/import", [{"source_id": "a"}, {"source_id": "b"}], "order.import_started"),
    ],
)
def test_work_on_many_rows_names_the_key_that_began_it(shop, data_folder, path, body, action):
    answer = shop.server().post(f"/v1/{path}", body)
    assert answer.status_code in (200, 202)
    assert written() == [(action, "async_action", "api")]
    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.object_id) == (shop.secrets["app_id"], answer.json()["async_action_id"])
    assert last()["after"] == {"rows": 2}
    assert shop.server().post(f"/v1/{path}", {"not": "this"}).status_code == 400
    assert len(written()) == 1


def test_an_import_over_the_api_names_its_key_and_its_end(shop, data_folder):
    file = SimpleUploadedFile("crm.csv", b"source_id,name\na,Ann\n", "text/csv")
    assert shop.server().post("/v1/customers/importCSV", {"file": file}, format="multipart").status_code == 202
    run_queued()
    assert written() == [
        ("customer.import_started", "async_action", "api"), ("customer.imported", "import", "import"),
    ]  # fmt: skip


def test_an_import_that_is_run_again_after_a_crash_is_one_entry(shop, data_folder):
    content = io.BytesIO(b"source_id,name\na,Ann\n")
    started = imports.start_from_api(
        project=shop.project, content=content, given_name="crm.csv", at=NOW, limit=10_000, request_id="v-1"
    )
    run_queued()
    type(started).objects.update(status="IN_PROGRESS")
    started.refresh_from_db()
    tasks.note_import(tasks.Run(started), "customer", started.result)
    assert written() == [("customer.imported", "import", "import")]


def test_an_export_is_written_down_from_its_start_to_its_end(shop, data_folder):
    make_customer(project=shop.project)
    made = shop.server().post("/v1/exports", {"exported_object": "customer"}).json()
    run_queued()
    url = shop.server().get(f"/v1/exports/{made['id']}").json()["result"]["url"]
    assert Client().get(url.replace("http://testserver", "")).getvalue().count(b"\n") == 2
    assert shop.server().delete(f"/v1/exports/{made['id']}").status_code == 204
    assert [action for action, *_ in written()] == ["export.created", "export.downloaded", "export.deleted"]
    assert last()["before"] == {"object": "customer", "rows": 1}
    assert shop.server().delete(f"/v1/exports/{made['id']}").status_code == 404
    assert len(written()) == 3


def test_freezing_a_segment(shop):
    segment = make_segment(project=shop.project)
    client = Client()
    client.force_login(make_member(shop.project, "user"))
    client.post(reverse("dashboard:segment-freeze", args=[segment.public_id]))
    assert written() == [("segment.created", "segment", "dashboard")]
    assert last()["after"]["members_of"] == segment.public_id


@pytest.fixture
def operator(db):
    client = Client()
    client.force_login(User.objects.create_superuser("root@shop.example", PASSWORD))
    return client


def test_what_operators_write_in_the_admin_is_written_down(operator):
    operator.post("/admin/auth/group/add/", {"name": "Support"})
    group = Group.objects.get()
    operator.post(f"/admin/auth/group/{group.pk}/change/", {"name": "Help desk"})
    operator.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    assert written() == [(f"group.{verb}", "group", "admin") for verb in ("created", "changed", "deleted")]
    entries = [audit.values_of(entry) for entry in AuditEntry.objects.order_by("pk")]
    assert (entries[1]["before"], entries[1]["after"]) == ({"name": "Support"}, {"name": "Help desk"})
    assert entries[0]["actor"] == "root@shop.example"


def test_an_action_over_several_rows_names_each(operator):
    groups = [Group.objects.create(name=name) for name in ("a", "b")]
    chosen = {"action": "delete_selected", "_selected_action": [group.pk for group in groups], "post": "yes"}
    operator.post("/admin/auth/group/", chosen)
    assert [action for action, *_ in written()] == ["group.deleted"] * 2


def test_projects_and_operators_made_by_commands(db, capsys):
    call_command("create_project", "Shop", "--json")
    project = json.loads(capsys.readouterr().out)["project_id"]
    call_command("create_admin", "root@shop.example")
    assert written() == [("project.created", "project", "command"), ("user.created", "user", "command")]
    assert AuditEntry.objects.get(action="project.created").object_id == project


SOURCES = [
    path
    for app in ("config", "customers", "segments", "tracking", "vouchers")
    for path in BASE_DIR.glob(f"{app}/**/*.py")
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_every_kind_of_object_can_be_filtered_by(path: Path):
    named = re.findall(r"\bnote\(\s*(?:(?:self\.)?request,\s*)?(?:f?\"[^\"]+\"|action),\s*\"(\w+)\"", path.read_text())
    named += re.findall(r"object_type=\"(\w+)\"", path.read_text()) if "audit.record" in path.read_text() else []
    assert set(named) <= {*OBJECTS, "group"}
