from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config.imports import runner
from config.imports.subjects import Options
from config.jobs import runner as jobs
from config.project import audit
from config.project.models import AuditEntry, User
from customers import imports
from customers.models import Customer
from customers.services.importing import SUBJECT
from tests.factories import PASSWORD, make_customer, make_shop

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
FILE = (
    "Name,Source_id,City,Birthdate,customer_type\n"
    "Nora,crm-1,Berlin,1990-05-01,Corporate\n"
    "Ole,crm-2,,,\n"
    '"=1+1",crm-3,Köln,,Consumer\n'
)


@pytest.fixture
def operator():
    User.objects.create_superuser("op@shop.example", PASSWORD)
    client = Client()
    client.login(username="op@shop.example", password=PASSWORD)
    return client


@pytest.fixture
def project(data_folder):
    return make_shop().project


def dry_run(operator, project, content):
    upload = SimpleUploadedFile("crm.csv", content.encode())
    return operator.post(
        "/admin/customers/customer/import/",
        {"resource": "0", "format": "0", "import_file": upload, "project": project.pk},
    )


def confirm(operator, shown):
    return operator.post(
        "/admin/customers/customer/process_import/", shown.context["confirm_form"].initial, follow=True
    )


def stored(project):
    names = ("source_id", "name", "city", "birthdate", "metadata", "email", "phone", "nulled_fields", "version")
    return list(Customer.objects.of(project).order_by("source_id").values_list(*names))


def test_operators_import_and_the_wizard_leave_the_same_rows(operator, project):
    wizard = make_shop("Wizard").project
    for shop in (project, wizard):
        make_customer(project=shop, source_id="crm-2", name="Old", email="o@example.com", address={"city": "Bonn"})
    shown = dry_run(operator, project, FILE)
    assert "confirm_form" in shown.context, shown.context.get("result")
    assert Customer.objects.of(project).count() == 1
    confirm(operator, shown)
    file = imports.upload(project=wizard, content=io.BytesIO(FILE.encode()), given_name="crm.csv", at=NOON)
    mapping = imports.inspect(file).proposed_mapping
    action = imports.start(file, mapping=mapping, options=Options(unescape=True), at=NOON)
    jobs.run(lambda run: runner.run_import(run, SUBJECT), action_id=action.pk)
    assert stored(project) == stored(wizard)
    assert len(stored(project)) == 3


def test_a_second_import_skips_every_row(operator, project):
    confirm(operator, dry_run(operator, project, FILE))
    shown = dry_run(operator, project, FILE)
    assert shown.context["result"].totals["skip"] == 3
    before = stored(project)
    confirm(operator, shown)
    assert stored(project) == before


def test_bad_rows_are_shown_and_nothing_is_stored(operator, project):
    shown = dry_run(operator, project, FILE.replace("1990-05-01", "31/31/1990"))
    assert "confirm_form" not in shown.context
    [invalid] = shown.context["result"].invalid_rows
    assert "Birthdate: 31/31/1990 is not a date; write 1990-12-31" in str(invalid.error)
    assert not Customer.objects.exists()


def test_an_export_comes_back_as_the_same_customers(operator, project):
    confirm(operator, dry_run(operator, project, FILE))
    response = operator.post("/admin/customers/customer/export/", {"resource": "0", "format": "0"})
    assert response.status_code == 200
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    nora = next(row for row in rows if row["Source_id"] == "crm-1")
    assert (nora["Name"], nora["Address_City"], nora["metadata.customer_type"]) == ("Nora", "Berlin", "Corporate")
    before = stored(project)
    shown = dry_run(operator, project, response.content.decode())
    assert shown.context["result"].totals["skip"] == 3
    assert stored(project) == before


def test_imports_and_exports_are_written_down_and_dry_runs_are_not(operator, project):
    shown = dry_run(operator, project, FILE)
    assert not AuditEntry.objects.exists()
    confirm(operator, shown)
    operator.post("/admin/customers/customer/export/", {"resource": "0", "format": "0"})
    entries = AuditEntry.objects.order_by("pk")
    assert [(row.action, row.channel, row.project_id) for row in entries] == [
        ("customer.imported", "admin", project.pk), ("customer.exported", "admin", None),
    ]  # fmt: skip
    imported, exported = (audit.values_of(row)["after"] for row in entries)
    assert (imported["rows"], imported["new"], exported["rows"]) == (3, 3, 3)


def test_others_may_not(project):
    assert Client().get("/admin/customers/customer/import/").status_code == 302
