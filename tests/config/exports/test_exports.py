from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db.models import Q
from rest_framework.test import APIClient

from config.exports import columns, files, kinds, services, upkeep, writer
from config.jobs.models import AsyncAction, Export
from config.kernel import formulas
from config.project.models import MetadataSchema
from customers.models import Customer
from tests.factories import NOW, make_customer, make_member, make_shop
from tests.jobs import finished, run_queued

PEOPLE = kinds.ExportKind(
    name="people",
    columns={
        column.name: column
        for column in (
            columns.plain("id", "public_id"),
            columns.text("name"),
            columns.text("source_id"),
            columns.instant("created_at"),
            columns.plain("birthdate"),
            columns.plain("orders_total_amount"),
        )
    },
    default_fields=("name", "source_id"),
    rows=lambda project: Customer.objects.of(project).alive(),
    orders={"created_at": "created_at", "name": "name"},
    default_order="-created_at",
    filter_q=lambda project, filters, at: Q(city=filters["city"]),
)


@pytest.fixture(autouse=True)
def people(monkeypatch, data_folder):
    monkeypatch.setitem(kinds.KINDS, "people", PEOPLE)


@pytest.fixture
def shop(db):
    return make_shop()


def export_of(shop, **parameters):
    answer = shop.server().post("/v1/exports", {"exported_object": "people", "parameters": parameters})
    assert answer.status_code == 200, answer.json()
    return answer.json()


def download(url):
    return APIClient().get(url).getvalue()


def rows_of(shop, **parameters):
    export = export_of(shop, **parameters)
    run_queued()
    url = shop.server().get(f"/v1/exports/{export['id']}").json()["result"]["url"]
    return list(csv.reader(io.StringIO(download(url).decode())))


def test_an_export_is_scheduled_then_done_and_downloaded_without_keys(shop):
    make_customer(project=shop.project, name="Ada", source_id="c-1")
    export = export_of(shop)
    assert export["status"] == "SCHEDULED"
    assert export["result"] is None
    assert export["parameters"] == {"filters": {"junction": "and"}}
    run_queued()
    done = shop.server().get(f"/v1/exports/{export['id']}").json()
    assert done["status"] == "DONE"
    file = APIClient().get(done["result"]["url"])
    assert file.getvalue() == b"Name,Source ID\nAda,c-1\n"
    assert file["Content-Type"].startswith("text/plain")
    assert "attachment" in file["Content-Disposition"]


def test_cells_are_written_as_the_wire_says(shop):
    make_customer(
        project=shop.project, name='O"Neil, "Bob"', source_id="=1+1", orders_total_amount=1234,
        metadata={"tags": ["a", "b"], "vip": True, "n": 1.5, "deep": {"x": 1}, "gone": None},
    )  # fmt: skip
    names = ["name", "source_id", "created_at", "birthdate", "orders_total_amount"]
    keys = ["tags", "vip", "n", "deep", "gone", "missing"]
    rows = rows_of(shop, fields=[*names, *(f"metadata.{key}" for key in keys)])
    assert rows == [
        ["Name", "Source ID", "Created At", "Birthdate", "Orders Total Amount", *(f"metadata.{key}" for key in keys)],
        ['O"Neil, "Bob"', "=1+1", "2026-02-03T10:00:00.000Z", "", "1234", "a,b", "true", "1.5", '{"x": 1}', "", ""],
    ]


