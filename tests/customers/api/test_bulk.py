from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config.jobs import bulk, files
from config.jobs.models import AsyncAction, JobBatch, JobFile
from config.kernel import instants
from config.kernel.errors import MetadataValidationFailed
from config.project import schemas
from customers import bulk as doors
from customers import services
from customers.models import Customer
from customers.payloads import CustomerData
from tests.factories import NOW, make_customer, make_shop
from tests.jobs import finished, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(data_folder):
    return make_shop()


def post(shop, what, body):
    return shop.server().post(f"/v1/customers/{what}/async", body, format="json")


def done(shop, response):
    assert response.status_code == 202
    finished(AsyncAction.objects.get(public_id=response.json()["async_action_id"]))
    return shop.server().get(f"/v1/async-actions/{response.json()['async_action_id']}").json()


def report_of(shown):
    (link,) = shown["result"]["reports"]
    return link.removeprefix("http://testserver")


def read(response):
    return b"".join(response.streaming_content).decode()


def vip_schema(project):
    properties = {"vip": {"type": "boolean", "optional": True}}
    schemas.create(project=project, body={"related_object": "customer", "properties": properties}, at=NOW)


def test_known_customers_are_updated_and_unknown_ones_created(shop, data_folder):
    make_customer(project=shop.project, source_id="crm-1", name="Nora", metadata={"a": 1})
    body = [
        {"source_id": "crm-1", "email": "Nora@Shop.example", "metadata": {"b": 2}, "id": "cust_other"},
        {"source_id": "crm-2", "name": "Ole"},
        {"source_id": "crm-2", "name": "Ola"},
    ]
    shown = done(shop, post(shop, "bulk", body))
    assert (shown["type"], shown["status"], shown["operation_status"]) == ("CUSTOMERS.BULK_UPDATE", "DONE", "SUCCESS")
    assert (shown["progress"], shown["result"]["done_count"], shown["result"]["failed_count"]) == (100, 3, 0)
    assert shown["result"]["errors"] == []
    assert shown["result"]["results"] == [
        {"source_id": "crm-1", "updated": True, "found": True},
        {"source_id": "crm-2", "updated": True, "found": False},
        {"source_id": "crm-2", "updated": True, "found": True},
    ]
    nora, ola = Customer.objects.order_by("source_id")
    assert (nora.name, nora.email, nora.email_key) == ("Nora", "Nora@Shop.example", "nora@shop.example")
    assert nora.metadata == {"a": 1, "b": 2}
    assert (ola.source_id, ola.name) == ("crm-2", "Ola")
    assert not JobBatch.objects.exists()
    assert [file.kind for file in JobFile.objects.all()] == ["report"], "what was sent is forgotten"


def test_the_report_opens_with_its_token_only_and_for_a_week(shop, client):
    shown = done(shop, post(shop, "bulk", [{"source_id": "crm-1"}, {"source_id": "a,b"}]))
    link = report_of(shown)
    assert read(client.get(link)) == 'source_id,found,updated,error\ncrm-1,false,true,\n"a,b",false,true,\n'
    until = instants.parse_instant(shown["result"]["reports_available_till"])
    assert timedelta(days=6, hours=23) < until - instants.now() < timedelta(days=7)
    path, _, _ = link.partition("?")
    for wrong in (path, f"{path}?token=", f"{path}?token=0", link.replace(shown["id"], "aa_000000000000000000")):
        assert client.get(wrong).status_code == 401
    assert shop.server().get(path).status_code == 401, "keys open no report"
    files.forget_old(at=until + timedelta(seconds=1))
    assert client.get(link).status_code == 404


def test_forgotten_files_are_swept_up(data_folder):
    stray = files.folder() / "stray"
    stray.write_text("x")
    assert files.forget_old(at=instants.now()) == 0
    assert files.forget_old(at=instants.now() + timedelta(days=2)) == 1
    assert list(Path(data_folder / "jobs").iterdir()) == []


