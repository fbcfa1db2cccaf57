"""Permanent deletion (T24): after it nobody finds the person in any table or file, and the sums are what they were."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import TestCase

from config.exports import services as exports
from config.imports.models import ImportFailure, ImportFile
from config.jobs.models import AsyncAction, JobFile
from config.project import audit
from config.webhooks import catalogue
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from customers import imports, services
from customers.models import Customer, Erasure
from customers.payloads import CustomerData
from customers.services.erasure import hash_of
from segments import services as segments
from tests.factories import NOW, make_customer, make_shop, make_voucher
from tests.jobs import run_queued
from tracking.models import Event, EventCounter, Order, TrackingIdentity
from vouchers.models import Redemption, Voucher

pytestmark = pytest.mark.django_db

NORA = {
    "source_id": "crm-5521",
    "name": "Nora Lind",
    "email": "Nora.Lind@shop.example",
    "phone": "+49 30 1234567",
    "address": {"city": "Berlin", "line_1": "Main Street 17"},
    "metadata": {"nick": "Norchen"},
}
TRACES = ("crm-5521", "nora lind", "nora.lind@shop.example", "+49 30 1234567", "main street 17", "norchen", "track_")


@pytest.fixture
def shop(data_folder):
    return make_shop()


def dump() -> str:
    """All tables as text, in lower case."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY 1"
        )
        out = io.StringIO()
        for (table,) in cursor.fetchall():
            with cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                out.write("".join(f"{table}: {bytes(line).decode()}" for line in copy))
    return out.getvalue().lower()


def found(data_folder, texts=TRACES) -> list[str]:
    """Where a text of the person stands: lines of tables, names of files."""
    lines = [line for line in dump().splitlines() if any(text.lower() in line for text in texts)]
    files = [path for path in data_folder.rglob("*") if path.is_file()]
    named = [str(path) for path in files if any(text.lower() in path.read_text().lower() for text in texts)]
    return lines + named


def live(shop, data_folder) -> Customer:
    """A person leaves traces wherever traces can be left."""
    server = shop.server()
    project = shop.project
    told = {"target_url": "https://a.example/", "events": sorted(catalogue.TYPES)}
    webhooks.create(project=project, body=told, at=NOW)
    make_customer(project=project, source_id="crm-1", name="Ole", email="ole@shop.example")
    make_voucher(project=project, code="TEN", quantity=10)
    make_voucher(project=project, code="GIFT", gift_amount=5000, discount=None)
    tracked = shop.browser().post("/client/v1/validations", _order("TEN", {"source_id": "crm-5521"}), format="json")
    assert tracked.status_code == 200
    body = _order("TEN", NORA) | {"metadata": {"card": "Nora Lind"}}
    assert server.post("/v1/redemptions", body, format="json").status_code == 200
    assert server.post("/v1/redemptions", _order("GIFT", NORA), format="json").status_code == 200
    assert server.post("/v1/redemptions", _order("NONE", NORA), format="json").status_code in (400, 404)
    event = {"event": "seen", "customer": NORA, "metadata": {"by": "Nora Lind"}}
    assert server.post("/v1/events", event, format="json", HTTP_IDEMPOTENCY_KEY="seen-1").status_code == 200
    assert Delivery.objects.filter(payload__contains="Nora Lind").count() > 4
    customer = Customer.objects.get(source_id="crm-5521")
    Voucher.objects.filter(code="GIFT").update(
        holder=customer, metadata={"for": "Nora Lind"}, additional_info="Nora Lind"
    )
    audit.record(
        project=project,
        actor=audit.SYSTEM,
        action="export.started",
        object_type="export",
        before={"filter": "name is Nora Lind"},
        at=NOW,
        channel="dashboard",
    )
    segments.create(
        project=project, name="Friends", type="static", filter=None, customers=[customer.public_id], metadata={}, at=NOW
    )
    content = (
        "Source_id,Name,Email,Phone,Birthdate\n"
        "crm-2,Ida,ida@shop.example,1,\n"
        "crm-5521,Nora Lind,NORA.LIND@shop.example,+49 30 1234567,1990-05-01\n"
        "crm-5521,Nora Lind,,,no date\n"
    )
    imports.start_from_api(
        project=project, content=io.BytesIO(content.encode()), given_name="Nora Lind.csv", at=NOW, limit=10_000
    )
    parameters = {
        "fields": ["id", "source_id", "name", "email"],
        "filters": {"name": {"conditions": {"$is": ["Nora Lind", "Ole"]}}},
    }
    exports.start(project=project, exported_object="customer", parameters=parameters, at=NOW)
    bulk = server.post("/v1/customers/bulk/async", [NORA, {"source_id": "crm-3"}], format="json")
    with TestCase.captureOnCommitCallbacks(execute=True):  # files go when the database has let them go
        run_queued()
    assert AsyncAction.objects.get(public_id=bulk.json()["async_action_id"]).status == "DONE"
    return Customer.objects.get(source_id="crm-5521")


