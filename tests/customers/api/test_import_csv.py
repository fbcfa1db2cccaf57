from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.imports.models import ImportFile
from config.imports.runner import run_import
from config.jobs import runner as jobs
from config.jobs.models import AsyncAction
from customers.models import Customer
from customers.services.importing import SUBJECT
from tests.factories import make_customer, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(data_folder):
    return make_shop()


def post(shop, content, name="customers.csv"):
    return shop.server().post(
        "/v1/customers/importCSV", {"file": SimpleUploadedFile(name, content)}, format="multipart"
    )


def test_a_file_is_taken_with_202_and_imported_by_the_wires_rules(shop):
    make_customer(project=shop.project, source_id="crm-1", name="Old", phone="1", metadata={"old": "x"})
    response = post(shop, b"Name,Source_id,Phone,City,tier\nNora,crm-1,,Berlin,gold\nOle,crm-2,2,,\n,,,,\n")
    assert response.status_code == 202
    action = AsyncAction.objects.get(public_id=response.json()["async_action_id"])
    assert (action.type, action.status, action.channel) == ("CUSTOMERS.IMPORT_CSV", "ENQUEUED", "API")
    jobs.run(lambda run: run_import(run, SUBJECT), action_id=action.pk)
    shown = shop.server().get(f"/v1/async-actions/{action.public_id}").json()
    assert (shown["status"], shown["operation_status"]) == ("DONE", "SUCCESS")
    assert shown["result"]["done_count"] == 2
    nora = Customer.objects.get(source_id="crm-1")
    assert (nora.name, nora.phone, nora.city, nora.metadata) == ("Nora", None, "Berlin", {"tier": "gold"})


def test_without_a_file(shop):
    for response in (
        shop.server().post("/v1/customers/importCSV", {}, format="multipart"),
        shop.server().post("/v1/customers/importCSV", {"file": "text"}, format="multipart"),
        shop.server().post("/v1/customers/importCSV", {"file": "text"}),
        shop.server().post("/v1/customers/importCSV"),
    ):
        assert response.status_code == 400
        assert response.json()["key"] == "invalid_payload"
        assert response.json()["details"] == "Payload should have required property 'file'"


@pytest.mark.parametrize(
    ("content", "details"),
    [
        (b"", "The file is empty"),
        (b"Name,Source_id\n", "The file has only a header; there is no row below it"),
        (b"\x00\x01\x02\x03" * 100, "The file is not text; save it as CSV"),
        (b"City,Address_City\na,b\n", "City and Address_City go to the same field"),
    ],
)
def test_a_file_that_cannot_be_read_is_400_with_a_sentence(shop, content, details, data_folder):
    response = post(shop, content)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["details"] == details
    assert not ImportFile.objects.exists()
    assert not AsyncAction.objects.exists()
    assert not list((data_folder / "uploads").iterdir())


def test_the_importer_reads_commas_only(shop):
    response = post(shop, b"Name;Source_id\nNora;crm-1\n")
    assert ImportFile.objects.get().mapping == ["metadata.Name;Source_id"]
    assert response.status_code == 202