def test_rows_that_break_the_schema_are_reported_and_the_others_written(shop):
    vip_schema(shop.project)
    body = [{"source_id": "crm-1", "metadata": {"vip": "yes"}}, {"source_id": "crm-2", "metadata": {"vip": True}}]
    result = done(shop, post(shop, "bulk", body))["result"]
    assert (result["done_count"], result["failed_count"]) == (1, 1)
    details = "vip: must be a boolean (actual value is 'yes')"
    assert result["errors"] == [
        {
            "message": "Metadata validation failed",
            "details": details,
            "key": "metadata_validation_failed",
            "source_id": "crm-1",
        }
    ]
    assert result["results"][0] == {"source_id": "crm-1", "updated": False, "found": False}
    assert [customer.source_id for customer in Customer.objects.all()] == ["crm-2"]


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, "Payload should be array"),
        ("text", "Payload should be array"),
        ([], "The payload cannot be empty"),
        ([1], "Property [0] should be object"),
        ([{"source_id": "a"}, {"name": "x"}], "Payload should have required property 'source_id'"),
        ([{"source_id": None}], "Payload should have required property 'source_id'"),
        ([{"source_id": ""}], "Payload should have required property 'source_id'"),
        ([{"source_id": 1}], "Property [0].source_id should be string"),
        ([{"source_id": "a"}, {"source_id": "b", "email": 1}], "Property [1].email should be string"),
        ([{"source_id": "a", "address": {"city": 1}}], "Property [0].address.city should be string"),
        ([{"source_id": "a", "metadata": []}], "Property [0].metadata should be object"),
    ],
)
def test_the_whole_body_is_checked_before_anything_is_queued(shop, body, details):
    response = post(shop, "bulk", body)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["details"] == details
    assert queued() == []
    assert not AsyncAction.objects.exists()


def test_metadata_of_many(shop):
    make_customer(project=shop.project, source_id="crm-1", metadata={"vip": False, "a": 1})
    shown = done(shop, post(shop, "metadata", {"source_ids": ["crm-1", "crm-2"], "metadata": {"vip": None}}))
    assert (shown["type"], shown["result"]["done_count"]) == ("CUSTOMERS.METADATA_UPDATE", 2)
    assert dict(Customer.objects.values_list("source_id", "metadata")) == {
        "crm-1": {"vip": None, "a": 1},
        "crm-2": {"vip": None},
    }


@pytest.mark.parametrize(
    ("body", "key", "details"),
    [
        ({"source_ids": ["a"]}, "invalid_payload", "Payload should have required property 'metadata'"),
        ({"metadata": {}}, "invalid_payload", "Payload should have required property 'source_ids'"),
        ({}, "invalid_payload", "Payload should have required property 'source_ids'"),
        ([], "invalid_payload", "Payload should be object"),
        ({"source_ids": [], "metadata": {}}, "not_enough_source_ids", "Specify at least 1 source_id"),
        ({"source_ids": "a", "metadata": {}}, "invalid_payload", "Property .source_ids should be array"),
        ({"source_ids": ["a", 1], "metadata": {}}, "invalid_payload", "Property .source_ids[1] should be string"),
        ({"source_ids": [""], "metadata": {}}, "invalid_payload", "Property .source_ids[0] cannot be empty"),
        ({"source_ids": ["a"], "metadata": 1}, "invalid_payload", "Property .metadata should be object"),
        (
            {"source_ids": ["a"], "metadata": {"vip": "x"}},
            "metadata_validation_failed",
            "vip: must be a boolean (actual value is 'x')",
        ),
    ],
)
def test_refused_metadata_calls(shop, body, key, details):
    vip_schema(shop.project)
    response = post(shop, "metadata", body)
    assert (response.status_code, response.json()["key"], response.json()["details"]) == (400, key, details)
    assert queued() == []


def test_a_run_that_was_cut_off_goes_on_where_it_was(shop, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 2)
    body = [{"source_id": f"crm-{number}"} for number in range(5)]
    action = doors.start_update(project=shop.project, body=body, at=NOW)
    real, seen = bulk.Run.progress, []

    def cut(self, done, total=None):
        real(self, done, total)
        seen.append(done)
        if len(seen) == 2:
            raise bulk.runner.LeaseLost

    monkeypatch.setattr(bulk.Run, "progress", cut)
    finished(action)
    assert (action.status, Customer.objects.count()) == ("IN_PROGRESS", 4)
    bulk.runner.run(bulk.runner._functions["customers.update_many"], action_id=action.pk)
    action.refresh_from_db()
    assert (action.status, action.result["done_count"], Customer.objects.count()) == ("DONE", 5, 5)
    assert [entry["found"] for entry in action.result["results"]] == [False] * 5, "each was applied once"


def test_ten_megabytes_go_and_more_do_not(shop):
    response = post(shop, "bulk", [{"source_id": "a", "description": "x" * 11_000_000}])
    assert response.status_code == 413


def test_the_set_based_upsert_holds_the_schema_too(shop):
    vip_schema(shop.project)
    rows = [CustomerData(source_id="a"), CustomerData(source_id="b", metadata={"vip": 1})]
    with pytest.raises(MetadataValidationFailed):
        services.upsert_many(project=shop.project, rows=rows, at=NOW)
    assert not Customer.objects.exists()