def _order(code, customer):
    return {
        "redeemables": [{"object": "voucher", "id": code}],
        "customer": customer,
        "order": {"amount": 2000, "metadata": {"gift_for": "Nora Lind"}},
        "tracking_id": "crm-5521",
    }


def erase(shop, identifier):
    return shop.server().post(f"/v1/customers/{identifier}/permanent-deletion")


def test_nothing_of_the_person_is_found_afterwards_and_the_sums_stay(shop, data_folder):
    customer = live(shop, data_folder)
    assert len(found(data_folder)) >= 15
    assert {text for text in TRACES if not found(data_folder, (text,))} == set(), "the canaries can be met"
    orders = sorted(Order.objects.values_list("public_id", "amount", "total_amount", "total_discount_amount"))
    sums = ("public_id", "result", "order_amount", "discount_amount", "amount")
    redeemed = sorted(Redemption.objects.values_list(*sums), key=str)
    codes = sorted(Voucher.objects.values_list("code", "redeemed_quantity", "redeemed_amount"))
    events, mine = Event.objects.count(), Event.objects.filter(customer_id=customer.pk).count()

    response = erase(shop, "crm-5521")

    assert response.status_code == 200
    body = response.json()
    assert body["id"].startswith("del_")
    assert (body["related_object"], body["related_object_id"]) == ("customer", customer.public_id)
    assert (body["status"], body["object"]) == ("DONE", "pernament_deletion")
    assert body["data_json"]["customer"] == 1
    assert body["data_json"]["segments"] == 1
    assert body["data_json"]["orders"] == Order.objects.count() > 1
    assert body["data_json"]["events"] == body["data_json"]["customer_events"] >= mine > 0
    assert Event.objects.count() == events - body["data_json"]["events"]
    assert found(data_folder) == []
    assert audit.verify(shop.project) is None
    assert sorted(Order.objects.values_list("public_id", "amount", "total_amount", "total_discount_amount")) == orders
    assert sorted(Redemption.objects.values_list(*sums), key=str) == redeemed
    assert sorted(Voucher.objects.values_list("code", "redeemed_quantity", "redeemed_amount")) == codes
    assert not EventCounter.objects.exists()
    assert not TrackingIdentity.objects.exists()
    for line in found(data_folder, (customer.public_id,)):
        assert line.startswith(("customers_erasure: ", "project_auditentry: ")) or line.endswith("/erasures.jsonl")


def test_the_others_stay_in_files_and_tables(shop, data_folder):
    live(shop, data_folder)
    erase(shop, "crm-5521")
    assert sorted(Customer.objects.values_list("source_id", flat=True)) == ["crm-1", "crm-2", "crm-3"]
    upload = ImportFile.objects.get()
    assert (data_folder / "uploads" / upload.path).read_text() == (
        "Source_id,Name,Email,Phone,Birthdate\ncrm-2,Ida,ida@shop.example,1,\n,,,,\n,,,,\n"
    )
    assert not ImportFailure.objects.exists()
    (export,) = (data_folder / "exports").iterdir()
    assert "ole@shop.example" in export.read_text()
    (report,) = JobFile.objects.filter(kind="report")
    assert (data_folder / "jobs" / report.file_name).read_text() == (
        "source_id,found,updated,error\n,,,\ncrm-3,false,true,\n"
    )


