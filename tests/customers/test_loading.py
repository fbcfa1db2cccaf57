"""The upsert's plan: right look-ups whatever the statistics say."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from customers import services, watching
from customers.models import ChangedCustomer, Customer
from customers.payloads import CustomerData
from customers.services import loading
from customers.services.loading import Existing
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db

ROWS = 600


def rows(turn):
    return [CustomerData(source_id=f"crm-{n}", name=f"Name {n} {turn}") for n in range(ROWS)]


def test_rows_are_looked_up_by_their_key_also_where_statistics_know_no_customer():
    """The first import into a new project, beside a large one: as a join this compared everybody with everybody."""
    project = make_project("New")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customer")
        services.upsert_many(project=project, rows=rows(0), at=NOW)
        parameters = loading._parameters(project, NOW, Existing.BOTH) | {"rows": None}
        with transaction.atomic():
            cursor.execute(loading.NESTED_LOOPS)
            cursor.execute("EXPLAIN " + loading._statement(True, "counts"), parameters)
            plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "AND (source_id = s.source_id)" in plan
    assert "AND ((public_id)::text = s_1.id)" in plan
    assert "Join Filter: (c." not in plan


def test_the_trigger_that_notes_changes_does_not_inherit_the_imports_settings():
    project = make_project()
    watching.watch(project, ["name"])
    services.upsert_many(project=project, rows=rows(0), at=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = 'customers_note_changed'")
        settings = cursor.fetchone()[0]
    assert set(settings) == {"enable_hashjoin=on", "enable_mergejoin=on", "enable_seqscan=on"}
    assert services.upsert_many(project=project, rows=rows(1), at=NOW).updated == ROWS


def test_single_and_many_changes_are_noted_alike():
    """Many are planned for their number: a plan kept from single rows compares each with each."""
    project = make_project()
    services.upsert_many(project=project, rows=rows(0), at=NOW)
    watching.watch(project, ["name", "city"])
    ChangedCustomer.objects.all().delete()
    for turn in range(8):
        Customer.objects.filter(source_id="crm-1").update(name=f"Single {turn}", phone=f"{turn}")
    assert Customer.objects.update(name="Many", phone="1") == ROWS
    assert Customer.objects.update(phone="2") == ROWS
    noted = list(ChangedCustomer.objects.order_by("pk").values_list("keys", "customer__source_id"))
    assert noted[:8] == [(["name"], "crm-1")] * 8
    assert sorted(who for keys, who in noted[8:] if keys == ["name"]) == sorted(f"crm-{n}" for n in range(ROWS))
    assert len(noted) == 8 + ROWS