@pytest.mark.parametrize("order", ["created_at", "-created_at", "name", "-name"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pieces_give_every_row_once_and_in_order(shop, monkeypatch, order, size):
    monkeypatch.setattr(writer.pieces, "__kwdefaults__", {"size": size})
    for index in range(7):
        make_customer(project=shop.project, name=f"n{index}", created_at=NOW + timedelta(seconds=index // 2))
    found = [row[0] for row in rows_of(shop, order=order)[1:]]
    expected = sorted(f"n{index}" for index in range(7))
    assert found == (expected[::-1] if order.startswith("-") else expected)


def test_filters_and_the_project_bound_the_rows(shop):
    make_customer(project=shop.project, name="in", address={"city": "Berlin"})
    make_customer(project=shop.project, name="out", address={"city": "Rome"})
    make_customer(project=shop.project, name="gone", address={"city": "Berlin"}, deleted_at=NOW)
    make_customer(project=make_shop("Other").project, name="foreign", address={"city": "Berlin"})
    assert [row[0] for row in rows_of(shop, filters={"city": "Berlin"})[1:]] == ["in"]


def test_metadata_stands_for_the_declared_keys(shop):
    MetadataSchema.objects.create(
        project=shop.project, related_object="people", created_at=NOW,
        properties={"tier": {"type": "string"}, "old": {"type": "string", "deleted": True}},
    )  # fmt: skip
    make_customer(project=shop.project, metadata={"tier": "gold", "old": "x"})
    assert rows_of(shop, fields=["metadata"]) == [["metadata.tier"], ["gold"]]


@pytest.mark.parametrize(
    ("body", "key", "part"),
    [
        ({}, "invalid_payload", "required property 'exported_object'"),
        ({"exported_object": "unicorn"}, "invalid_payload", "Property .exported_object should be equal to one of"),
        ({"exported_object": "people", "parameters": []}, "invalid_payload", ".parameters should be object"),
        ({"exported_object": "people", "parameters": {"fields": ["nope"]}}, "invalid_export_fields", "Allowed fields"),
        ({"exported_object": "people", "parameters": {"fields": "name"}}, "invalid_payload", ".parameters.fields"),
        ({"exported_object": "people", "parameters": {"order": "age"}}, "invalid_payload", ".parameters.order"),
        ({"exported_object": "people", "parameters": {"filters": []}}, "invalid_payload", ".parameters.filters"),
    ],
)
def test_bad_requests_name_the_property_and_queue_nothing(shop, body, key, part):
    answer = shop.server().post("/v1/exports", body)
    assert (answer.status_code, answer.json()["key"]) == (400, key)
    assert part in answer.json()["details"]
    assert not Export.objects.exists()
    assert run_queued() == 0


def test_a_token_opens_its_own_file_only(shop):
    first, second = export_of(shop), export_of(shop)
    run_queued()
    token = files.token_of(Export.objects.get(public_id=first["id"]))
    assert download(f"/v1/exports/{first['id']}?token={token}")
    wrong = (f"{second['id']}?token={token}", f"{first['id']}?token=x", f"{first['id']}?token=", "exp_x?token=é")
    assert [APIClient().get(f"/v1/exports/{address}").status_code for address in wrong] == [401] * 4
    assert APIClient().get(f"/v1/exports/{first['id']}").status_code == 401


def test_exports_are_listed_and_deleted_with_their_file(shop):
    export = export_of(shop)
    run_queued()
    row = Export.objects.get(public_id=export["id"])
    assert files.path_of(row).exists()
    listed = shop.server().get("/v1/exports").json()
    assert (listed["data_ref"], listed["total"], listed["exports"][0]["id"]) == ("exports", 1, export["id"])
    assert make_shop("Other").server().delete(f"/v1/exports/{export['id']}").status_code == 404
    assert shop.server().delete(f"/v1/exports/{export['id']}").status_code == 204
    assert not files.path_of(row).exists()
    assert shop.server().get(f"/v1/exports/{export['id']}").status_code == 404


def test_the_job_is_not_listed_among_async_actions(shop):
    export_of(shop)
    assert shop.server().get("/v1/async-actions").json()["async_actions"] == []


def test_a_dashboard_download_makes_formulas_harmless_and_nothing_else(shop):
    cells = ["=1+1", "+cmd", "@x", "-2+3", "'=x", "\t=x", "+49 30 123", "-12.5", "plain", "a=b", "''", ""]
    for index, cell in enumerate(cells):
        make_customer(
            project=shop.project, name=cell, source_id=f"{index:02}", created_at=NOW + timedelta(seconds=index)
        )
    user = make_member(shop.project)
    export = services.start(
        project=shop.project, exported_object="people", parameters={"order": "created_at"}, at=NOW, user=user
    )
    finished(export.action)
    export.refresh_from_db()
    written = [row[0] for row in csv.reader(io.StringIO(files.path_of(export).read_bytes().decode()))][1:]
    assert written[:6] == ["'=1+1", "'+cmd", "'@x", "'-2+3", "''=x", "'\t=x"]
    assert written[6:] == cells[6:]
    assert [formulas.unguard(cell) for cell in written] == cells


def test_a_failed_job_is_an_error_with_nothing_left_behind(shop, monkeypatch):
    export = export_of(shop)
    AsyncAction.objects.update(status=AsyncAction.Status.FAILED)
    assert shop.server().get(f"/v1/exports/{export['id']}").json()["status"] == "ERROR"


def test_files_go_after_a_month(shop):
    export_of(shop)
    run_queued()
    row = Export.objects.get()
    assert upkeep.forget_old(at=row.created_at + upkeep.KEPT) == 0
    assert upkeep.forget_old(at=row.created_at + upkeep.KEPT + timedelta(seconds=1)) == 1
    assert list(files.folder().iterdir()) == []
