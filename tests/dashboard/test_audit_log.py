"""The audit log's page, and what the dashboard and the API write into it."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse

from config.project import audit
from config.project.models import AuditEntry
from customers import imports
from tests.factories import NOW, PASSWORD, make_member, make_project, make_shop, make_voucher
from tests.jobs import run_queued

pytestmark = pytest.mark.django_db


def record(project, number, **fields):
    given = {"actor": audit.Actor("user", "user_1", "ann@shop.example"), "action": "voucher.changed", "at": NOW}
    given |= {"object_type": "voucher", "object_id": f"v_{number}", "channel": "api", "name": f"CODE-{number}"}
    return audit.record(project=project, **(given | fields))


def written(project):
    return [(row.action, row.actor_type, row.channel) for row in AuditEntry.objects.of(project).order_by("pk")]


def changes(project):
    rows = map(audit.values_of, AuditEntry.objects.of(project).order_by("pk"))
    return [(values["before"], values["after"]) for values in rows]


def test_a_customers_life_over_the_api_is_written_down(db):
    shop = make_shop()
    client = shop.server()
    client.post("/v1/customers", {"source_id": "ann", "name": "Ann"})
    client.post("/v1/customers", {"source_id": "ann", "name": "Ann"})
    client.post("/v1/customers", {"source_id": "ann", "name": "Anna"})
    client.put("/v1/customers/ann", {"metadata": {"tier": "gold"}})
    client.delete("/v1/customers/ann")
    verbs = ("created", "changed", "changed", "deleted")
    assert written(shop.project) == [(f"customer.{verb}", "key", "api") for verb in verbs]
    assert changes(shop.project)[1:3] == [({"name": "Ann"}, {"name": "Anna"}), ({}, {"metadata": {"tier": "gold"}})]
    assert {row.actor_id for row in AuditEntry.objects.all()} == {shop.secrets["app_id"]}
    assert audit.verify(shop.project) is None


def test_a_refused_change_leaves_no_trace(db):
    shop = make_shop()
    assert shop.server().post("/v1/customers", {"source_id": "ann", "birthdate": "tomorrow"}).status_code == 400
    assert shop.server().delete("/v1/customers/nobody").status_code == 404
    assert not AuditEntry.objects.exists()


def test_vouchers_over_the_api_are_written_down(db):
    shop = make_shop()
    client = shop.server()
    discount = {"type": "PERCENT", "percent_off": 10}
    client.post("/v1/vouchers/TEN", {"type": "DISCOUNT_VOUCHER", "discount": discount})
    client.post("/v1/vouchers/TEN/disable")
    client.put("/v1/vouchers/TEN", {"additional_info": "note"})
    client.delete("/v1/vouchers/TEN")
    verbs = ("created", "disabled", "changed", "deleted")
    assert [action for action, *_ in written(shop.project)] == [f"voucher.{verb}" for verb in verbs]
    assert changes(shop.project)[1] == ({"active": True}, {"active": False})


def test_the_dashboard_writes_down_who(marketer, project):
    marketer.post(reverse("dashboard:customer-new"), {"name": "Ann", "source_id": "ann"})
    voucher = make_voucher(project=project)
    marketer.post(reverse("dashboard:voucher-switch", args=[voucher.public_id]), {"active": ""})
    actions = ("customer.created", "voucher.disabled")
    assert written(project) == [(action, "user", "dashboard") for action in actions]
    assert audit.values_of(AuditEntry.objects.order_by("pk")[0])["actor"] == "user@shop.example"


def test_an_import_is_one_entry(db, data_folder):
    shop = make_shop()
    content = io.BytesIO(b"source_id,name\na,Ann\nb,Bob\n")
    imports.start_from_api(
        project=shop.project, content=content, given_name="crm.csv", at=NOW, limit=10_000, request_id="v-1"
    )
    run_queued()
    assert written(shop.project) == [("customer.imported", "key", "import")]
    assert changes(shop.project) == [({}, {"created": 2, "updated": 0, "unchanged": 0, "failed_count": 0})]


def test_signing_in_and_being_refused_is_written_down(client, project):
    user = make_member(project)
    door = reverse("dashboard:login")
    for name, password in ((user.email, "wrong"), ("eve@shop.example", "wrong"), (user.email, PASSWORD)):
        client.post(door, {"username": name, "password": password})
    actions = ("user.sign_in_refused", "user.signed_in")
    assert written(project) == [(action, "user", "dashboard") for action in actions]
    assert AuditEntry.objects.get(project=None).action == "user.sign_in_refused"


def test_the_page_shows_who_what_and_before_and_after(sign_in, project):
    record(project, 1, before={"active": True}, after={"active": False})
    record(make_project("Other"), 2, name="SECRET")
    page = sign_in("admin").get(reverse("dashboard:audit")).content.decode()
    for words in ("ann@shop.example", "Voucher changed", "CODE-1", "v_1", "true", "false", "API key"):
        assert words in page
    assert "SECRET" not in page


def test_erased_values_are_said_to_be_erased(sign_in, project):
    record(project, 1, after={"name": "Bob"})
    audit.erase(project=project, object_type="voucher", object_id="v_1")
    page = sign_in("admin").get(reverse("dashboard:audit")).content.decode()
    assert "Erased" in page
    assert "Bob" not in page


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [3, 2, 1]), ({"object": "customer"}, [2]), ({"from": "api"}, [3, 1]), ({"who": "user_2"}, [3]),
        ({"q": "v_1"}, [1]), ({"since": "2027-01-01"}, []), ({"since": "soon"}, []), ({"did": "changed"}, [3, 2, 1]),
        ({"did": "deleted"}, []), ({"until": "2026-02-02"}, []), ({"until": "2026-02-03"}, [3, 2, 1]),
        ({"since": "2026-02-03", "until": "2026-02-03", "from": "dashboard"}, [2]),
    ],
)  # fmt: skip
def test_filters_of_the_page_and_of_the_file_are_the_same(sign_in, project, query, numbers):
    record(project, 1)
    record(project, 2, object_type="customer", channel="dashboard")
    record(project, 3, actor=audit.Actor("user", "user_2", "bob@shop.example"))
    admin = sign_in("admin")
    listing = admin.get(reverse("dashboard:audit"), query).context["listing"]
    assert [int(row.object_id[2:]) for row in listing.rows] == numbers
    body = b"".join(admin.get(reverse("dashboard:audit-file"), query).streaming_content).decode()
    assert [int(row["number"]) for row in csv.DictReader(io.StringIO(body))] == numbers
    assert AuditEntry.objects.latest("pk").action == "audit_log.downloaded"


def test_no_cell_of_the_file_is_a_formula(sign_in, project):
    record(project, 1, name="=cmd|' /C calc'!A0", object_id="@SUM(1)")
    body = b"".join(sign_in("admin").get(reverse("dashboard:audit-file")).streaming_content).decode()
    row = next(iter(csv.DictReader(io.StringIO(body))))
    assert (row["name"], row["object_id"]) == ("'=cmd|' /C calc'!A0", "'@SUM(1)")


@pytest.mark.parametrize("rows", [3, 30])
def test_the_page_costs_the_same_for_3_and_for_30_rows(sign_in, project, django_assert_num_queries, rows):
    for index in range(rows):
        record(project, index)
    admin = sign_in("admin")
    with django_assert_num_queries(9):
        assert admin.get(reverse("dashboard:audit")).status_code == 200