def test_afterwards_the_customer_is_unknown_and_answers_still_render(shop, data_folder):
    customer = live(shop, data_folder)
    erase(shop, customer.public_id)
    server = shop.server()
    for identifier in (customer.public_id, "crm-5521"):
        response = server.get(f"/v1/customers/{identifier}")
        assert (response.status_code, response.json()["message"]) == (404, "Resource not found")
        assert erase(shop, identifier).status_code == 404
    for path in ("/v1/redemptions", "/v1/vouchers", "/v1/async-actions", "/v1/exports"):
        assert server.get(path).status_code == 200
    for redemption in Redemption.objects.all():
        assert server.get(f"/v1/redemptions/{redemption.public_id}").status_code == 200
    for action in AsyncAction.objects.exclude(type="EXPORT"):
        assert server.get(f"/v1/async-actions/{action.public_id}").status_code == 200
    again = server.post("/v1/customers", NORA, format="json").json()
    assert again["id"] != customer.public_id
    assert again["summary"]["orders"]["total_count"] == 0


def test_it_works_after_an_ordinary_delete_with_the_former_id_and_spares_who_came_later(shop):
    project = shop.project
    old = services.upsert(project=project, data=CustomerData(source_id="crm-1", name="Nora Lind"), at=NOW)
    services.delete(project=project, customer=old, at=NOW)
    new = make_customer(project=project, source_id="crm-1", name="Ida", metadata={"key": "crm-1"})
    response = erase(shop, old.public_id)
    assert response.json()["related_object_id"] == old.public_id
    assert list(Customer.objects.all()) == [new]
    assert (new.source_id, Customer.objects.get().metadata) == ("crm-1", {"key": "crm-1"})
    assert erase(shop, old.public_id).status_code == 404


def test_deleted_profiles_under_the_same_source_id_go_too(shop):
    project = shop.project
    old = make_customer(project=project, source_id="crm-1", name="Nora Lind")
    services.delete(project=project, customer=old, at=NOW)
    make_customer(project=project, source_id="crm-1", name="Nora Lind")
    assert erase(shop, "crm-1").json()["data_json"]["customer"] == 2
    assert not Customer.objects.exists()


def test_unknown_customers_and_those_of_others_are_404(shop):
    other = make_customer(project=make_shop("Other").project)
    for identifier in ("crm-404", other.public_id, other.source_id):
        response = erase(shop, identifier)
        assert (response.status_code, response.json()["resource_id"]) == (404, identifier)
    assert Customer.objects.count() == 1
    assert not Erasure.objects.exists()


def test_whoever_comes_back_with_a_restore_is_erased_again(shop, data_folder, capsys):
    project = shop.project
    customer = make_customer(project=project, source_id="crm-5521", name="Nora Lind")
    bystander = make_customer(project=project, source_id="crm-1")
    kept = Customer.objects.get(pk=customer.pk)
    erase(shop, "crm-5521")
    certificate = Erasure.objects.values().get()
    Erasure.objects.all().delete()  # the backup was made before
    Customer.objects.create(**{field: getattr(kept, field) for field in ("project", "public_id", "source_id", "name")},
                            created_at=NOW + timedelta(days=0))  # fmt: skip
    call_command("reapply_erasures")
    assert capsys.readouterr().out == "1 persons erased again\n"
    assert list(Customer.objects.all()) == [bystander]
    assert Erasure.objects.values().get() | {"id": 0} == certificate | {"id": 0}
    assert found(data_folder, ("crm-5521", "Nora Lind")) == []
    call_command("reapply_erasures")
    assert capsys.readouterr().out == "0 persons erased again\n"


def test_the_certificate_knows_the_identifiers_only_by_a_keyed_hash(shop):
    make_customer(project=shop.project, source_id="crm-5521")
    erase(shop, "crm-5521")
    identifiers = Erasure.objects.get().identifiers
    assert hash_of(shop.project, "crm-5521") in identifiers
    assert "crm-5521" not in json.dumps(identifiers)
    assert hash_of(make_shop("Other").project, "crm-5521") not in identifiers


def test_an_ordinary_delete_takes_the_customer_off_fixed_lists_and_keeps_the_rest(shop):
    project = shop.project
    customer = make_customer(project=project, source_id="crm-1")
    body = {"name": "Friends", "type": "static", "filter": None, "customers": ["crm-1"], "metadata": {}}
    segment = segments.create(project=project, at=NOW, **body)
    assert shop.server().delete("/v1/customers/crm-1").status_code == 204
    assert not segment.memberships.exists()
    assert Customer.objects.get(pk=customer.pk).name == customer.name
    assert shop.server().delete("/v1/customers/crm-1").status_code == 404
